"""Starting a launcher: a bare interpreter, from a file that nobody can write through.

Imports next to nothing: a command line starts its launcher first of all and imports the rest of
what it needs while that one starts.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import sys

from toolkit.linux.executable import sealed_executable

Socket = _socket.socket

# Isolated, without site; byte code is read as it is for any other run of this interpreter.
_FLAGS = ("-I", "-S", "-c")
# The collector would run over what is imported, which stays: 2 of 30 ms.
_PROGRAM = """\
import gc, sys
gc.disable()
sys.path[:0] = {path!r}
from toolkit.core.loading import install
install()
from toolkit.runtime.launcher import main
main({arguments!r})
"""
_PRIVATE = 3
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_early: list[tuple[Socket, int]] = []
_OUT_OF_THE_WAY = 10  # the new process puts other descriptors at 0 to 3 before it runs this one


def spawn(
    *, listen: str = "", faults: bool = False, nurseries: int | None = None
) -> tuple[Socket, int]:
    """Start a launcher; the socket to it, whose closing ends it, and its pid.

    ``listen`` is a path on which it serves others as well; of ``nurseries`` the last one serves
    one container.
    """
    kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, kind)
    arguments = [f"private={_PRIVATE}"]
    if listen:
        arguments.append(f"listen={listen}")
    if nurseries is not None:
        arguments.append(f"nurseries={nurseries}")
    if faults:
        arguments.append("--faults")
    try:
        pid = _start(theirs.fileno(), arguments)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, pid


def spawn_early(*, nurseries: int = 0) -> None:
    """Start a private launcher now; the next ``Launcher.spawn`` takes it."""
    _early.append(spawn(nurseries=nurseries))


def take_early() -> tuple[Socket, int] | None:
    """The launcher that was started early, if nobody has it yet."""
    return _early.pop() if _early else None


def _start(socket_fd: int, arguments: list[str]) -> int:
    interpreter = os.path.realpath(sys.executable)
    program = _PROGRAM.format(path=search_path(), arguments=arguments)
    sealed = sealed_executable(interpreter)
    executable = fcntl.fcntl(sealed, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)
    os.close(sealed)
    try:
        return os.posix_spawn(
            f"/proc/self/fd/{executable}",
            (interpreter, *_FLAGS, program),
            {"LC_ALL": "C.UTF-8"},
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, socket_fd, _PRIVATE),
            ),
            setsid=True,
        )
    finally:
        os.close(executable)


def search_path() -> list[str]:
    """Where this package and its libraries lie; the standard library's place is built in."""
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [home, *others]


def run_detached(argv: tuple[str, ...]) -> None:
    """Run a program that outlives this process, with nothing of it; nobody waits for it."""
    os.posix_spawn(
        argv[0],
        argv,
        {
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        },
        file_actions=tuple((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)),
        setsid=True,
        setsigdef=(1, 2, 15),  # HUP, INT and TERM, which a shim ignores
    )
