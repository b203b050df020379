"""What a group may use, as values; ``None`` leaves the kernel's default alone."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record

UNLIMITED = -1
_MIN_PERIOD_US = 1000
_MAX_PERIOD_US = 1_000_000
_DEVICE_TYPES = ("a", "b", "c")


@record
class DeviceRule:
    """One step of the device list: later rules count over earlier ones.

    ``type`` is ``a`` (all), ``b`` or ``c``; ``None`` as a number means every one; ``access`` is
    made of ``r`` (read), ``w`` (write) and ``m`` (mknod).
    """

    allow: bool
    type: str = "a"
    major: int | None = None
    minor: int | None = None
    access: str = "rwm"

    @property
    def everything(self) -> bool:
        """Whether the rule speaks of every device and every access."""
        unnumbered = self.major is None and self.minor is None
        return self.type == "a" and unnumbered and set(self.access) == set("rwm")


@record
class Hugepages:
    """A limit in bytes for pages of ``size``, as in ``2MB``."""

    size: str
    limit: int


@record
class IoRate:
    """A rate a second of one device: bytes (``rbps``, ``wbps``) or calls (``riops``, ``wiops``)."""

    kind: str
    major: int
    minor: int
    rate: int


@record
class IoWeight:
    """The share of I/O, 10 to 1000: of one device, or of all where the numbers are ``None``."""

    weight: int | None = None
    leaf_weight: int | None = None
    major: int | None = None
    minor: int | None = None


@record
class Rdma:
    """How many handles and objects of one RDMA device; ``None`` is no limit."""

    device: str
    handles: int | None = None
    objects: int | None = None


@record
class Limits:
    """Bytes, microseconds and counts; ``-1`` lifts a limit.

    ``memory_swap`` is memory and swap together, as Docker counts it. ``cpu_shares`` are v1's 2 to
    262144; ``cpuset_cpus`` is a list as in ``0-2,7``. ``unified`` are v2's own files and what to
    write there, in order. ``memory_checked``: a limit below what is used already is refused.
    """

    memory: int | None = None
    memory_swap: int | None = None
    memory_reservation: int | None = None
    cpu_quota_us: int | None = None
    cpu_period_us: int | None = None
    cpu_shares: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    pids: int | None = None
    devices: tuple[DeviceRule, ...] = ()
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    cpu_burst_us: int | None = None
    cpu_idle: int | None = None
    hugepages: tuple[Hugepages, ...] = ()
    io_rates: tuple[IoRate, ...] = ()
    io_weights: tuple[IoWeight, ...] = ()
    cpu_realtime_us: int | None = None
    cpu_realtime_period_us: int | None = None
    memory_tcp: int | None = None
    memory_hierarchy: bool = False
    memory_checked: bool = False
    net_class: int | None = None
    net_priorities: tuple[tuple[str, int], ...] = ()
    rdma: tuple[Rdma, ...] = ()
    unified: tuple[tuple[str, str], ...] = ()

    def check(self) -> None:
        """Refuse what no kernel could take, with the reason."""
        self._check_memory()
        period = self.cpu_period_us
        if period is not None and not _MIN_PERIOD_US <= period <= _MAX_PERIOD_US:
            raise InvalidInputError(
                f"a cpu period of {period} µs is out of range", hint="it is 1000 to 1000000 µs"
            )
        quota = self.cpu_quota_us
        if quota is not None and quota != UNLIMITED and quota < _MIN_PERIOD_US:
            raise InvalidInputError(
                f"a cpu quota of {quota} µs is too small", hint="at least 1000 µs: 0.01 of a cpu"
            )
        if self.pids is not None and self.pids < UNLIMITED:
            raise InvalidInputError(f"a limit of {self.pids} processes makes no sense")
        for name, _ in self.unified:
            if "/" in name or not name.partition(".")[2]:
                raise InvalidInputError(
                    f"'{name}' is no file of a cgroup", hint="name it like 'memory.high'"
                )
        for rule in self.devices:
            if rule.type not in _DEVICE_TYPES or not set(rule.access) <= set("rwm"):
                raise InvalidInputError(
                    f"device rule '{rule.type} {rule.access}' is unknown",
                    hint="the type is a, b or c, the access made of r, w and m",
                )

    def _check_memory(self) -> None:
        swap = self.memory_swap
        if self.memory is not None and self.memory != UNLIMITED and self.memory <= 0:
            raise InvalidInputError(f"a memory limit of {self.memory} bytes makes no sense")
        if swap is None or swap == UNLIMITED:
            return
        if self.memory is None or self.memory == UNLIMITED:
            raise InvalidInputError(
                "a limit of memory and swap needs a limit of memory", hint="give --memory too"
            )
        if swap < self.memory:
            raise InvalidInputError(
                f"{swap} bytes of memory and swap together are less than {self.memory} of memory",
                hint="the limit of memory and swap includes memory",
            )
