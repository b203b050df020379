"""``stats`` in Docker's shape: what a container uses, and what it had used one look before."""

from typing import TYPE_CHECKING, Any

from toolkit.engine.stamps import stamp

if TYPE_CHECKING:
    from toolkit.engine.model import View
    from toolkit.engine.usage import Sample

_NANO = 1000  # in a microsecond


def document(now: "Sample", before: "Sample | None" = None) -> dict[str, Any]:
    """One line of the stream."""
    stats = now.stats
    pids = {"current": stats.pids, "limit": stats.pids_limit}
    return {
        **_named(now.id, now.name),
        "read": stamp(now.at),
        "preread": stamp(before.at if before else 0.0),
        "pids_stats": {key: value for key, value in pids.items() if value is not None},
        "cpu_stats": _processor(now),
        "precpu_stats": _processor(before) if before else _IDLE,
        "memory_stats": _memory(now),
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 0, "minor": 0, "op": word, "value": value}
                for word, value in (("read", stats.io_read_bytes), ("write", stats.io_write_bytes))
                if value is not None
            ]
        },
        "networks": {
            one.name: {
                "rx_bytes": one.rx_bytes,
                "rx_packets": one.rx_packets,
                "rx_errors": one.rx_errors,
                "rx_dropped": one.rx_dropped,
                "tx_bytes": one.tx_bytes,
                "tx_packets": one.tx_packets,
                "tx_errors": one.tx_errors,
                "tx_dropped": one.tx_dropped,
            }
            for one in now.traffic
        },
    }


def empty(view: "View") -> dict[str, Any]:
    """That of a container that does not run."""
    return {
        **_named(view.id, view.name),
        "read": stamp(0.0),
        "preread": stamp(0.0),
        "pids_stats": {},
        "cpu_stats": _IDLE,
        "precpu_stats": _IDLE,
        "memory_stats": {},
        "blkio_stats": {"io_service_bytes_recursive": None},
    }


def _named(container: str, name: str) -> dict[str, Any]:
    return {"name": f"/{name}", "id": container, "num_procs": 0, "storage_stats": {}}


def _processor(sample: "Sample") -> dict[str, Any]:
    stats = sample.stats
    return {
        "cpu_usage": {
            "total_usage": (stats.cpu_usage_us or 0) * _NANO,
            "usage_in_kernelmode": (stats.cpu_system_us or 0) * _NANO,
            "usage_in_usermode": (stats.cpu_user_us or 0) * _NANO,
        },
        "system_cpu_usage": sample.host_ns,
        "online_cpus": sample.cpus,
        "throttling_data": {
            "periods": stats.cpu_periods or 0,
            "throttled_periods": stats.cpu_throttled or 0,
            "throttled_time": (stats.cpu_throttled_us or 0) * _NANO,
        },
    }


_IDLE = {
    "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
    "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
}


def _memory(sample: "Sample") -> dict[str, Any]:
    stats = sample.stats
    if stats.memory_usage is None:
        return {}
    found: dict[str, Any] = {
        "usage": stats.memory_usage,
        "limit": sample.memory_limit,
        # clients take that away from what is used, under this name for either cgroup version
        "stats": {"inactive_file": stats.memory_cache or 0},
    }
    return found if stats.memory_peak is None else {**found, "max_usage": stats.memory_peak}
