"""Programs that a request runs: each in a process group of its own, ended with the request."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.agent.interrupts import HELD
from toolkit.core.errors import NotFoundError, ToolkitError

END_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """``status`` is the exit status, or minus the signal that ended the program."""

    status: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


def run(
    argv: tuple[str, ...],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
) -> Ended:
    """Run a program to its end; if the wait is interrupted, its whole group is ended first.

    ``timeout`` is in seconds. Raises ``NotFoundError`` where there is no such program.
    """
    child: subprocess.Popen[bytes] | None = None
    try:
        with HELD:
            child = _start(argv, env=env, cwd=cwd, has_input=bool(stdin))
        out, err = child.communicate(stdin or None, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ToolkitError(f"'{' '.join(argv)}' did not end within {timeout:g} s") from None
    finally:
        if child is not None:
            _end(child)
    return Ended(status=child.returncode, stdout=out, stderr=err)


def _start(
    argv: tuple[str, ...], *, env: Mapping[str, str] | None, cwd: str | None, has_input: bool
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
            # A task may act as another user: the program gets its ids for good.
            user=os.geteuid() if os.geteuid() != os.getuid() else None,
            group=os.getegid() if os.getegid() != os.getgid() else None,
        )
    except FileNotFoundError as error:
        missing = error.filename == cwd and cwd is not None
        what = f"no such directory: '{cwd}'" if missing else f"'{argv[0]}' is not installed"
        raise NotFoundError(what) from None
    except PermissionError as error:
        raise ToolkitError(f"'{argv[0]}' cannot be run: {error.strerror}") from None


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the group of a child that still runs, also for grandchildren that hold a pipe.

    SIGTERM first, SIGKILL two seconds later.
    """
    if child.returncode is None:
        _kill(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS)
        _kill(child.pid, signal.SIGKILL)
        child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # what it did not read any more
                stream.close()


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
