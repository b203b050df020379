"""Collects what a format's reader finds and checks that it fits together."""

import re
from collections.abc import Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.inventory.model import ALL, UNGROUPED, Group, Inventory

_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
MOST_HOSTS = 100_000


class Builder:
    """An inventory in the making."""

    def __init__(self) -> None:
        self._hosts: dict[str, dict[str, Any]] = {}
        self._groups: dict[str, dict[str, Any]] = {}
        self._children: dict[str, dict[str, str]] = {}
        self._members: dict[str, dict[str, None]] = {}

    def group(self, name: str) -> None:
        """Make sure that a group exists."""
        self._groups.setdefault(name, {})
        self._children.setdefault(name, {})
        self._members.setdefault(name, {})

    def host(self, name: str, group: str, variables: Mapping[str, Any]) -> None:
        """Put a host into a group; its variables add to those that it has."""
        self.group(group)
        self._members[group][name] = None
        self._hosts.setdefault(name, {}).update(variables)

    def group_vars(self, group: str, variables: Mapping[str, Any]) -> None:
        """Add variables to a group."""
        self.group(group)
        self._groups[group].update(variables)

    def child(self, parent: str, child: str, at: str) -> None:
        """Put a group below another one; ``at`` is the place that a fault names."""
        self.group(parent)
        self._children[parent][child] = at

    def made(self) -> Inventory:
        """The inventory; ``InvalidInputError`` for a child that is no group, or a circle."""
        for parent, children in self._children.items():
            for child, at in children.items():
                if child not in self._groups:
                    hint = did_you_mean(child, self._groups)
                    raise InvalidInputError(
                        f"{at}: '{parent}' has the child '{child}', which is no group", hint=hint
                    )
                self._refuse_circle(child, parent, at)
        self._regroup()
        groups = {
            name: Group(
                name=name,
                hosts=tuple(self._members[name]),
                children=tuple(self._children[name]),
                vars=variables,
            )
            for name, variables in self._groups.items()
        }
        groups.setdefault(ALL, Group(name=ALL))
        return Inventory(hosts=self._hosts, groups=groups)

    def _regroup(self) -> None:
        """A host that stands in a group is not ungrouped, even if it was first written alone."""
        named = (self._members[name] for name in self._groups if name not in (ALL, UNGROUPED))
        grouped = {host for members in named for host in members}
        alone = [host for host in self._members.get(UNGROUPED, ()) if host not in grouped]
        if alone:
            self._members[UNGROUPED] = dict.fromkeys(alone)
        else:
            self._groups.pop(UNGROUPED, None)

    def _refuse_circle(self, start: str, parent: str, at: str) -> None:
        below, seen = [start], set()
        while below:
            name = below.pop()
            if name == parent:
                raise InvalidInputError(f"{at}: '{parent}' would be below itself")
            if name not in seen:
                seen.add(name)
                below += self._children.get(name, {})


def expand(pattern: str, at: str) -> list[str]:
    """The names that ``web[01:10]``, ``db[a:c]`` or ``n[0:8:2]`` stand for; both ends count."""
    found = _RANGE.search(pattern)
    if found is None:
        if "[" in pattern or "]" in pattern:
            raise InvalidInputError(
                f"{at}: '{pattern}' is no range", hint="ranges are written as web[01:10] or db[a:c]"
            )
        return [pattern]
    head, tail = pattern[: found.start()], pattern[found.end() :]
    names = [head + middle + rest for middle in _between(found, at) for rest in expand(tail, at)]
    if len(names) > MOST_HOSTS:
        raise InvalidInputError(f"{at}: '{pattern}' stands for more than {MOST_HOSTS} hosts")
    return names


def _between(found: "re.Match[str]", at: str) -> list[str]:
    first, last, step = found[1], found[2], int(found[3] or 1)
    if step < 1:
        raise InvalidInputError(f"{at}: the range '{found[0]}' has a step of zero")
    if first.isdigit() and last.isdigit():
        width = len(first) if first.startswith("0") else 0
        numbers = range(int(first), int(last) + 1, step)
        if len(numbers) > MOST_HOSTS:
            raise InvalidInputError(f"{at}: '{found[0]}' stands for more than {MOST_HOSTS} hosts")
        names = [str(number).zfill(width) for number in numbers]
    elif len(first) == len(last) == 1 and first.isalpha() and last.isalpha():
        names = [chr(code) for code in range(ord(first), ord(last) + 1, step)]
    else:
        raise InvalidInputError(f"{at}: the range '{found[0]}' has ends of two kinds")
    if not names:
        raise InvalidInputError(f"{at}: the range '{found[0]}' is empty", hint="swap its ends")
    return names
