"""Ansible's INI inventories: ``[group]``, ``[group:children]``, ``[group:vars]``, host lines."""

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.inventory.builder import Builder, expand
from toolkit.inventory.model import UNGROUPED

_SECTION = re.compile(r"\[([^\[\]:]+)(?::(\w+))?\]\s*(?:#.*)?")
_KINDS = ("hosts", "children", "vars")


def read(text: str, file: str, builder: Builder) -> None:
    """Add what an INI inventory holds; ``InvalidInputError`` names file and line."""
    group, kind = UNGROUPED, "hosts"
    for number, line in _lines(text):
        at = f"{file}:{number}"
        if line.startswith("["):
            group, kind = _section(line, at)
            builder.group(group)
        elif kind == "vars":
            name, value = _assignment(line, at)
            builder.group_vars(group, {name: value})
        elif kind == "children":
            builder.child(group, _lone_word(line, at), at)
        else:
            _host(line, group, builder, at)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", ";")):
            yield number, stripped


def _section(line: str, at: str) -> tuple[str, str]:
    found = _SECTION.fullmatch(line)
    if found is None:
        raise InvalidInputError(f"{at}: '{line}' is no section", hint="write [group]")
    kind = found[2] or "hosts"
    if kind not in _KINDS:
        hint = did_you_mean(kind, _KINDS)
        raise InvalidInputError(f"{at}: a section is of the unknown kind '{kind}'", hint=hint)
    return found[1].strip(), kind


def _words(line: str, at: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise InvalidInputError(f"{at}: {str(error).lower()}: '{line}'") from None


def _lone_word(line: str, at: str) -> str:
    words = _words(line, at)
    if len(words) != 1:
        raise InvalidInputError(f"{at}: expected the name of one group, not '{line}'")
    return words[0]


def _host(line: str, group: str, builder: Builder, at: str) -> None:
    pattern, *rest = _words(line, at)
    variables: dict[str, Any] = {}
    name, port = _split_port(pattern)
    if port:
        variables["ansible_port"] = port
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InvalidInputError(
                f"{at}: expected 'name=value' after the host, not '{word}'",
                hint="one host a line",
            )
        variables[key] = literal(value)
    for one in expand(name, at):
        builder.host(one, group, variables)


def _split_port(pattern: str) -> tuple[str, int]:
    """``host:2222``; an IPv6 address or a range keeps its colons."""
    name, colon, port = pattern.rpartition(":")
    if (
        colon
        and port.isdigit()
        and ":" not in name.split("]")[-1]
        and name.count("[") == name.count("]")
    ):
        return name, int(port)
    return pattern, 0


def _assignment(line: str, at: str) -> tuple[str, Any]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip():
        raise InvalidInputError(f"{at}: expected 'name=value', not '{line}'")
    return name.strip(), literal(value.strip())


def literal(text: str) -> Any:
    """A value as Ansible reads it in INI: a Python literal if it is one, else the text itself.

    ``yes`` stays text, as there; ``True``, ``5`` and ``['a']`` become what they look like.
    """
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    if isinstance(value, dict | list | str | int | float | bool | type(None)):
        return value
    return text
