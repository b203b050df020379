"""Reads the flags of ``moreflags``: loaded only where one of them is given."""

import os

from toolkit.cli.containers.options import number
from toolkit.core.errors import InvalidInputError
from toolkit.engine import asks, values
from toolkit.engine.config import Bind, Tmpfs, VolumeMount
from toolkit.engine.mounting import parse_from
from toolkit.engine.restarts import parse_policy
from toolkit.engine.volumetext import parse_mount, parse_volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from toolkit.cli.verb import Call

_RATES = {"read-bps": "rbps", "write-bps": "wbps", "read-iops": "riops", "write-iops": "wiops"}
_HEALTH = ("cmd", "interval", "timeout", "start-period", "start-interval", "retries")
_SCORE = 1000


def mounts(call: "Call") -> "dict[str, Any]":
    """``--volume``, ``--mount`` and ``--tmpfs`` as the parts of a config."""
    asked: list[Bind | VolumeMount | Tmpfs] = [
        parse_volume(_absolute(text)) for text in call.many("volume")
    ]
    asked += [parse_mount(text, exists=os.path.exists) for text in call.many("mount")]
    tmpfs = [values.parse_tmpfs(text) for text in call.many("tmpfs")]
    return {
        "binds": tuple(one for one in asked if isinstance(one, Bind)),
        "volumes": tuple(one for one in asked if isinstance(one, VolumeMount)),
        "tmpfs": (*tmpfs, *(one for one in asked if isinstance(one, Tmpfs))),
    }


def _absolute(text: str) -> str:
    """A directory of the host may be given from here on: ``./data:/data``."""
    source, colon, rest = text.partition(":")
    if colon and (source in (".", "..") or source.startswith(("./", "../"))):
        return f"{os.path.abspath(source)}:{rest}"
    return text


def more(call: "Call") -> "dict[str, Any]":
    """What the rarer flags say, by the names of ``ContainerConfig``."""
    policy, retries = parse_policy(call.text("restart"))
    for text in call.many("volumes-from"):
        parse_from(text)
    return {
        "volumes_from": tuple(call.many("volumes-from")),
        "restart": policy,
        "restart_retries": retries,
        "init": call.flag("init"),
        "health": _health(call),
        "log_driver": call.text("log-driver"),
        "log_options": _pairs(call, "log-opt"),
        "ulimits": tuple(asks.parse_ulimit(text) for text in call.many("ulimit")),
        "devices": tuple(asks.parse_device(text) for text in call.many("device")),
        "device_rules": tuple(call.many("device-cgroup-rule")),
        "device_rates": tuple(
            asks.parse_rate(text, kind)
            for name, kind in _RATES.items()
            for text in call.many(f"device-{name}")
        ),
        "blkio_weight": asks.parse_weight(number(call, "blkio-weight")),
        "sysctls": _pairs(call, "sysctl"),
        "group_add": tuple(call.many("group-add")),
        "annotations": _pairs(call, "annotation"),
        **_sizes(call),
        **_modes(call),
    }


def _sizes(call: "Call") -> "dict[str, Any]":
    score = number(call, "oom-score-adj", least=-_SCORE)
    if score > _SCORE:
        raise InvalidInputError(f"oom-score-adj: {score} is not between -1000 and 1000")
    found: dict[str, Any] = {
        "shm_size": values.parse_size(call.text("shm-size", "0"), what="shm-size"),
        "oom_kill_disable": call.flag("oom-kill-disable"),
        "oom_score_adj": score,
        "memory_reservation": values.parse_size(
            call.text("memory-reservation", "0"), what="memory-reservation"
        ),
        "memory_swappiness": number(call, "memory-swappiness", default=-1, least=-1),
        "cpuset_mems": call.text("cpuset-mems"),
    }
    if "cpu-quota" in call.values or "cpu-period" in call.values:
        if "cpus" in call.values:
            raise InvalidInputError("--cpus excludes --cpu-quota and --cpu-period")
        found["cpu_quota"] = number(call, "cpu-quota", least=-1)
        found["cpu_period"] = number(call, "cpu-period")
    return found


def _modes(call: "Call") -> "dict[str, Any]":
    return {name: call.text(name) for name in ("domainname", "uts", "userns", "cgroupns")}


def _pairs(call: "Call", key: str) -> tuple[str, ...]:
    return tuple(asks.parse_pair(text, what=key) for text in call.many(key))


def _health(call: "Call") -> "tuple[Any, ...]":
    said = {key: call.text(f"health-{key}") for key in _HEALTH if f"health-{key}" in call.values}
    return asks.parse_health(said, off=call.flag("no-healthcheck"))


def labels_of(paths: "Sequence[str]") -> list[str]:
    """The labels of files: a line each, ``#`` starts a comment."""
    found = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise InvalidInputError(f"label-file '{path}': {reason}") from None
        found += [line for line in lines if line and not line.startswith("#")]
    return found
