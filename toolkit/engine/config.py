"""What one container is asked to be: everything that ``dockyard run`` can say, as a value.

The command line, the agent, the checks and Docker's API all end here, so the same words mean
the same container whoever asks. Text was parsed before (``values``); nothing here looks at the
machine. Kept as JSON in ``state.db``, hence ``to_data`` and ``from_data``.
"""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import as_dict, record
from toolkit.core.suggest import did_you_mean
from toolkit.net.wiring import Port
from toolkit.oci.image import Healthcheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")


@record
class Bind:
    """A directory or file of the host at ``target`` inside.

    ``propagation`` is one of ``rprivate private rslave slave rshared shared``.
    """

    source: str
    target: str
    read_only: bool = False
    propagation: str = "rprivate"


@record
class Tmpfs:
    """A file system in memory at ``target``; ``options`` are mount options, already complete."""

    target: str
    options: tuple[str, ...] = ()


@record
class VolumeMount:
    """A volume at ``target`` inside; without a ``name`` it is made for this container alone.

    ``copy``: an empty volume begins with what the image has there. ``subpath`` is a directory in
    it to show instead of the whole.
    """

    target: str
    name: str = ""
    read_only: bool = False
    copy: bool = True
    subpath: str = ""


@record
class DeviceAsk:
    """A device of the host at ``target`` inside, with ``access`` made of ``r``, ``w``, ``m``."""

    source: str
    target: str
    access: str = "rwm"


@record
class Ulimit:
    """A limit of setrlimit(2) by its short name (``nofile``); -1 is no limit."""

    name: str
    soft: int
    hard: int


@record
class DeviceRate:
    """A rate a second for one device of the host: ``rbps wbps riops wiops``."""

    kind: str
    path: str
    rate: int


@record
class Attach:
    """One more network that a container joins, and who it is there."""

    network: str
    ip: str = ""
    ip6: str = ""
    mac_address: str = ""
    aliases: tuple[str, ...] = ()


@record
class ContainerConfig:
    """One container as asked for; an empty value means Docker's default.

    ``image`` names an image, or ``rootfs`` a directory that is never written to. ``memory`` and
    ``memory_swap`` count bytes (-1: no limit on swap), ``cpu_quota`` and ``cpu_period`` are in
    microseconds, ``pids_limit`` 0 or -1 is no limit. ``env`` holds ``K=V``; ``entrypoint`` None
    is the image's own. ``seccomp`` is empty, ``unconfined`` or the text of a profile in Docker's
    JSON form. ``pid`` and ``ipc``: empty, ``host``, ``container:ID`` and, for ``ipc``, ``none``
    ``private`` ``shareable``. ``network``: ``bridge``, another network's name, ``none``, ``host``
    or ``container:ID``, and empty for one that was taken off its last; ``ip``, ``ip6``,
    ``mac_address`` and ``aliases`` are those on it, ``attach`` more networks. ``links`` holds
    ``NAME:ALIAS``, ``expose`` ``PORT/PROTOCOL``; ``add_hosts`` holds ``NAME:ADDRESS``. ``rows`` and
    ``columns`` are the terminal's size, 0 where unknown. ``uts`` and ``userns`` are empty or
    ``host``, ``cgroupns`` also ``private``. ``restart`` is ``no``, ``always``, ``unless-stopped``
    or ``on-failure``, which ``restart_retries`` may bound. ``volumes_from`` holds ``NAME[:ro]``;
    ``sysctls``, ``annotations`` and ``log_options`` hold ``K=V``. ``memory_swappiness`` -1 is the
    kernel's own.
    ``health`` has at most one part, which stands in for the image's. With ``stdin_once`` the
    input of one in the background ends with that of who attached first.
    """

    image: str = ""
    rootfs: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    name: str = ""
    hostname: str = ""
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    network: str = "none"
    ip: str = ""
    ip6: str = ""
    mac_address: str = ""
    aliases: tuple[str, ...] = ()
    attach: tuple[Attach, ...] = ()
    links: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    expose: tuple[str, ...] = ()
    publish_all: bool = False
    add_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    pid: str = ""
    ipc: str = ""
    memory: int = 0
    memory_swap: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    cpu_shares: int = 0
    cpuset_cpus: str = ""
    pids_limit: int = 0
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    privileged: bool = False
    no_new_privileges: bool = False
    seccomp: str = ""
    read_only: bool = False
    interactive: bool = False
    stdin_once: bool = False
    tty: bool = False
    detach: bool = False
    rows: int = 0
    columns: int = 0
    auto_remove: bool = False
    stop_signal: str = ""
    stop_timeout: int = -1
    labels: tuple[str, ...] = ()
    cgroup_parent: str = ""
    init: bool = False
    restart: str = ""
    restart_retries: int = 0
    health: tuple[Healthcheck, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    devices: tuple[DeviceAsk, ...] = ()
    device_rules: tuple[str, ...] = ()
    device_rates: tuple[DeviceRate, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    sysctls: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    log_driver: str = ""
    log_options: tuple[str, ...] = ()
    shm_size: int = 0
    domainname: str = ""
    uts: str = ""
    userns: str = ""
    cgroupns: str = ""
    apparmor: str = ""
    unmasked: bool = False
    oom_kill_disable: bool = False
    oom_score_adj: int = 0
    memory_reservation: int = 0
    memory_swappiness: int = -1
    cpuset_mems: str = ""
    blkio_weight: int = 0


def to_data(config: ContainerConfig) -> "dict[str, Any]":
    """Plain data that says only what differs from the default."""
    defaults = ContainerConfig()
    shown = {}
    for name, value in as_dict(config).items():
        if value != getattr(defaults, name):
            shown[name] = [as_dict(item) for item in value] if name in _PARTS else value
    return shown


def from_data(data: "Mapping[str, Any]", *, at: str = "container") -> ContainerConfig:
    """The config that plain data describes; ``InvalidInputError`` names the place of a fault."""
    return _build(ContainerConfig, data, at)


_PARTS: "dict[str, type[Any]]" = {
    "binds": Bind,
    "tmpfs": Tmpfs,
    "ports": Port,
    "health": Healthcheck,
    "volumes": VolumeMount,
    "devices": DeviceAsk,
    "device_rates": DeviceRate,
    "ulimits": Ulimit,
    "attach": Attach,
}


def _build(kind: "type[T]", data: "Mapping[str, Any]", at: str) -> "T":
    if not isinstance(data, dict):
        raise InvalidInputError(f"{at}: expected a mapping, not {data!r}")
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined] # record adds it
    kinds: dict[str, str] = kind.__annotations__
    values = {}
    for name, value in data.items():
        if name not in fields:
            raise InvalidInputError(f"{at}.{name}: unknown key", hint=did_you_mean(name, fields))
        values[name] = _convert(kinds[name], value, f"{at}.{name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise InvalidInputError(f"{at}: {error}") from None


def _convert(kind: object, value: object, at: str) -> object:
    if kind in (str, int, bool):
        if type(value) is not kind:
            raise InvalidInputError(f"{at}: expected {_WORDS[kind]}, not {value!r}")
        return value
    part = _PARTS.get(at.rpartition(".")[2])
    if value is None and part is None and kind == (tuple[str, ...] | None):
        return None
    if not isinstance(value, list | tuple):
        raise InvalidInputError(f"{at}: expected a list, not {value!r}")
    if part:
        return tuple(_build(part, item, f"{at}[{place}]") for place, item in enumerate(value))
    return tuple(_convert(str, item, f"{at}[{place}]") for place, item in enumerate(value))


_WORDS: "dict[object, str]" = {str: "text", int: "a whole number", bool: "true or false"}
