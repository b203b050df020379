"""How the kernel schedules a process: sched_setattr(2)."""

from toolkit.linux.libc import syscall
from toolkit.linux.native import ctypes


class Policy:
    """The scheduling policies, as sched(7) names them."""

    OTHER = 0
    FIFO = 1
    RR = 2
    BATCH = 3
    ISO = 4
    IDLE = 5
    DEADLINE = 6


class SchedulerFlag:
    """``sched_flags``."""

    NONE = 0
    RESET_ON_FORK = 0x01
    RECLAIM = 0x02
    DL_OVERRUN = 0x04
    KEEP_POLICY = 0x08
    KEEP_PARAMS = 0x10
    UTIL_CLAMP_MIN = 0x20
    UTIL_CLAMP_MAX = 0x40


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def set_scheduler(
    policy: int,
    flags: int = SchedulerFlag.NONE,
    *,
    nice: int = 0,
    priority: int = 0,
    times: tuple[int, int, int] = (0, 0, 0),
) -> None:
    """Set this thread's policy; ``times`` are runtime, deadline and period in nanoseconds."""
    runtime, deadline, period = times
    attributes = _Attributes(
        policy=policy,
        flags=flags,
        nice=nice,
        priority=priority,
        runtime=runtime,
        deadline=deadline,
        period=period,
    )
    attributes.size = ctypes.sizeof(attributes)
    syscall("sched_setattr", 0, ctypes.byref(attributes), 0)
