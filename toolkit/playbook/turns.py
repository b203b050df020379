"""One run at a time on a host: another that comes meanwhile waits or is refused.

Each run has a file whose lock its agents share (one host may have several: local ones of an
inventory, those of delegated tasks). Who begins looks, behind a gate, whether any other run's file
is still locked. The kernel drops a dead agent's locks, so nothing is ever left to clean by hand.
"""

import fcntl
import os
import time
from collections.abc import Callable

from toolkit.core.errors import ConflictError

LOOK_SECONDS = 0.2
_END = ".turn"
_KEPT: dict[str, int] = {}
"""The locks that this process holds until it ends, by their files."""


def take(
    folder: str, run: str, *, wait: float = 0.0, told: Callable[[str], None] = lambda _: None
) -> None:
    """Take the host's turn for a run until this process ends; harmless when repeated.

    While another run has it, ``told`` is called once with that run's name. ``ConflictError`` after
    ``wait`` seconds.
    """
    path = os.path.join(folder, run + _END)
    if path in _KEPT:
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    deadline = time.monotonic() + wait
    shown = ""
    while busy := _other(folder, path):
        if time.monotonic() >= deadline:
            raise ConflictError(
                f"the run {busy} is being applied here, so this one did not begin",
                hint="--wait SECONDS waits for its end",
            )
        if busy != shown:
            shown = busy
            told(busy)
        time.sleep(LOOK_SECONDS)


def _other(folder: str, path: str) -> str:
    """The run that has the turn; empty once this one has taken it."""
    gate = _opened(os.path.join(folder, "gate"))
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        for name in os.listdir(folder):
            other = os.path.join(folder, name)
            if name.endswith(_END) and other not in (path, *_KEPT) and _is_held(other):
                return name.removesuffix(_END)
        mine = _opened(path)
        fcntl.flock(mine, fcntl.LOCK_SH)
        _KEPT[path] = mine
    finally:
        os.close(gate)
    return ""


def _is_held(path: str) -> bool:
    """Whether any process holds it; the file of a run that has ended is removed."""
    fd = _opened(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        os.unlink(path)
        return False
    finally:
        os.close(fd)


def _opened(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def give_back() -> None:
    """Let go of every turn, as the end of the process does."""
    for fd in _KEPT.values():
        os.close(fd)
    _KEPT.clear()
