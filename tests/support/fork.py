"""Running something in a forked child, for calls that cannot be undone."""

import os
import pickle
import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_child(action: Callable[[], T]) -> T:
    """The value of ``action()`` in a child process; what it raises is raised here."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            data = pickle.dumps((True, action()))
        except BaseException as error:  # noqa: BLE001 - handed to the parent, which raises it
            error.add_note(traceback.format_exc())
            data = pickle.dumps((False, error))
        os.write(writer, data)
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert data, f"the child died: {os.waitstatus_to_exitcode(status)}"
    fine, value = pickle.loads(data)
    if not fine:
        raise value
    result: T = value
    return result
