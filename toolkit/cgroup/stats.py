"""What a group uses now, read from its files; ``None`` where this machine does not count it."""

from toolkit.cgroup import files
from toolkit.cgroup.layout import UNIFIED
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_LIMIT = 1 << 62  # v1 says "no limit" as the highest multiple of the page size
_NANOSECONDS = 1000  # in a microsecond


@record
class Stats:
    """Bytes, microseconds and counts since the group was made.

    ``memory_limit`` and ``pids_limit`` are ``None`` also where there is no limit. ``memory_cache``
    is what of ``memory_usage`` the kernel could drop at once (inactive file pages).
    """

    memory_usage: int | None = None
    memory_peak: int | None = None
    memory_limit: int | None = None
    memory_cache: int | None = None
    oom_kills: int = 0
    cpu_usage_us: int | None = None
    cpu_user_us: int | None = None
    cpu_system_us: int | None = None
    cpu_periods: int | None = None
    cpu_throttled: int | None = None
    cpu_throttled_us: int | None = None
    pids: int | None = None
    pids_limit: int | None = None
    io_read_bytes: int | None = None
    io_write_bytes: int | None = None


def read_stats(paths: "Mapping[str, str]") -> Stats:
    """The statistics of the group that ``paths`` (controller → directory) lead to."""
    values: dict[str, int | None] = {}
    unified = paths.get(UNIFIED)
    if unified:
        values |= {**_memory_v2(unified), **_cpu_v2(unified), **_pids(unified), **_io_v2(unified)}
    readers = (
        ("memory", _memory_v1),
        ("cpu", _throttling_v1),
        ("cpuacct", _cpu_v1),
        ("pids", _pids),
        ("blkio", _io_v1),
    )
    for controller, reader in readers:
        if controller in paths:
            values |= reader(paths[controller])
    return Stats(**values, oom_kills=oom_kills(paths))


def oom_kills(paths: "Mapping[str, str]") -> int:
    """How many processes of the group the kernel killed for want of memory."""
    if "memory" in paths:
        name, directories = "memory.oom_control", files.descendants(paths["memory"])
        texts = [files.read_or(directory, name, "") for directory in directories]
    else:
        texts = [files.read_or(paths.get(UNIFIED, ""), "memory.events", "")]
    return sum(files.flat(text).get("oom_kill", 0) for text in texts)


def _memory_v1(directory: str) -> dict[str, int | None]:
    return {
        "memory_usage": _number(directory, "memory.usage_in_bytes"),
        "memory_peak": _number(directory, "memory.max_usage_in_bytes"),
        "memory_limit": _number(directory, "memory.limit_in_bytes"),
        "memory_cache": _key(directory, "memory.stat", "total_inactive_file"),
    }


def _memory_v2(directory: str) -> dict[str, int | None]:
    return {
        "memory_usage": _number(directory, "memory.current"),
        "memory_peak": _number(directory, "memory.peak"),
        "memory_limit": _number(directory, "memory.max"),
        "memory_cache": _key(directory, "memory.stat", "inactive_file"),
    }


def _cpu_v1(directory: str) -> dict[str, int | None]:
    names = {
        "cpu_usage_us": "cpuacct.usage",
        "cpu_user_us": "cpuacct.usage_user",
        "cpu_system_us": "cpuacct.usage_sys",
    }
    found = {key: _number(directory, name) for key, name in names.items()}
    return {key: None if ns is None else ns // _NANOSECONDS for key, ns in found.items()}


def _throttling_v1(directory: str) -> dict[str, int | None]:
    throttled = _key(directory, "cpu.stat", "throttled_time")
    return {
        "cpu_periods": _key(directory, "cpu.stat", "nr_periods"),
        "cpu_throttled": _key(directory, "cpu.stat", "nr_throttled"),
        "cpu_throttled_us": None if throttled is None else throttled // _NANOSECONDS,
    }


def _cpu_v2(directory: str) -> dict[str, int | None]:
    names = {
        "cpu_usage_us": "usage_usec",
        "cpu_user_us": "user_usec",
        "cpu_system_us": "system_usec",
        "cpu_periods": "nr_periods",
        "cpu_throttled": "nr_throttled",
        "cpu_throttled_us": "throttled_usec",
    }
    return {key: _key(directory, "cpu.stat", name) for key, name in names.items()}


def _pids(directory: str) -> dict[str, int | None]:
    return {
        "pids": _number(directory, "pids.current"),
        "pids_limit": _number(directory, "pids.max"),
    }


def _io_v1(directory: str) -> dict[str, int | None]:
    """Lines as in ``254:0 Read 4096``."""
    text = files.read_or(directory, "blkio.throttle.io_service_bytes_recursive", "")
    fields = [line.split() for line in text.splitlines()]
    return {
        f"io_{word.lower()}_bytes": sum(
            int(parts[2]) for parts in fields if len(parts) == 3 and parts[1] == word
        )
        for word in ("Read", "Write")
    }


def _io_v2(directory: str) -> dict[str, int | None]:
    """Lines as in ``254:0 rbytes=4096 wbytes=0 rios=1 …``."""
    text = files.read_or(directory, "io.stat", "")
    pairs = [pair.split("=") for pair in text.split() if "=" in pair]
    sums = {"rbytes": 0, "wbytes": 0}
    for key, value in pairs:
        if key in sums:
            sums[key] += int(value)
    return {"io_read_bytes": sums["rbytes"], "io_write_bytes": sums["wbytes"]}


def _number(directory: str, name: str) -> int | None:
    text = files.read_or(directory, name, "max").strip()
    value = int(text) if text.isdigit() else _NO_LIMIT
    return value if value < _NO_LIMIT else None


def _key(directory: str, name: str, key: str) -> int | None:
    return files.flat(files.read_or(directory, name, "")).get(key)
