"""Huge pages, a limit for each size."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "hugetlb"
_HINT = "this machine has no huge pages of that size: see /sys/kernel/mm/hugepages"


def v1(limits: Limits) -> tuple[Write, ...]:
    """One file a size."""
    return _steps(limits, "limit_in_bytes")


def v2(limits: Limits) -> tuple[Write, ...]:
    """The same under another name."""
    return _steps(limits, "max")


def _steps(limits: Limits, ending: str) -> tuple[Write, ...]:
    return tuple(
        Write(
            file=f"hugetlb.{entry.size}.{ending}",
            value=str(entry.limit),
            limit=f"hugepages of {entry.size}",
            missing=_HINT,
        )
        for entry in limits.hugepages
    )
