"""Starts the helper that wires containers, and asks it.

Its imports take longer than a container: so it is started first of all (``start_early``), and
asked before its answer is needed (``ask``, then ``answer``).
"""

import _socket
import marshal
import os
import sys

from toolkit.core import errors
from toolkit.core.errors import ToolkitError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PROGRAM = """\
import gc, sys
gc.disable()
sys.path[:0] = {path!r}
from toolkit.net.worker import main
main()
"""
_SOCKET = 3
_DESCRIPTORS = 1 << 20
_ANSWER = 64 << 10  # bytes
_early: "list[Helper]" = []


class Helper:
    """One helper process; it ends when this object is closed, or this process ends.

    ``start`` makes the process that serves a descriptor, and gives its pid.
    """

    def __init__(self, start: "Callable[[int], int] | None" = None) -> None:
        kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
        self._socket, theirs = _socket.socketpair(_socket.AF_UNIX, kind)
        try:
            self._pid = (start or _spawn)(theirs.fileno())
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()
        self._unanswered = 0

    def ask(self, name: str, *args: "Any", **options: "Any") -> None:
        """Send a request; answers come in the order of requests."""
        try:
            self._socket.send(marshal.dumps((name, args, options)))
        except OSError as error:
            raise _gone(os.strerror(error.errno or 0)) from None
        self._unanswered += 1

    def answer(self) -> "Any":
        """What came of the oldest request without an answer; its error is raised here."""
        try:
            data = self._socket.recv(_ANSWER)
        except OSError as error:
            raise _gone(os.strerror(error.errno or 0)) from None
        if not data:
            raise _gone("it has ended")
        self._unanswered -= 1
        fine, value = marshal.loads(data)  # noqa: S302 - our own process wrote it
        if not fine:
            kind, message, hint = value
            raise getattr(errors, kind)(message, hint=hint)
        return value

    def call(self, name: str, *args: "Any", **options: "Any") -> "Any":
        """Ask and wait for the answer."""
        while self._unanswered:
            self._drop()
        self.ask(name, *args, **options)
        return self.answer()

    def _drop(self) -> None:
        try:
            self.answer()
        except UnavailableError:
            raise
        except ToolkitError:
            return  # of an attempt that was given up

    def close(self) -> None:
        """Let it end, and reap it."""
        self._socket.close()
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            return  # whoever embeds us ignores SIGCHLD


def start_early() -> None:
    """Start a helper now; the next ``take`` gets it.

    Only for a process with one thread that has hardly begun: it forks, which saves the start of
    an interpreter.
    """
    _early.append(Helper(_fork))


def take() -> Helper:
    """The helper that was started early, or a new one."""
    return _early.pop() if _early else Helper()


def _gone(why: str) -> UnavailableError:
    return UnavailableError(f"the network helper is gone: {why}")


def _fork(socket_fd: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.dup2(socket_fd, _SOCKET)
        os.closerange(0, _SOCKET)
        os.closerange(_SOCKET + 1, _DESCRIPTORS)
        for _ in range(_SOCKET):
            os.open(os.devnull, os.O_RDWR)
        from toolkit.net.worker import main  # noqa: PLC0415 - what takes so long

        main()
    finally:
        os._exit(0)


def _spawn(socket_fd: int) -> int:
    program = _PROGRAM.format(path=_search_path())
    return os.posix_spawn(
        sys.executable,
        (sys.executable, "-I", "-S", "-c", program),
        {"LC_ALL": "C.UTF-8"},
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, socket_fd, _SOCKET),
        ),
        setsid=True,
    )


def _search_path() -> list[str]:
    """Where this package and its libraries lie."""
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [home, *others]
