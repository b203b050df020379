"""What ``stats`` leaves out: figures that only a full report of a group has."""

import os

from toolkit.cgroup import files
from toolkit.cgroup.layout import UNIFIED
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_V1_BYTES = "blkio.throttle.io_service_bytes_recursive"
_V1_CALLS = "blkio.throttle.io_serviced_recursive"
_V2_BYTES = {"rbytes": "Read", "wbytes": "Write", "dbytes": "Discard"}
_V2_CALLS = {"rios": "Read", "wios": "Write", "dios": "Discard"}


@record
class Device:
    """Bytes or calls of one kind (``Read``, ``Write``, …) for one block device."""

    major: int
    minor: int
    kind: str
    value: int


@record
class Usage:
    """A figure with its highest value, its limit and how often that was met; ``None``: unknown."""

    usage: int | None = None
    highest: int | None = None
    limit: int | None = None
    failures: int | None = None


@record
class Details:
    """``memory`` is the kernel's own table; the keys of ``hugepages`` are sizes as in ``2MB``."""

    memory: "Mapping[str, int]"
    swap: Usage
    kernel: Usage
    memory_failures: int | None
    io_bytes: tuple[Device, ...]
    io_calls: tuple[Device, ...]
    hugepages: "Mapping[str, Usage]"


def read_details(paths: "Mapping[str, str]") -> Details:
    """The details of the group that ``paths`` (controller → directory) lead to."""
    unified = paths.get(UNIFIED, "")
    memory = paths.get("memory", "")
    if memory:
        swap = _usage(memory, "memory.memsw.{}", "usage_in_bytes", "limit_in_bytes")
        kernel = _usage(memory, "memory.kmem.{}", "usage_in_bytes", "limit_in_bytes")
        failures = _number(memory, "memory.failcnt")
    else:
        swap = _usage(unified, "memory.swap.{}", "current", "max")
        kernel = Usage()
        failures = files.flat(files.read_or(unified, "memory.events", "")).get("max")
    return Details(
        memory=files.flat(files.read_or(memory or unified, "memory.stat", "")),
        swap=swap,
        kernel=kernel,
        memory_failures=failures,
        io_bytes=tuple(_io(paths, _V1_BYTES, _V2_BYTES)),
        io_calls=tuple(_io(paths, _V1_CALLS, _V2_CALLS)),
        hugepages=dict(_hugepages(paths.get("hugetlb", unified))),
    )


def _usage(directory: str, form: str, usage: str, limit: str) -> Usage:
    return Usage(
        usage=_number(directory, form.format(usage)),
        highest=_number(directory, form.format("max_usage_in_bytes")),
        limit=_number(directory, form.format(limit)),
        failures=_number(directory, form.format("failcnt")),
    )


def _io(paths: "Mapping[str, str]", old: str, new: "Mapping[str, str]") -> "Iterator[Device]":
    if "blkio" in paths:
        for line in files.read_or(paths["blkio"], old, "").splitlines():
            parts = line.split()  # 254:0 Read 4096
            if len(parts) == 3 and parts[1] != "Total":
                yield _device(parts[0], parts[1], parts[2])
        return
    for line in files.read_or(paths.get(UNIFIED, ""), "io.stat", "").splitlines():
        device, *pairs = line.split()  # 254:0 rbytes=4096 wbytes=0 …
        for pair in pairs:
            key, _, value = pair.partition("=")
            if key in new:
                yield _device(device, new[key], value)


def _device(numbers: str, kind: str, value: str) -> Device:
    major, _, minor = numbers.partition(":")
    return Device(major=int(major), minor=int(minor), kind=kind, value=int(value))


def _hugepages(directory: str) -> "Iterator[tuple[str, Usage]]":
    try:
        names = sorted(os.listdir(directory)) if directory else []
    except FileNotFoundError:
        return
    for name in names:
        parts = name.split(".")
        if len(parts) != 3 or parts[0] != "hugetlb":
            continue
        form = f"hugetlb.{parts[1]}.{{}}"
        if parts[2] == "usage_in_bytes":
            yield parts[1], _usage(directory, form, "usage_in_bytes", "limit_in_bytes")
        elif parts[2] == "current":
            yield parts[1], _usage(directory, form, "current", "max")


def _number(directory: str, name: str) -> int | None:
    text = files.read_or(directory, name, "").strip()
    return int(text) if text.isdecimal() else None
