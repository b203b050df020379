"""The priority of a group's packets, for each interface (cgroup v1 only)."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "net_prio"


def v1(limits: Limits) -> tuple[Write, ...]:
    """One line an interface."""
    return tuple(
        Write(file="net_prio.ifpriomap", value=f"{name} {priority}", limit="network priority")
        for name, priority in limits.net_priorities
    )


def v2(limits: Limits) -> tuple[Write, ...]:
    """v2 has no such controller, which is told before anything is written."""
    return v1(limits)
