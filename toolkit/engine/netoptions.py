"""Docker's options of bridges, as fields of a ``NetworkConfig``."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_FALSE, _TRUE = ("0", "false", "f"), ("1", "true", "t")
_SWITCHES = {"bridge.enable_icc": "icc", "bridge.enable_ip_masquerade": "masquerade"}


def network_options(words: "Iterable[str]") -> "dict[str, Any]":
    """What ``NAME=VALUE`` options mean here; one that means nothing is refused."""
    found: dict[str, Any] = {}
    kept = []
    for text in words:
        name, _, value = text.partition("=")
        short = name.removeprefix("com.docker.network.")
        if short in ("driver.mtu", "mtu"):
            found["mtu"] = _number(name, value)
        elif short == "bridge.name":
            found["link"] = value
        elif short in _SWITCHES:
            found[_SWITCHES[short]] = _truth(name, value)
            kept.append(text)
        else:
            known = [f"com.docker.network.{key}" for key in ("driver.mtu", "bridge.name")]
            known += [f"com.docker.network.{key}" for key in _SWITCHES]
            raise InvalidInputError(
                f"opt: '{name}' is not known",
                hint=did_you_mean(name, known) or f"known are {', '.join(known)}",
            )
    return {**found, "options": tuple(kept)}


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise InvalidInputError(f"opt: {name} is a whole number, not '{value}'")
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value.lower() not in (*_TRUE, *_FALSE):
        raise InvalidInputError(f"opt: {name} is true or false, not '{value}'")
    return value.lower() in _TRUE
