"""What a new process takes over from whoever calls: descriptors, a terminal, a pid file."""

import os

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.core.record import record
from toolkit.runtime.trees import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.verb import Call

_FIRST = 3


@record
class Preserved:
    """``count`` descriptors from 3 on; ``env`` tells the program of those systemd passed."""

    count: int
    env: tuple[str, ...] = ()


def preserved(call: "Call") -> Preserved:
    """What ``--preserve-fds`` and the LISTEN_FDS of socket activation (sd_listen_fds(3)) name."""
    asked = whole(call, "preserve-fds") or 0
    listening = 0
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        listening = int(os.environ.get("LISTEN_FDS", "0"))
    for fd in range(_FIRST, _FIRST + asked + listening):
        try:
            os.fstat(fd)
        except OSError:
            raise InvalidInputError(
                f"descriptor {fd} is to be preserved, and is not open"
            ) from None
    env = (f"LISTEN_FDS={listening}", "LISTEN_PID=1") if listening else ()
    return Preserved(count=asked + listening, env=env)


def whole(call: "Call", key: str) -> int | None:
    """The value of a flag that is a whole number."""
    text = call.text(key)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidInputError(f"--{key} is a whole number, not '{text}'") from None


def write_pid(call: "Call", pid: int) -> None:
    """Write the pid file that was asked for, in one piece: somebody waits for it."""
    path = call.text("pid-file")
    if path:
        put(os.path.abspath(path), str(pid).encode(), mode=0o644)


class Console:
    """The socket that is to get a terminal's master; connected before anything is made."""

    def __init__(self, path: str) -> None:
        import _socket  # noqa: PLC0415 - only for terminals

        self._sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        directory, name = os.path.split(os.path.abspath(path))
        try:
            fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._sock.connect(f"/proc/self/fd/{fd}/{name}")
            finally:
                os.close(fd)
        except OSError as error:
            raise UnavailableError(f"--console-socket '{path}': {error.strerror}") from None

    def send(self, master: int) -> None:
        """Hand the master over, with the terminal's name."""
        from toolkit.runtime.messages import send_descriptor  # noqa: PLC0415 - as above

        send_descriptor(self._sock, b"/dev/ptmx", master)
        os.close(master)
        self._sock.close()


def console(call: "Call", *, terminal: bool, stays: bool) -> Console | None:
    """Where the terminal goes; refused where there is one without the other."""
    path = call.text("console-socket")
    if path and not terminal:
        raise InvalidInputError(
            "--console-socket is for a process with a terminal", hint="process.terminal is false"
        )
    if terminal and not path and not stays:
        raise InvalidInputError(
            "a terminal that outlives this command needs --console-socket",
            hint="or set process.terminal to false",
        )
    return Console(path) if path else None
