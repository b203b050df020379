"""Who works on a container just now: a process id with its start time, so that none is mistaken."""

import os

_KILL = 9
_MOMENT = 1000  # ms


def me() -> str:
    """This process, for a row's ``owner``."""
    return of(os.getpid())


def of(pid: int) -> str:
    """A process that runs, so that it is known again."""
    return f"{pid}:{_start_time(pid)}"


def alive(owner: str) -> bool:
    """Whether that very process still runs."""
    pid, _, started = owner.partition(":")
    return pid.isdigit() and bool(started) and _start_time(int(pid)) == started


def end(owner: str) -> None:
    """Kill that very process, and wait until what it held is free; nothing if it is over."""
    pid = int(owner.partition(":")[0])
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if alive(owner):
            import select  # noqa: PLC0415 - no start needs it

            os.kill(pid, _KILL)
            over = select.poll()
            over.register(watched, select.POLLIN)
            over.poll(_MOMENT)
    finally:
        os.close(watched)
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # it was another command's


def _start_time(pid: int) -> str:
    """Field 22 of proc_pid_stat(5), in clock ticks since boot; empty where there is no process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
