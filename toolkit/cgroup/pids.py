"""How many processes and threads there may be."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import UNLIMITED, Limits

NAME = "pids"


def v1(limits: Limits) -> tuple[Write, ...]:
    """The same file in both versions."""
    return v2(limits)


def v2(limits: Limits) -> tuple[Write, ...]:
    """0 is a limit too: no further process."""
    if limits.pids is None:
        return ()
    value = "max" if limits.pids == UNLIMITED else str(limits.pids)
    return (Write(file="pids.max", value=value, limit="pids-limit"),)
