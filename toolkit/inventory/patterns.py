"""Ansible's host patterns: ``a,b  web:&eu:!old  ~regex  db[0:2]  web*  all``.

Parts are joined by ``,`` or ``:``. Plain parts add hosts, ``&`` keeps those that are also in a
group, ``!`` takes hosts away; the latter two apply after all that add, wherever they stand.
"""

import fnmatch
import re
from collections.abc import Callable

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.inventory.model import ALL, UNGROUPED, Inventory

_INDEX = re.compile(r"(.+)\[(-?\d+)\]")
_SLICE = re.compile(r"(.+)\[(\d+)[:-](\d*)\]")


def select(inventory: Inventory, pattern: str, *, strict: bool = False) -> tuple[str, ...]:
    """The hosts that a pattern names, in the inventory's order.

    A part that names nothing yields nothing, or ``InvalidInputError`` with ``strict``.
    """
    parts = split(pattern)
    adds = [part for part in parts if part[0] not in "&!"] or ["all"]
    chosen = dict.fromkeys(host for part in adds for host in _part(inventory, part, strict=strict))
    for part in parts:
        if part[0] == "&":
            both = set(_part(inventory, part[1:], strict=strict))
            chosen = {host: None for host in chosen if host in both}
    for part in parts:
        if part[0] == "!":
            for host in _part(inventory, part[1:], strict=strict):
                chosen.pop(host, None)
    return tuple(chosen)


def split(pattern: str) -> list[str]:
    """The parts of a pattern; a colon inside brackets, a regex or an IPv6 address joins nothing."""
    parts = []
    for piece in re.split(r",(?![^\[]*\])", pattern):
        text = piece.strip()
        if text.lstrip("&!").startswith("~") or _is_ipv6(text):
            parts.append(text)
        else:
            parts += [part.strip() for part in re.split(r":(?![^\[]*\])", text)]
    return [part for part in parts if part.strip("&!")]


def _is_ipv6(text: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", text) is not None


def _part(inventory: Inventory, part: str, *, strict: bool) -> tuple[str, ...]:
    if part.startswith("~"):
        return _by_regex(inventory, part)
    index = _INDEX.fullmatch(part)
    if index:
        hosts, at = _named(inventory, index[1], strict=strict), int(index[2])
        return hosts[at : at + 1 or None]
    sliced = _SLICE.fullmatch(part)
    if sliced:
        # Unlike Python's, the end of Ansible's slice counts.
        last = int(sliced[3]) + 1 if sliced[3] else None
        return _named(inventory, sliced[1], strict=strict)[int(sliced[2]) : last]
    return _named(inventory, part, strict=strict)


def _by_regex(inventory: Inventory, part: str) -> tuple[str, ...]:
    try:
        wanted = re.compile(part[1:])
    except re.error as error:
        raise InvalidInputError(f"the pattern '{part}' is no regular expression: {error}") from None
    return _matching(inventory, lambda name: wanted.match(name) is not None)


def _matching(inventory: Inventory, fits: Callable[[str], bool]) -> tuple[str, ...]:
    groups = (name for name in inventory.groups if fits(name))
    found = [host for name in groups for host in inventory.members(name)]
    return tuple(dict.fromkeys([*found, *(host for host in inventory.hosts if fits(host))]))


def _named(inventory: Inventory, name: str, *, strict: bool) -> tuple[str, ...]:
    if name in (ALL, "*"):
        return tuple(inventory.hosts)
    if name in inventory.groups:
        return inventory.members(name)
    if name in inventory.hosts:
        return (name,)
    if name == UNGROUPED:
        return tuple(inventory.listing()[UNGROUPED])
    if any(sign in name for sign in "*?["):
        return _matching(inventory, lambda known: fnmatch.fnmatchcase(known, name))
    if strict:
        hint = did_you_mean(name, [*inventory.groups, *inventory.hosts])
        raise InvalidInputError(f"'{name}' is neither a host nor a group", hint=hint)
    return ()
