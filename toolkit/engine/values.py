"""Docker's spelling of values: ``64m``, ``0.5``, ``host:container:ro``, ``K=V``.

Pure functions of text; a fault is an ``InvalidInputError`` that quotes what was written.
"""

import _socket

from toolkit.core.errors import InvalidInputError
from toolkit.engine.config import Tmpfs
from toolkit.engine.netfiles import GATEWAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
CPU_PERIOD = 100_000


def parse_size(text: str, *, what: str) -> int:
    """Bytes: a number with at most one unit of ``b k m g t p``, in powers of 1024, any case."""
    lower = text.strip().lower()
    digits = lower.removesuffix("b").removesuffix("i") if lower[-2:-1].isalpha() else lower
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    try:
        number = float(digits.removesuffix(unit))
        size = int(number * (1 << _UNITS[unit]))
    except (ValueError, KeyError, OverflowError):
        raise InvalidInputError(
            f"{what}: '{text}' is no size", hint="write a number and a unit, as in 64m or 1.5g"
        ) from None
    if size < 0:
        raise InvalidInputError(f"{what}: '{text}' is less than nothing")
    return size


def parse_swap(text: str, *, what: str) -> int:
    """Like ``parse_size``; -1 is no limit."""
    return -1 if text.strip() == "-1" else parse_size(text, what=what)


def parse_cpus(text: str, *, available: int) -> tuple[int, int]:
    """A share of processors as (quota, period) in microseconds for the scheduler."""
    try:
        cpus = float(text)
    except ValueError:
        raise InvalidInputError(
            f"cpus: '{text}' is no number", hint="write how many processors, as in 0.5 or 2"
        ) from None
    if not 0.01 <= cpus <= available:
        raise InvalidInputError(
            f"cpus: '{text}' is outside 0.01 to {available}",
            hint=f"this machine has {available} processors",
        )
    return round(cpus * CPU_PERIOD), CPU_PERIOD


def check_target(target: str, what: str) -> None:
    """Refuse what is no place inside."""
    if not target.startswith("/"):
        raise InvalidInputError(f"{what}: '{target}' is not an absolute path in the container")
    if not target.strip("/."):
        raise InvalidInputError(f"{what}: '/' is the root file system itself")


def parse_tmpfs(text: str) -> Tmpfs:
    """``/path[:option,option]``; ``noexec,nosuid,nodev`` hold unless their opposite is asked."""
    target, _, given = text.partition(":")
    check_target(target, f"tmpfs '{text}'")
    asked = tuple(filter(None, given.split(",")))
    opposites = {"noexec": "exec", "nosuid": "suid", "nodev": "dev"}
    kept = tuple(no for no, yes in opposites.items() if yes not in asked and no not in asked)
    return Tmpfs(target=target, options=(*kept, *asked))


def parse_env(text: str, caller: "Mapping[str, str]") -> str | None:
    """``K=V`` as it is, ``K`` with the caller's value; None where the caller has none."""
    name, equals, _ = text.partition("=")
    if not name:
        raise InvalidInputError(
            f"environment variable '{text}' has no name", hint="write NAME=VALUE or NAME"
        )
    if equals:
        return text
    return f"{name}={caller[name]}" if name in caller else None


def parse_env_file(lines: "Iterable[str]", caller: "Mapping[str, str]", *, at: str) -> list[str]:
    """The variables of an ``--env-file``: a line each, taken literally; ``#`` starts a comment."""
    found = []
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n").lstrip()
        if not text or text.startswith("#"):
            continue
        name = text.partition("=")[0]
        if name != name.strip() or " " in name or "\t" in name:
            raise InvalidInputError(f"{at}:{number}: the name '{name}' holds a blank")
        value = parse_env(text, caller)
        if value is not None:
            found.append(value)
    return found


def parse_cgroup_parent(text: str) -> str:
    """Where the group of a container lies, below or beside the engine's own, never above."""
    if ".." in text.split("/"):
        raise InvalidInputError(f"cgroup-parent: '{text}' leads upwards")
    return text


def parse_label(text: str) -> str:
    """``K=V``; ``K`` alone has an empty value."""
    if not text.partition("=")[0]:
        raise InvalidInputError(f"label '{text}' has no name")
    return text if "=" in text else f"{text}="


def parse_add_host(text: str) -> str:
    """``NAME:ADDRESS``, also with ``=``; the address may be ``host-gateway``."""
    sign = "=" if "=" in text.partition(":")[0] else ":"
    name, _, address = text.partition(sign)
    if not name or any(sign.isspace() for sign in name):
        raise InvalidInputError(f"add-host: '{text}' is not NAME:ADDRESS")
    if address != GATEWAY:
        _check_address(address.strip("[]"), f"add-host '{text}'")
    return f"{name}:{address.strip('[]')}"


def parse_link(text: str) -> str:
    """``CONTAINER[:ALIAS]`` with its alias."""
    name, _, alias = text.partition(":")
    if not name or ":" in alias:
        raise InvalidInputError(f"link: '{text}' is not of the form CONTAINER[:ALIAS]")
    return f"{name}:{alias or name}"


def parse_server(text: str) -> str:
    """The address of a name server."""
    _check_address(text, "dns")
    return text


def _check_address(text: str, what: str) -> None:
    family = _socket.AF_INET6 if ":" in text else _socket.AF_INET
    try:
        _socket.inet_pton(family, text)
    except (OSError, ValueError):
        raise InvalidInputError(f"{what}: '{text}' is no address") from None


def merge_env(*sources: "Iterable[str]") -> tuple[str, ...]:
    """``K=V`` texts, the last value of each name at the place of its first."""
    merged: dict[str, str] = {}
    for source in sources:
        for text in source:
            name, equals, value = text.partition("=")
            if name and equals:
                merged[name] = value
    return tuple(f"{name}={value}" for name, value in merged.items())
