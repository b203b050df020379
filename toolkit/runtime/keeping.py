"""A container that the launcher itself keeps: its shim without a process of its own."""

from __future__ import annotations

from toolkit.runtime import joins, worker
from toolkit.runtime.shim import Shim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from toolkit.runtime.job import Job
    from toolkit.runtime.request import StartRequest

    class Loop(Protocol):
        """Whoever waits for many things at once; the launcher does."""

        def watch(self, fd: int, call: Callable[[int, int], None]) -> None:
            """Call ``call(fd, events)`` when there is something to read."""

        def forget(self, fd: int) -> None:
            """``fd`` is about to be closed."""

        def gone(self) -> None:
            """A kept container is over."""


def suits(request: StartRequest) -> bool:
    """Whether nothing of this container can keep the launcher waiting.

    It has its own stdio, leaves nothing that could be started again, and all of its processes end
    with the first one, so that its group can be removed at once.
    """
    spec = request.spec
    return (
        request.passthrough
        and request.state_dir in request.remove
        and not request.after
        and joins.wanted(spec).get("pid") == ""
        and not joins.has_user(spec)
        and spec.process is not None
        and not spec.process.terminal
    )


class Keeping:
    """One container from its start to its end, a turn at a time."""

    def __init__(self, loop: Loop, job: Job) -> None:
        self._loop = loop
        self._job = job
        self._shim = Shim(job, shared=True)
        self._watched: set[int] = set()

    def begin(self) -> None:
        """Make it; what fails leaves nothing and raises."""
        try:
            monitor = self._shim.begin()
        except BaseException:
            self._shim.sweep()
            raise
        monitor.before_close = self._forget
        self._watch()

    def _watch(self) -> None:
        for fd in self._shim.monitor.interests():
            if fd not in self._watched:
                self._watched.add(fd)
                self._loop.watch(fd, self._turn)

    def _forget(self, fd: int) -> None:
        if fd in self._watched:
            self._watched.remove(fd)
            self._loop.forget(fd)

    def _turn(self, fd: int, events: int) -> None:
        """Something is there to read on ``fd``."""
        monitor = self._shim.monitor
        if monitor.is_end(fd):
            self._end()
            return
        monitor.turn(fd, events)
        self._watch()

    def _end(self) -> None:
        try:
            self._shim.finish(self._shim.monitor.reap())
        except BaseException as error:  # noqa: BLE001 - the launcher goes on
            worker.refuse(self._job.session, error, self._job.steps)
            self._shim.abandon()
        finally:
            self._shim.sweep()
            self._shim.monitor.close()
            self._loop.gone()
