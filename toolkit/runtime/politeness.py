"""Yielding the processor while the next start is prepared, and taking it back for the start."""

from __future__ import annotations

import os

from toolkit.linux.capabilities import NUMBERS
from toolkit.linux.process import capget

_FURTHER = 10  # a tenth of the processor that others get
_MAY_RETURN = 1 << NUMBERS["CAP_SYS_NICE"]


def _may_return() -> bool:
    """Whether this process may become less nice again (setpriority(2))."""
    return bool(capget().effective & _MAY_RETURN)


def begin() -> None:
    """Be nice; children inherit it. Nothing happens where it could not be ended."""
    if _may_return():
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _FURTHER)


def end(pid: int) -> None:
    """Let process ``pid``, which began or inherited it, have its share again."""
    if _may_return():
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) - _FURTHER)
