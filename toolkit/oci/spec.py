"""The OCI runtime specification 1.2's ``config.json`` as frozen records.

Field names are the specification's in snake_case; what a field means stands there and is not
repeated here. ``None`` means "not given" wherever zero or an empty text would mean something.
Unknown properties are ignored, as it demands; those that it knows and this runtime does not do
are fields too, for ``runtime.support`` to refuse. Sections for other systems are refused here.
"""

from __future__ import annotations

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean
from toolkit.oci.decode import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import MappingProxyType
    from typing import Any
else:
    MappingProxyType = type(vars(type))  # without the module, which no start needs

EMPTY: Mapping[str, Any] = MappingProxyType({})
VERSION = "1.2.0"
_OTHER_SYSTEMS = ("windows", "solaris", "vm", "zos", "freebsd")
NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")


@record
class Root:
    """The container's root file system; a relative path lies below the bundle."""

    path: str
    readonly: bool = False


@record
class IdMapping:
    """A range of ids of a user namespace."""

    container_id: int
    host_id: int
    size: int


@record
class Mount:
    """One mount; ``options`` as fstab writes them."""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()


@record
class ConsoleSize:
    """A terminal's size in characters."""

    height: int
    width: int


@record
class User:
    """Who the process is; ids, never names."""

    uid: int = 0
    gid: int = 0
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()


@record
class Capabilities:
    """The five sets, each of names with ``CAP_``."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


@record
class Rlimit:
    """One resource limit; ``type`` as ``RLIMIT_NOFILE``."""

    type: str
    soft: int
    hard: int


@record
class Scheduler:
    """The scheduling of the process, as sched_setattr(2) takes it."""

    policy: str
    nice: int = 0
    priority: int = 0
    flags: tuple[str, ...] = ()
    runtime: int = 0
    deadline: int = 0
    period: int = 0


@record
class IoPriority:
    """The I/O class and level of the process."""

    priority: int
    class_: str = ""


@record
class CpuAffinity:
    """The CPUs of a process that joins: until it is in its group, and from then on."""

    initial: str = ""
    final: str = ""


@record
class Process:
    """What runs in the container, and as whom."""

    args: tuple[str, ...] = ()
    cwd: str
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: ConsoleSize | None = None
    user: User = User()
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    oom_score_adj: int | None = None
    apparmor_profile: str = ""
    selinux_label: str = ""
    io_priority: IoPriority | None = None
    scheduler: Scheduler | None = None
    exec_cpu_affinity: CpuAffinity | None = None


@record
class Hook:
    """A program to run at one moment of the life-cycle."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


@record
class Hooks:
    """The six moments."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


@record
class Namespace:
    """A namespace to make, or to join where ``path`` is given."""

    type: str
    path: str = ""


@record
class Device:
    """A device node inside the container."""

    path: str
    type: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@record
class DeviceRule:
    """What the device controller allows or denies; ``None`` is every number."""

    allow: bool
    type: str = "a"
    major: int | None = None
    minor: int | None = None
    access: str = ""


@record
class Memory:
    """Limits in bytes; -1 is none."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel: int | None = None
    kernel_tcp: int | None = None
    swappiness: int | None = None
    disable_oom_killer: bool = False
    use_hierarchy: bool | None = None
    check_before_update: bool = False


@record
class Cpu:
    """Times in microseconds."""

    shares: int | None = None
    quota: int | None = None
    burst: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: int | None = None


@record
class Pids:
    """How many tasks; -1 is no limit."""

    limit: int


@record
class WeightDevice:
    """The I/O weight of one device."""

    major: int
    minor: int
    weight: int | None = None
    leaf_weight: int | None = None


@record
class ThrottleDevice:
    """A rate a second for one device."""

    major: int
    minor: int
    rate: int


@record
class BlockIO:
    """Weights and rates of block devices."""

    weight: int | None = None
    leaf_weight: int | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = ()


@record
class HugepageLimit:
    """A limit in bytes for one page size, as ``2MB``."""

    page_size: str
    limit: int


@record
class InterfacePriority:
    """A network priority."""

    name: str
    priority: int


@record
class Network:
    """Tags of the group's packets (cgroup v1)."""

    class_id: int | None = None
    priorities: tuple[InterfacePriority, ...] = ()


@record
class Rdma:
    """Handles and objects of one RDMA device."""

    hca_handles: int | None = None
    hca_objects: int | None = None


@record
class Resources:
    """What the cgroup limits."""

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory | None = None
    cpu: Cpu | None = None
    pids: Pids | None = None
    block_io: BlockIO | None = None
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    network: Network | None = None
    rdma: Mapping[str, Rdma] = EMPTY
    unified: Mapping[str, str] = EMPTY


@record
class Linux:
    """What only Linux knows."""

    namespaces: tuple[Namespace, ...] = ()
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()
    devices: tuple[Device, ...] = ()
    cgroups_path: str = ""
    resources: Resources | None = None
    rootfs_propagation: str = ""
    seccomp: Mapping[str, object] | None = None
    sysctl: Mapping[str, str] = EMPTY
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str = ""
    intel_rdt: Mapping[str, object] | None = None
    personality: Mapping[str, object] | None = None
    time_offsets: Mapping[str, object] = EMPTY
    net_devices: Mapping[str, object] = EMPTY
    memory_policy: Mapping[str, object] | None = None


@record
class Spec:
    """A container: ``config.json`` as a whole."""

    oci_version: str = VERSION
    root: Root | None = None
    process: Process | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks | None = None
    annotations: Mapping[str, str] = EMPTY
    linux: Linux = Linux()


def from_json(data: object, at: str = "config.json") -> Spec:
    """A checked ``Spec`` from parsed JSON.

    ``InvalidInputError`` names the JSON path: ``config.json: process.args[1]: expected text, …``.
    """
    spec = decode(Spec, data, at)
    assert isinstance(data, dict)
    for name in _OTHER_SYSTEMS:
        if data.get(name):
            raise InvalidInputError(f"{at}: {name}: this runtime is for Linux", hint="leave it out")
    check(spec, at)
    return spec


def process_from_json(data: object, at: str = "process.json") -> Process:
    """A checked ``Process``, as ``exec --process`` takes it."""
    process = decode(Process, data, at)
    check_process(process, at if ": " in at else f"{at}: process")
    return process


def resources_from_json(data: object, at: str = "resources.json") -> Resources:
    """``linux.resources`` alone, as ``update --resources`` takes it."""
    return decode(Resources, data, at)


def to_json(spec: Spec | Process) -> dict[str, Any]:
    """Plain data for ``json.dumps``; what equals its default is left out."""
    plain: dict[str, Any] = encode(spec)
    if isinstance(spec, Spec):
        plain = {"ociVersion": spec.oci_version, **plain}
    return plain


def check(spec: Spec, at: str = "config.json") -> None:
    """Refuse what no kernel could do: ``InvalidInputError`` with the JSON path."""
    if spec.process is not None:
        check_process(spec.process, f"{at}: process")
    for index, mount in enumerate(spec.mounts):
        _absolute(mount.destination, f"{at}: mounts[{index}].destination")
    seen: set[str] = set()
    for index, namespace in enumerate(spec.linux.namespaces):
        place = f"{at}: linux.namespaces[{index}].type"
        if namespace.type not in NAMESPACES:
            hint = did_you_mean(namespace.type, NAMESPACES)
            raise InvalidInputError(f"{place}: unknown namespace '{namespace.type}'", hint=hint)
        if namespace.type in seen:
            raise InvalidInputError(f"{place}: '{namespace.type}' is listed twice")
        seen.add(namespace.type)
    for name in ("masked_paths", "readonly_paths"):
        for path in getattr(spec.linux, name):
            _absolute(path, f"{at}: linux.{name.split('_')[0]}Paths")


def check_process(process: Process, at: str) -> None:
    """As ``check``, for a process alone; ``at`` is where it stands."""
    _absolute(process.cwd, f"{at}.cwd")
    for index, entry in enumerate(process.env):
        if "=" not in entry.lstrip("="):
            raise InvalidInputError(f"{at}.env[{index}]: expected 'NAME=value', not '{entry}'")
    for name in ("uid", "gid"):
        value: int = getattr(process.user, name)
        if not 0 <= value < 2**32 - 1:
            raise InvalidInputError(f"{at}.user.{name}: {value} is no id (0 to 4294967294)")


def _absolute(path: str, at: str) -> None:
    if not path.startswith("/"):
        raise InvalidInputError(f"{at}: expected an absolute path, not '{path}'")
