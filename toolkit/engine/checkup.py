"""One look at a container's health: its command runs inside, and nothing here waits for it."""

import os

from toolkit.core.errors import ToolkitError
from toolkit.engine.health import TIMED_OUT, Look, Plan, shortened
from toolkit.engine.model import ExecConfig
from toolkit.runtime.logfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from toolkit.engine.engine import Engine

    class Loop(Protocol):
        """Whoever waits for many things at once; the minder does."""

        def watch(self, fd: int, call: Callable[[], None]) -> None:
            """Call ``call()`` when there is something to read."""

        def forget(self, fd: int) -> None:
            """``fd`` is about to be closed."""

    Done = Callable[[Look], None]


_KILL = 9
_CHUNK = 64 << 10
_ENOUGH = 64 << 10  # bytes of output; the rest is read and dropped


class Checkup:
    """A command on its way; ``done`` is called once, with what it told.

    ``ConflictError`` where the container does not run or is paused.
    """

    def __init__(
        self, engine: "Engine", container: str, plan: Plan, *, loop: "Loop", done: "Done"
    ) -> None:
        self._plan = plan
        self._loop = loop
        self._done = done
        self._began = timestamp()
        self._output = bytearray()
        view = engine.running(container)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        try:
            config = ExecConfig(command=plan.argv)
            self._session = engine.exec_session(view, config, (nothing, writer, writer))
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(nothing)
            os.close(writer)
        self._open = {self._session.fileno(), self._reader}
        loop.watch(self._session.fileno(), self._hear)
        loop.watch(self._reader, self._read)

    def give_up(self) -> None:
        """It takes too long: end it."""
        self._session.signal(_KILL)
        seconds = f"{self._plan.timeout:g}s"
        self._finish(TIMED_OUT, f"Health check exceeded timeout ({seconds})")

    def close(self) -> None:
        """Leave it, whatever comes of it."""
        for fd in self._open:
            self._loop.forget(fd)
        if self._reader in self._open:
            os.close(self._reader)
        if self._session.fileno() in self._open:
            self._session.close()
        self._open.clear()

    def _read(self) -> None:
        """Take what it said; its end leaves the command's."""
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return
        if data:
            self._output += data[: max(0, _ENOUGH - len(self._output))]
            return
        self._loop.forget(self._reader)
        self._open.remove(self._reader)
        os.close(self._reader)

    def _hear(self) -> None:
        try:
            ending = self._session.hear()
        except ToolkitError as error:  # it could not run, or its shim was killed
            self._finish(TIMED_OUT, error.message)
            return
        if ending is not None:
            while self._reader in self._open and self._is_more():
                pass
            self._finish(int(str(ending["status"])), shortened(bytes(self._output)))

    def _is_more(self) -> bool:
        before = len(self._output)
        self._read()
        return len(self._output) > before

    def _finish(self, status: int, output: str) -> None:
        self.close()
        self._done(Look(began=self._began, ended=timestamp(), status=status, output=output))
