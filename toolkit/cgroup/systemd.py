"""Groups that systemd makes: transient scopes, asked for over D-Bus (org.freedesktop.systemd1(5)).

A ``bus_address`` is D-Bus's own way to name a socket (``unix:path=…``); empty is the system's bus.

systemd owns the tree, and this is how it hands a part of it over (``Delegate=``): it makes the
group with the process in it, knows its limits and does not undo them when it reloads.
"""

import os

from toolkit.cgroup.cpu import weight
from toolkit.cgroup.cpuset import members
from toolkit.cgroup.dbus import DAEMON, Bus, DBusError, Method
from toolkit.cgroup.limits import UNLIMITED
from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError, UnavailableError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from toolkit.cgroup.limits import Limits

    Property = tuple[str, tuple[str, Any]]

_SYSTEM_BUS = "/run/dbus/system_bus_socket"
_PRIVATE = "/run/systemd/private"
_TIMEOUT = 60.0
_SERVICE = "org.freedesktop.systemd1"
_MANAGER = Method(
    service=_SERVICE, path="/org/freedesktop/systemd1", interface=f"{_SERVICE}.Manager"
)
_JOB = "JobRemoved"
_MATCH = f"type='signal',interface='{_SERVICE}.Manager',member='{_JOB}'"
_GONE = (f"{_SERVICE}.NoSuchUnit", f"{_SERVICE}.LoadFailed")
_EXISTS = f"{_SERVICE}.UnitExists"
_INFINITE = 2**64 - 1
_MICROSECONDS = 1_000_000
_ACCOUNTING = ("CPUAccounting", "MemoryAccounting", "IOAccounting", "TasksAccounting")
_UNIFIED = {
    "memory.min": "MemoryMin",
    "memory.low": "MemoryLow",
    "memory.high": "MemoryHigh",
    "memory.max": "MemoryMax",
    "memory.swap.max": "MemorySwapMax",
    "cpu.weight": "CPUWeight",
    "pids.max": "TasksMax",
}
_DEFAULT_SLICE = "system.slice"
_ANNOTATION = "org.systemd.property."
_INTEGERS = {"int16": "n", "uint16": "q", "int32": "i", "uint32": "u", "int64": "x", "uint64": "t"}


@record
class Unit:
    """A scope and the slice that it is in."""

    name: str
    slice: str

    @property
    def path(self) -> str:
        """Its group, from the top of the tree."""
        return f"{slice_path(self.slice)}/{self.name}"


def unit_of(cgroups_path: str, name: str) -> Unit:
    """The unit that ``linux.cgroupsPath`` means to systemd's driver: ``slice:prefix:name``."""
    parts = (cgroups_path or f":dockyard:{name}").split(":")
    at = "linux.cgroupsPath"
    if len(parts) != 3 or not parts[2]:
        raise InvalidInputError(
            f"{at}: '{cgroups_path}' is no unit",
            hint="with systemd's cgroups it is 'slice:prefix:name', as in 'system.slice:box:one'",
        )
    if any("/" in part or "\0" in part for part in parts) or parts[2].endswith(".slice"):
        raise InvalidInputError(f"{at}: '{cgroups_path}' does not name a scope in a slice")
    own = f"{parts[1]}-{parts[2]}" if parts[1] else parts[2]
    found = Unit(name=f"{own}.scope", slice=parts[0] or _DEFAULT_SLICE)
    slice_path(found.slice)
    return found


def slice_path(name: str) -> str:
    """The group of a slice: ``a-b.slice`` lies in ``a.slice`` (systemd.slice(5)); ``-.slice`` is
    the top.
    """
    stem = name.removesuffix(".slice")
    if stem == "-":
        return ""
    parts = stem.split("-")
    if not name.endswith(".slice") or not all(parts):
        raise InvalidInputError(f"linux.cgroupsPath: '{name}' is no slice")
    return "".join(f"/{'-'.join(parts[: depth + 1])}.slice" for depth in range(len(parts)))


def start(unit: Unit, pid: int, properties: "list[Property]", bus_address: str = "") -> None:
    """Make the scope with that process in it; returns when it stands."""
    given = [
        ("Description", ("s", f"container {unit.name.removesuffix('.scope')}")),
        ("Slice", ("s", unit.slice)),
        ("Delegate", ("b", True)),
        ("DefaultDependencies", ("b", False)),
        ("CollectMode", ("s", "inactive-or-failed")),
        ("PIDs", ("au", [pid])),
        *((name, ("b", True)) for name in _ACCOUNTING),
    ]
    named = {name for name, _ in properties}
    given = [*(entry for entry in given if entry[0] not in named), *properties]
    with _open(bus_address) as bus:
        try:
            result = _start(bus, unit, given)
        except DBusError as error:
            if error.name != _EXISTS:
                raise _said(unit, error) from None
            result = _start_again(bus, unit, given)
    if result != "done":
        raise ToolkitError(f"systemd did not start '{unit.name}': {result}")


def stop(name: str, bus_address: str = "") -> None:
    """Take a unit down, its processes with it; one that is gone is fine."""
    with _open(bus_address) as bus:
        try:
            _run(bus, "StopUnit", "ss", name, "replace")
        except DBusError as error:
            if error.name not in _GONE:
                raise ToolkitError(f"systemd cannot stop '{name}': {error.message}") from None


def change(name: str, properties: "list[Property]", bus_address: str = "") -> None:
    """Tell systemd of limits that were changed, so that it does not set the old ones again."""
    if not properties:
        return
    with _open(bus_address) as bus:
        try:
            bus.call(_MANAGER, "SetUnitProperties", "sba(sv)", name, True, properties)
        except DBusError as error:
            raise ToolkitError(f"systemd cannot change '{name}': {error.message}") from None


def limits_of(limits: "Limits") -> "list[Property]":
    """The limits that systemd knows, as its properties (systemd.resource-control(5))."""
    found = dict([*_memory(limits), *_cpu(limits), *_rest(limits)])
    for file, value in limits.unified:  # on its next reload systemd would take them back
        if file in _UNIFIED and (value == "max" or value.isdecimal()):
            found[_UNIFIED[file]] = ("t", _INFINITE if value == "max" else int(value))
    return list(found.items())


def _memory(limits: "Limits") -> "Iterator[Property]":
    if limits.memory is not None:
        yield "MemoryMax", ("t", _number(limits.memory))
    if limits.memory_reservation is not None:
        yield "MemoryLow", ("t", _number(limits.memory_reservation))
    if limits.memory_swap is not None:
        swap = limits.memory_swap
        alone = swap if swap == UNLIMITED else swap - max(0, limits.memory or 0)
        yield "MemorySwapMax", ("t", _number(alone))


def _cpu(limits: "Limits") -> "Iterator[Property]":
    if limits.cpu_shares:
        yield "CPUWeight", ("t", weight(limits.cpu_shares))
    if limits.cpu_period_us:
        yield "CPUQuotaPeriodUSec", ("t", limits.cpu_period_us)
    quota = limits.cpu_quota_us
    if quota is not None:
        period = limits.cpu_period_us or 100_000
        a_second = quota * _MICROSECONDS // period
        # systemd keeps hundredths, and would cut what it cannot keep: up, as runc does.
        rounded = -(-a_second // 10_000) * 10_000
        yield "CPUQuotaPerSecUSec", ("t", _INFINITE if quota == UNLIMITED else rounded)


def _rest(limits: "Limits") -> "Iterator[Property]":
    for name, listed in (
        ("AllowedCPUs", limits.cpuset_cpus),
        ("AllowedMemoryNodes", limits.cpuset_mems),
    ):
        if listed:
            yield name, ("ay", bits(listed))
    if limits.pids is not None:
        yield "TasksMax", ("t", _number(limits.pids))


def _number(value: int) -> int:
    return _INFINITE if value == UNLIMITED else value


def bits(listed: str) -> bytes:
    """A mask, its lowest byte first, of a list such as ``0-2,7``."""
    try:
        mask = sum(1 << number for number in members(listed))
    except ValueError:
        raise InvalidInputError(f"'{listed}' is no list such as '0-2,7'") from None
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def properties_of(annotations: "Mapping[str, str]") -> "list[Property]":
    """Those that a bundle asks for: ``org.systemd.property.NAME`` with a value as GVariant's text.

    ``NAME`` may end with ``Sec`` where systemd counts in ``USec``.
    """
    found: list[Property] = []
    for key, text in annotations.items():
        if not key.startswith(_ANNOTATION):
            continue
        name = key.removeprefix(_ANNOTATION)
        try:
            kind, value = _variant(text.strip())
        except ValueError:
            raise InvalidInputError(
                f"annotations.{key}: '{text}' is no value",
                hint="write it as in \"'text'\", true, uint64 5 or ['one', 'two']",
            ) from None
        if name.endswith("Sec") and not name.endswith("USec") and kind != "s":
            name = f"{name.removesuffix('Sec')}USec"
            kind, value = "t", int(value * _MICROSECONDS)
        found.append((name, (kind, value)))
    return found


def _variant(text: str) -> "tuple[str, Any]":
    if text in ("true", "false"):
        return "b", text == "true"
    if text.startswith("["):
        inner = text.removeprefix("[").removesuffix("]").strip()
        items = [_variant(item.strip()) for item in inner.split(",")] if inner else []
        if not text.endswith("]") or any(kind != "s" for kind, _ in items):
            raise ValueError(text)
        return "as", [value for _, value in items]
    if text[:1] in ("'", '"'):
        if len(text) < 2 or text[-1] != text[0] or text[0] in text[1:-1] or "\\" in text:
            raise ValueError(text)
        return "s", text[1:-1]
    kind, _, number = text.rpartition(" ")
    if kind and kind not in _INTEGERS:
        raise ValueError(text)
    if not kind and "." in number:
        return "d", float(number)
    return _INTEGERS.get(kind, "i"), int(number, 0)


def _start(bus: Bus, unit: Unit, properties: "list[Property]") -> str:
    return _run(bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit.name, "replace", properties, [])


def _start_again(bus: Bus, unit: Unit, properties: "list[Property]") -> str:
    """One that failed keeps its name until somebody looks; one that runs keeps it rightly."""
    try:
        bus.call(_MANAGER, "ResetFailedUnit", "s", unit.name)
        return _start(bus, unit, properties)
    except DBusError as error:
        raise _said(unit, error) from None


def _said(unit: Unit, error: DBusError) -> ToolkitError:
    if error.name == _EXISTS:
        return ConflictError(
            f"systemd has a unit '{unit.name}' already", hint="choose another name"
        )
    return ToolkitError(f"systemd cannot start '{unit.name}': {error.message or error.name}")


def _run(bus: Bus, method: str, signature: str, *values: "Any") -> str:
    """Call for a job and wait for its end; how that was."""
    (job,) = bus.call(_MANAGER, method, signature, *values)
    told = bus.wait_for(_JOB, lambda body: len(body) == 4 and body[1] == job)
    return str(told[3])


def _open(asked: str) -> Bus:
    """systemd, over the bus or, where there is none, straight; signals of its jobs come."""
    path, hello = address(asked)
    try:
        bus = Bus(path, timeout=_TIMEOUT, hello=hello)
    except UnavailableError as error:
        raise UnavailableError(
            f"no systemd to ask for a cgroup: {error.message}",
            hint="does systemd run here? --cgroup-manager cgroupfs does without",
        ) from None
    try:
        if hello:
            bus.call(DAEMON, "AddMatch", "s", _MATCH)
            bus.call(_MANAGER, "Subscribe")
    except BaseException:
        bus.close()
        raise
    return bus


def address(asked: str) -> tuple[str, bool]:
    """The socket to call, and whether it is a bus's."""
    for entry in asked.split(";"):
        kind, _, rest = entry.partition(":")
        options = dict(part.partition("=")[::2] for part in rest.split(","))
        if kind == "unix" and "path" in options:
            return options["path"], not options["path"].endswith("/private")
    if asked:
        raise InvalidInputError(f"'{asked}' is no address of a bus: it names no path of a socket")
    if os.path.exists(_SYSTEM_BUS):
        return _SYSTEM_BUS, True
    return _PRIVATE, False
