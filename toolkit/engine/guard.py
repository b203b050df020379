"""Sees to it that what is tied to this process ends with it, however it ends.

A child of this process waits on a pipe. If the pipe closes without a word, this process was
killed, and the child does at once what the next command would do (``Watch.reconcile``). A process
that dies closes its files before it counts as dead, so the child waits for that on a pidfd.
"""

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, Self

_WELL = b"."


class Guard:
    """A context manager around the time in which something is tied to this process.

    ``reconcile`` runs in the child, after the end of this process. Only for a process with one
    thread: it forks.
    """

    def __init__(self, reconcile: "Callable[[], object]") -> None:
        self._reconcile = reconcile
        self._writer = -1
        self._child = 0

    def __enter__(self) -> "Self":
        reader, self._writer = os.pipe2(os.O_CLOEXEC)
        watched = os.pidfd_open(os.getpid())
        self._child = os.fork()
        if not self._child:
            os.close(self._writer)
            self._watch(reader, watched)
        os.close(reader)
        os.close(watched)
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._writer, _WELL)
        os.close(self._writer)
        os.waitpid(self._child, 0)

    def _watch(self, reader: int, watched: int) -> "NoReturn":
        try:
            os.setsid()  # what kills the caller's group does not kill the guard
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(nothing, fd)
            if os.read(reader, 1) != _WELL:
                end = select.poll()
                end.register(watched, select.POLLIN)
                end.poll()
                self._reconcile()
        finally:
            os._exit(0)
