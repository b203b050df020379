"""``events``: what a container uses, and that it ran out of memory."""

import json
import select
import time

from toolkit.cgroup.details import Details, Usage, read_details
from toolkit.cgroup.oom import OomWatch
from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.linux.process import pidfd_open
from toolkit.runtime import groups, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.cgroup.details import Device
    from toolkit.cgroup.group import Cgroup
    from toolkit.cgroup.stats import Stats
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call

_INTERVAL = "5s"
_LONGEST = 3600  # seconds that one poll waits: its argument is a small number
_NO_LIMIT = 2**64 - 1
_NANOSECONDS = 1000  # in a microsecond


def events(call: "Call", where: "Where") -> int:
    """Print statistics once, or each interval with every want of memory, until it has ended."""
    _, state = where.find(call.args[0])
    interval = _interval(call.text("interval", _INTERVAL))
    if not state.pid:
        raise ConflictError(f"container '{state.id}' is {state.status}")
    group = groups.open_group(state.cgroup)
    if call.flag("stats"):
        _tell("stats", state.id, report(group.stats(), read_details(group.paths)))
        return 0
    with OomWatch(group.paths) as watch:
        _follow(state, group, watch, interval)
    return 0


def _follow(state: states.State, group: "Cgroup", watch: OomWatch, interval: float) -> None:
    try:
        pidfd = pidfd_open(state.pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(watch.fileno(), watch.events)
    due = time.monotonic() + interval
    while True:
        left = due - time.monotonic()
        ready = dict(poll.poll(min(max(0, left), _LONGEST) * 1000))
        for _ in range(watch.take() if ready else 0):
            _tell("oom", state.id)
        if pidfd in ready:
            return
        if time.monotonic() >= due:
            _tell("stats", state.id, report(group.stats(), read_details(group.paths)))
            due += interval


def _interval(text: str) -> float:
    from toolkit.engine.times import parse_duration  # noqa: PLC0415 - imports re

    seconds = parse_duration(text, what="--interval")
    if seconds <= 0:
        raise InvalidInputError(f"--interval must be more than nothing, not '{text}'")
    return seconds


def _tell(kind: str, name: str, data: "dict[str, Any] | None" = None) -> None:
    event = {"type": kind, "id": name, **({} if data is None else {"data": data})}
    print(json.dumps(event), flush=True)


def report(stats: "Stats", details: Details) -> "dict[str, Any]":
    """Statistics as runc and crun print them; times in nanoseconds."""
    return {
        "cpu": {
            "usage": {
                "total": _nanoseconds(stats.cpu_usage_us),
                "kernel": _nanoseconds(stats.cpu_system_us),
                "user": _nanoseconds(stats.cpu_user_us),
            },
            "throttling": {
                "periods": stats.cpu_periods or 0,
                "throttledPeriods": stats.cpu_throttled or 0,
                "throttledTime": _nanoseconds(stats.cpu_throttled_us),
            },
        },
        "memory": _memory(stats, details),
        "pids": {"current": stats.pids or 0, "limit": stats.pids_limit or 0},
        "blkio": {
            "ioServiceBytesRecursive": [_row(entry) for entry in details.io_bytes],
            "ioServicedRecursive": [_row(entry) for entry in details.io_calls],
        },
        "hugetlb": {size: _usage(usage) for size, usage in details.hugepages.items()},
    }


def _memory(stats: "Stats", details: Details) -> "dict[str, Any]":
    own = Usage(
        usage=stats.memory_usage,
        highest=stats.memory_peak,
        limit=stats.memory_limit,
        failures=details.memory_failures,
    )
    return {
        "cache": details.memory.get("cache", details.memory.get("file", 0)),
        "usage": _usage(own),
        "swap": _usage(details.swap),
        "kernel": _usage(details.kernel),
        "oomKills": stats.oom_kills,
        "raw": dict(details.memory),
    }


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "limit": _NO_LIMIT if usage.limit is None else usage.limit,
        "usage": usage.usage or 0,
        "max": usage.highest or 0,
        "failcnt": usage.failures or 0,
    }


def _row(entry: "Device") -> "dict[str, Any]":
    return {"major": entry.major, "minor": entry.minor, "op": entry.kind, "value": entry.value}


def _nanoseconds(microseconds: int | None) -> int:
    return (microseconds or 0) * _NANOSECONDS
