"""Handles and objects of RDMA devices."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "rdma"


def v1(limits: Limits) -> tuple[Write, ...]:
    """One line a device; the same file in both versions."""
    return tuple(
        Write(
            file="rdma.max",
            value=f"{entry.device} hca_handle={_count(entry.handles)}"
            f" hca_object={_count(entry.objects)}",
            limit="rdma",
        )
        for entry in limits.rdma
    )


def v2(limits: Limits) -> tuple[Write, ...]:
    """As v1."""
    return v1(limits)


def _count(value: int | None) -> str:
    return "max" if value is None else str(value)
