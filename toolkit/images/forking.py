"""The inside of a helper process: it forks a child for each request, and the child answers it.

``helper`` starts such a process and speaks to it. A request is a JSON object with descriptors, the
first of which is where the child writes one JSON object before it ends.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from toolkit.core.errors import InvalidInputError, ToolkitError

MAX_REQUEST = 1 << 20
_MAX_FDS = 8

Work = Callable[[dict[str, Any], Sequence[int]], dict[str, Any]]


def serve(work: Work) -> None:
    """Serve the socket whose number is the last argument until its other end closes.

    Several children may be at work; none is left when this returns.
    """
    control = socket.socket(fileno=int(sys.argv[-1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended but by their answer
    while True:
        data, fds, _, _ = socket.recv_fds(control, MAX_REQUEST, _MAX_FDS)
        if not data:
            break
        if not os.fork():
            control.close()
            _child(work, json.loads(data), fds)
        for fd in fds:
            os.close(fd)
    try:
        os.wait()  # returns only once there is no child any more: none of them is kept
    except ChildProcessError:
        return


def _child(work: Work, asked: dict[str, Any], fds: Sequence[int]) -> None:
    """Do the work, answer, end: never return into the loop."""
    try:
        answer = _answer(work, asked, fds)
        os.write(fds[0], json.dumps(answer).encode("utf-8", "surrogateescape"))
    except BrokenPipeError:
        pass  # the caller was killed
    finally:
        os._exit(0)


def _answer(work: Work, asked: dict[str, Any], fds: Sequence[int]) -> dict[str, Any]:
    try:
        return {"done": work(asked, fds)}
    except ToolkitError as error:
        bad = isinstance(error, InvalidInputError)
        return {"error": error.message, "hint": error.hint, "input": bad}
    except OSError as error:
        return {"errno": error.errno, "error": error.strerror, "path": error.filename or ""}
    except BaseException as error:  # noqa: BLE001 - a process's edge: the caller must hear of it
        return {"error": f"{type(error).__name__}: {error}", "hint": ""}
