"""Who works on a container just now: a process id with its start time, so that none is mistaken."""

import os


def me() -> str:
    """This process, for a row's ``owner``."""
    pid = os.getpid()
    return f"{pid}:{_start_time(pid)}"


def alive(owner: str) -> bool:
    """Whether that very process still runs."""
    pid, _, started = owner.partition(":")
    return pid.isdigit() and bool(started) and _start_time(int(pid)) == started


def _start_time(pid: int) -> str:
    """Field 22 of proc_pid_stat(5), in clock ticks since boot; empty where there is no process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
