"""Where the engine keeps its things: flag, then environment, then ``engine.toml``, then default."""

import os

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.engine.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from toolkit.images.registry.endpoints import Registries

ENGINE_TOML = "/etc/dockyard/engine.toml"
_ENVIRONMENT = {
    "data_root": "DOCKYARD_DATA_ROOT",
    "run_root": "DOCKYARD_ROOT",
    "cgroup_parent": "DOCKYARD_CGROUP_PARENT",
    "network": "DOCKYARD_NETWORK",
}
_BRIDGE_ENVIRONMENT = {
    "bridge": "DOCKYARD_BRIDGE",
    "bridge_address": "DOCKYARD_BRIDGE_ADDRESS",
}
# What [bridge] may hold: the setting and its kind.
_BRIDGE: "dict[str, tuple[str, type[str | int | bool]]]" = {
    "name": ("bridge", str),
    "address": ("bridge_address", str),
    "ipv6": ("bridge_ipv6", str),
    "mtu": ("bridge_mtu", int),
    "icc": ("bridge_icc", bool),
}
_WORDS: "dict[type, str]" = {str: "text", int: "a whole number", bool: "true or false"}


def load_settings(
    flags: "Mapping[str, str]", environ: "Mapping[str, str]", *, path: str = ENGINE_TOML
) -> Settings:
    """The settings; ``flags`` holds those that were given, by the names of ``Settings``."""
    chosen = _from_file(path)
    for key, variable in {**_ENVIRONMENT, **_BRIDGE_ENVIRONMENT}.items():
        value = flags.get(key) or environ.get(variable)
        if value:
            chosen[key] = value
    for key in ("data_root", "run_root"):
        if key in chosen:
            chosen[key] = os.path.abspath(chosen[key])
    return Settings(**chosen)


def load_registries(*, path: str = ENGINE_TOML) -> "Registries":
    """Where registries and their mirrors are: ``[registries]`` of ``engine.toml``."""
    from toolkit.images.registry.endpoints import Registries  # noqa: PLC0415 - a start needs none

    registries = Registries(own=_read(path).get("registries", {}), at=path)
    registries.check()
    return registries


def _from_file(path: str) -> "dict[str, Any]":
    data = _read(path)
    registries = data.pop("registries", {})
    if not isinstance(registries, dict):
        raise InvalidInputError(f"{path}: registries: expected a table, not {registries!r}")
    bridge = _bridge(data.pop("bridge", {}), path)
    known = (*_ENVIRONMENT, "bridge", "registries")
    for key, value in data.items():
        if key not in _ENVIRONMENT:
            raise InvalidInputError(f"{path}: {key}: unknown key", hint=did_you_mean(key, known))
        if not isinstance(value, str) or not value:
            raise InvalidInputError(f"{path}: {key}: expected text, not {value!r}")
    return {**data, **bridge}


def _read(path: str) -> "dict[str, Any]":
    try:
        with open(path, "rb") as file:
            import tomllib  # noqa: PLC0415 - 5 ms that only a host with this file pays

            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _bridge(bridge: object, path: str) -> "dict[str, Any]":
    """``[bridge]`` says what containers attach to; the checks hold the host to it."""
    if not isinstance(bridge, dict):
        raise InvalidInputError(f"{path}: bridge: expected a table, not {bridge!r}")
    for key, value in bridge.items():
        if key not in _BRIDGE:
            raise InvalidInputError(
                f"{path}: bridge.{key}: unknown key", hint=did_you_mean(key, _BRIDGE)
            )
        kind = _BRIDGE[key][1]
        if type(value) is not kind or value == "":
            raise InvalidInputError(f"{path}: bridge.{key}: expected {_WORDS[kind]}, not {value!r}")
    return {_BRIDGE[key][0]: value for key, value in bridge.items()}
