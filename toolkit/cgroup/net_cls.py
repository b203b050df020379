"""The class of a group's packets, for traffic control (cgroup v1 only)."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "net_cls"


def v1(limits: Limits) -> tuple[Write, ...]:
    """One number."""
    if limits.net_class is None:
        return ()
    return (Write(file="net_cls.classid", value=str(limits.net_class), limit="network class"),)


def v2(limits: Limits) -> tuple[Write, ...]:
    """v2 has no such controller, which is told before anything is written."""
    return v1(limits)
