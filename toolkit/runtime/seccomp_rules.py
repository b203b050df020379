"""What a system call filter says, as plain rules: out of our own, Docker's or the OCI's form.

Pure functions of data; ``seccomp`` turns the rules into a program. Docker's profiles add to the
runtime specification's ``linux.seccomp`` the conditions ``includes`` and ``excludes``
(capabilities, machines, kernel) and ``archMap``; both forms are read here.
"""

import json
import os

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

EPERM = 1
ENOSYS = 38
ALLOW = "SCMP_ACT_ALLOW"
ERRNO = "SCMP_ACT_ERRNO"
NOTIFY = "SCMP_ACT_NOTIFY"
ACTIONS = (
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
    ERRNO,
    "SCMP_ACT_TRACE",
    ALLOW,
    "SCMP_ACT_LOG",
    NOTIFY,
)
OPERATORS = tuple(f"SCMP_CMP_{word}" for word in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"))
DEFAULT_FILE = os.path.join(os.path.dirname(__file__), "data", "seccomp.json")

# machine: (Docker's name of it, the architectures whose programs it runs too)
MACHINES = {
    "x86_64": ("amd64", ("X86", "X32")),
    "aarch64": ("arm64", ("ARM",)),
    "ppc64le": ("ppc64le", ()),
    "riscv64": ("riscv64", ()),
    "s390x": ("s390x", ("S390",)),
}
_PLACE = "linux.seccomp"


@record
class Answer:
    """What the kernel does with a call: ``value`` is the errno, or the data of a trace."""

    action: str
    value: int = EPERM


@record
class Condition:
    """A comparison of one argument; MASKED_EQ: ``argument & value == other``."""

    argument: int
    operator: str
    value: int
    other: int = 0


@record
class Rule:
    """One call with an answer of its own, if all conditions hold."""

    name: str
    answer: Answer
    conditions: tuple[Condition, ...] = ()


@record
class Rules:
    """``architectures`` are those beside the machine's own, without ``SCMP_ARCH_``."""

    default: Answer
    architectures: tuple[str, ...]
    rules: tuple[Rule, ...]


def default_rules(capabilities: "Collection[str]", machine: str) -> Rules:
    """Docker's default profile for a process that may hold ``capabilities``."""
    with open(DEFAULT_FILE, encoding="utf-8") as file:
        data = json.load(file)
    names = _words(data["always"]) + _words(data["machines"].get(machine, []))
    for capability, lines in data["capabilities"].items():
        names += _words(lines) if capability in capabilities else []
    allow = Answer(action=ALLOW)
    rules = [Rule(name=name, answer=allow) for name in dict.fromkeys(names)]
    for entry in data["values"]:
        if entry.get("without") not in capabilities:
            rules += _by_value(entry, machine)
    for entry in data["enosys"]:
        if entry["without"] not in capabilities:
            rules.append(Rule(name=entry["name"], answer=Answer(action=ERRNO, value=ENOSYS)))
    return Rules(
        default=Answer(action=ERRNO),
        architectures=MACHINES.get(machine, ("", ()))[1],
        rules=tuple(rules),
    )


def rules_of(profile: "Mapping[str, Any]", capabilities: "Collection[str]", machine: str) -> Rules:
    """The rules of a ``linux.seccomp`` or a Docker profile.

    ``InvalidInputError`` names the place of a fault. Rules whose answer is the default one are left
    out.
    """
    default = _answer(profile, "defaultAction", "defaultErrnoRet", _PLACE)
    rules: list[Rule] = []
    for number, entry in enumerate(_list(profile, "syscalls", _PLACE)):
        place = f"{_PLACE}.syscalls[{number}]"
        if not isinstance(entry, dict):
            raise InvalidInputError(f"{place}: expected an object")
        if _applies(entry, capabilities, machine):
            rules += _rules(entry, place)
    return Rules(
        default=default,
        architectures=tuple(dict.fromkeys(_architectures(profile, machine))),
        rules=tuple(rule for rule in rules if rule.answer != default),
    )


def _words(lines: "list[str]") -> list[str]:
    return " ".join(lines).split()


def _by_value(entry: "dict[str, Any]", machine: str) -> "Iterator[Rule]":
    argument = entry.get("argument_on", {}).get(machine, entry["argument"])
    conditions = [("SCMP_CMP_EQ", value, 0) for value in entry.get("equal", ())]
    if "below" in entry:
        conditions.append(("SCMP_CMP_LT", entry["below"], 0))
    if "zero" in entry:
        conditions.append(("SCMP_CMP_MASKED_EQ", entry["zero"], 0))
    for operator, value, other in conditions:
        condition = Condition(argument=argument, operator=operator, value=value, other=other)
        yield Rule(name=entry["name"], answer=Answer(action=ALLOW), conditions=(condition,))


def _answer(data: "Mapping[str, Any]", key: str, errno_key: str, place: str) -> Answer:
    action = data.get(key)
    if action not in ACTIONS:
        raise InvalidInputError(
            f"{place}.{key}: unknown action '{action}'", hint=did_you_mean(str(action), ACTIONS)
        )
    value = data.get(errno_key)
    return Answer(action=action, value=EPERM if value is None else _number(value, place, errno_key))


def _applies(entry: "Mapping[str, Any]", capabilities: "Collection[str]", machine: str) -> bool:
    """Docker's conditions: all of ``includes`` must hold, and none of ``excludes``."""
    included, excluded = entry.get("includes") or {}, entry.get("excludes") or {}
    name, also = MACHINES.get(machine, (machine, ()))
    machines = {name, *(architecture.lower() for architecture in also)}
    if not set(included.get("caps") or ()) <= set(capabilities):
        return False
    if set(excluded.get("caps") or ()) & set(capabilities):
        return False
    if included.get("arches") and not machines & set(included["arches"]):
        return False
    if name in (excluded.get("arches") or ()):
        return False
    return _kernel() >= _version(included.get("minKernel") or "0")


def _rules(entry: "Mapping[str, Any]", place: str) -> "Iterator[Rule]":
    names = entry.get("names") or [entry.get("name")]
    if not all(isinstance(name, str) and name for name in names):
        raise InvalidInputError(f"{place}.names: expected names of system calls")
    answer = _answer(entry, "action", "errnoRet", place)
    for conditions in _alternatives(_list(entry, "args", place), place):
        for name in names:
            yield Rule(name=name, answer=answer, conditions=conditions)


def _alternatives(args: "list[Any]", place: str) -> "list[tuple[Condition, ...]]":
    """All of the conditions together; each by itself where two compare the same argument.

    That is how every runtime reads it, since libseccomp takes one comparison an argument.
    """
    conditions = tuple(
        _condition(item, f"{place}.args[{number}]") for number, item in enumerate(args)
    )
    if len({condition.argument for condition in conditions}) < len(conditions):
        return [(condition,) for condition in conditions]
    return [conditions]


def _condition(item: "Any", place: str) -> Condition:
    if not isinstance(item, dict):
        raise InvalidInputError(f"{place}: expected an object")
    operator = item.get("op")
    if operator not in OPERATORS:
        raise InvalidInputError(
            f"{place}.op: unknown operator '{operator}'",
            hint=did_you_mean(str(operator), OPERATORS),
        )
    argument = _number(item.get("index"), place, "index")
    if argument > 5:
        raise InvalidInputError(f"{place}.index: a system call has arguments 0 to 5")
    value = _number(item.get("value"), place, "value")
    other = _number(item.get("valueTwo") or 0, place, "valueTwo")
    return Condition(argument=argument, operator=operator, value=value, other=other)


def _architectures(profile: "Mapping[str, Any]", machine: str) -> "Iterator[str]":
    prefix = "SCMP_ARCH_"
    own = f"{prefix}{machine.upper()}"
    for name in _list(profile, "architectures", _PLACE):
        if name != own:
            yield str(name).removeprefix(prefix)
    for entry in _list(profile, "archMap", _PLACE):
        if entry.get("architecture") == own:
            yield from (name.removeprefix(prefix) for name in entry["subArchitectures"] or ())


def _list(data: "Mapping[str, Any]", key: str, place: str) -> "list[Any]":
    found = data.get(key) or []
    if not isinstance(found, list):
        raise InvalidInputError(f"{place}.{key}: expected a list")
    return found


def _number(value: "Any", place: str, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidInputError(f"{place}.{key}: expected a number from 0 up, not '{value}'")
    return value


def _kernel() -> tuple[int, ...]:
    return _version(os.uname().release.split("-")[0])


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
