"""Inventories that are mappings: YAML, TOML, and the JSON of an executable."""

from collections.abc import Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.inventory.builder import Builder, expand
from toolkit.inventory.model import ALL

_KEYS = ("hosts", "children", "vars")


def read(data: object, file: str, builder: Builder) -> None:
    """Add ``{group: {hosts: {name: {var: value}}, children: {…}, vars: {…}}}``."""
    for name, body in _mapping(data, file).items():
        _group(str(name), body, f"{file}: {name}", builder)


def _group(name: str, body: object, at: str, builder: Builder) -> None:
    builder.group(name)
    for key, value in _mapping(body, at).items():
        if key not in _KEYS:
            raise InvalidInputError(
                f"{at}.{key}: unknown key of a group", hint=did_you_mean(str(key), _KEYS)
            )
        if key == "vars":
            builder.group_vars(name, _mapping(value, f"{at}.vars"))
        elif key == "hosts":
            for host, variables in _named(value, f"{at}.hosts").items():
                inner = _mapping(variables, f"{at}.hosts.{host}")
                for one in expand(str(host), f"{at}.hosts"):
                    builder.host(one, name, inner)
        else:
            for child, inner_body in _named(value, f"{at}.children").items():
                _group(str(child), inner_body, f"{at}.children.{child}", builder)
                if name != ALL:
                    builder.child(name, str(child), f"{at}.children")


def _mapping(value: object, at: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{at}: expected a mapping, not {value!r}")
    return value


def _named(value: object, at: str) -> Mapping[str, Any]:
    """A mapping of names, or a plain list of them as TOML and scripts write."""
    if isinstance(value, list):
        return dict.fromkeys(map(str, value))
    return _mapping(value, at)


def read_script(data: object, file: str, builder: Builder) -> None:
    """Add what an executable printed for ``--list``: groups, and ``_meta.hostvars``."""
    groups = dict(_mapping(data, file))
    meta = _mapping(groups.pop("_meta", None), f"{file}: _meta")
    for name, body in groups.items():
        at = f"{file}: {name}"
        plain = {"hosts": body} if isinstance(body, list) else dict(_mapping(body, at))
        children = plain.pop("children", [])
        _group(name, plain, at, builder)
        for child in _named(children, f"{at}.children"):
            builder.group(str(child))
            if name != ALL:
                builder.child(name, str(child), f"{at}.children")
    known = _mapping(meta.get("hostvars"), f"{file}: _meta.hostvars")
    for host, variables in known.items():
        builder.host(host, ALL, _mapping(variables, f"{file}: _meta.hostvars.{host}"))
