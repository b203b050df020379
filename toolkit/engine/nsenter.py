"""Runs a program of the host inside some namespaces of a container."""

import os

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError
from toolkit.linux.namespaces import PROC_NAME, setns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_FLAGS = {name: flag for flag, name in PROC_NAME.items() if name not in ("user", "cgroup", "time")}


def enter(pid: int, kinds: tuple[str, ...], argv: tuple[str, ...]) -> int:
    """Run ``argv`` in the namespaces ``kinds`` of process ``pid``; its exit status.

    All are opened before the first is entered: with another mount namespace ``/proc`` changes.
    Runs in a child, so the caller stays where it is.
    """
    fds = _open(pid, kinds)
    child = os.fork()
    if child == 0:
        _become(fds, argv)
    for _, fd in fds:
        os.close(fd)
    return _wait(child)


def _open(pid: int, kinds: tuple[str, ...]) -> list[tuple[str, int]]:
    try:
        return [
            (kind, os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC))
            for kind in _FLAGS
            if kind in kinds
        ]
    except FileNotFoundError:
        raise ConflictError("the container has ended meanwhile") from None


def _become(fds: list[tuple[str, int]], argv: tuple[str, ...]) -> "NoReturn":
    """In the child: enter, fork once more for a new process table, and run."""
    status = 127
    try:
        for kind, fd in fds:
            setns(fd, _FLAGS[kind])
        if any(kind == "pid" for kind, _ in fds):
            inner = os.fork()
            if inner:
                os._exit(_wait(inner))
        os.execvp(argv[0], argv)  # noqa: S606 - the caller's own words
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        kind_of = NotFoundError if missing else ToolkitError
        failure = kind_of(f"'{argv[0]}': {error.strerror}")
        status = 127 if missing else 126
        os.write(2, f"dockyard: {failure.message}\n".encode())
    finally:
        os._exit(status)


def _wait(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
