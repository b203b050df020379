"""The limits of a container as the runtime takes them: memory, processors, devices, block rates."""

from toolkit.core.errors import InvalidInputError
from toolkit.engine import defaults
from toolkit.oci.spec import (
    BlockIO,
    Cpu,
    DeviceRule,
    Memory,
    Pids,
    Resources,
    Rlimit,
    ThrottleDevice,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.spec import Context

_SWAPPINESS = 100
LIMITS = (
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
)
"""Limits of setrlimit(2) by their short names."""


def resources(config: "ContainerConfig", context: "Context") -> Resources:
    """All limits of a container's cgroup."""
    if config.privileged:
        devices: tuple[DeviceRule, ...] = (DeviceRule(allow=True, access="rwm"),)
    else:
        asked = tuple(
            DeviceRule(allow=True, type=one.type, major=one.major, minor=one.minor, access=access)
            for one, access in context.asked_devices
        )
        devices = (
            DeviceRule(allow=False, access="rwm"),
            *_default_rules(),
            *asked,
            *(parse_rule(text) for text in config.device_rules),
        )
    return Resources(
        devices=devices,
        memory=memory(config, swap_limit=context.swap_limit),
        cpu=cpu(config),
        pids=Pids(limit=config.pids_limit) if config.pids_limit > 0 else None,
        block_io=_block_io(config, context),
    )


def _default_rules() -> tuple[DeviceRule, ...]:
    return tuple(
        DeviceRule(allow=True, type=kind, major=major, minor=minor, access=access)
        for kind, major, minor, access in defaults.DEVICE_RULES
    )


def parse_rule(text: str) -> DeviceRule:
    """``c 10:200 rwm``, where ``*`` is every number."""
    words = text.split()
    numbers = words[1].split(":") if len(words) == 3 else []
    plain = len(numbers) == 2 and all(one == "*" or one.isdigit() for one in numbers)
    if not plain or words[0] not in ("a", "b", "c") or not set(words[2]) <= set("rwm"):
        raise InvalidInputError(
            f"device-cgroup-rule: '{text}' is no rule", hint="write it as in 'c 10:200 rwm'"
        )
    major, minor = (None if one == "*" else int(one) for one in numbers)
    return DeviceRule(allow=True, type=words[0], major=major, minor=minor, access=words[2])


def memory(config: "ContainerConfig", *, swap_limit: bool) -> Memory | None:
    """Docker's rules: at least 6 MiB, and as much swap again where nothing else is asked."""
    limit, swap = config.memory, config.memory_swap
    _check_memory(config)
    if not limit:
        if swap > 0:
            raise InvalidInputError("memory-swap is given without memory", hint="give --memory too")
        if not _other_memory(config):
            return None
    elif limit < defaults.MINIMUM_MEMORY:
        raise InvalidInputError(f"memory: {limit} bytes are less than the least, 6m")
    elif 0 < swap < limit:
        raise InvalidInputError(
            "memory-swap is less than memory", hint="it is the sum of memory and swap"
        )
    if limit and swap == 0:
        swap = 2 * limit if swap_limit else 0
    return Memory(
        limit=limit or None,
        swap=swap or None if limit else None,
        reservation=config.memory_reservation or None,
        swappiness=None if config.memory_swappiness < 0 else config.memory_swappiness,
        disable_oom_killer=config.oom_kill_disable,
    )


def _other_memory(config: "ContainerConfig") -> bool:
    swappiness = config.memory_swappiness >= 0
    return bool(config.memory_reservation or config.oom_kill_disable or swappiness)


def _check_memory(config: "ContainerConfig") -> None:
    if config.memory and config.memory_reservation > config.memory:
        raise InvalidInputError(
            "memory-reservation is more than memory", hint="it is what memory is cut down to"
        )
    if config.memory_swappiness > _SWAPPINESS:
        raise InvalidInputError(f"memory-swappiness: {config.memory_swappiness} is more than 100")


def cpu(config: "ContainerConfig") -> Cpu | None:
    """Shares, quota and which processors."""
    asked = (config.cpu_quota, config.cpu_shares, config.cpuset_cpus, config.cpuset_mems)
    if not (any(asked) or config.cpu_period):
        return None
    return Cpu(
        shares=config.cpu_shares or None,
        quota=config.cpu_quota or None,
        period=config.cpu_period or None,
        cpus=config.cpuset_cpus,
        mems=config.cpuset_mems,
    )


def _block_io(config: "ContainerConfig", context: "Context") -> BlockIO | None:
    if not (context.rates or config.blkio_weight):
        return None

    def of(kind: str) -> tuple[ThrottleDevice, ...]:
        return tuple(
            ThrottleDevice(major=major, minor=minor, rate=rate)
            for name, major, minor, rate in context.rates
            if name == kind
        )

    return BlockIO(
        weight=config.blkio_weight or None,
        throttle_read_bps_device=of("rbps"),
        throttle_write_bps_device=of("wbps"),
        throttle_read_iops_device=of("riops"),
        throttle_write_iops_device=of("wiops"),
    )


def rlimits(config: "ContainerConfig") -> tuple[Rlimit, ...]:
    """The limits of the process itself."""
    found: dict[str, Rlimit] = {}
    for one in config.ulimits:
        if one.name not in LIMITS:
            from toolkit.core.suggest import did_you_mean  # noqa: PLC0415 - only to refuse

            raise InvalidInputError(
                f"ulimit: '{one.name}' is no limit", hint=did_you_mean(one.name, LIMITS)
            )
        if one.hard >= 0 and (one.soft > one.hard or one.soft < 0):
            raise InvalidInputError(
                f"ulimit: {one.name}: the soft limit {one.soft} is above the hard one {one.hard}"
            )
        kind = f"RLIMIT_{one.name.upper()}"
        found[kind] = Rlimit(type=kind, soft=one.soft, hard=one.hard)
    return tuple(found.values())


def sysctls(config: "ContainerConfig", *, network: bool) -> dict[str, str]:
    """Kernel parameters: Docker's own for a network of the container's, then what is asked."""
    asked = dict(text.partition("=")[::2] for text in config.sysctls)
    if not network:
        for key in asked:
            if key.startswith("net."):
                raise InvalidInputError(
                    f"sysctl: '{key}' would change another network",
                    hint=f"the container shares it: --network {config.network}",
                )
    return {**(dict(defaults.NET_SYSCTL) if network else {}), **asked}
