"""What is known of each module: what ``dockyard doc`` and ``docs/modules.md`` show.

Everything is read from the class itself, so that no page can be older than the code.
"""

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_origin

from toolkit.core.errors import NotFoundError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook import actions
from toolkit.tasks import registry

_WORDS = {str: "text", int: "whole number", float: "number", bool: "yes or no"}
_HEAD = """\
# Modules

Made by `dockyard doc --markdown`; a test keeps it true. Every module takes Ansible's arguments and
can be written with or without its collection, `ansible.builtin.copy` or `copy`. A module that
*holds* something compares first: check mode tells exactly what it would do, a second run changes
nothing, and `dockyard undo` leads back where anything can. One that *acts* does so each time that
its conditions ask for it; check mode does not run it, and its result is unknown. One that *tells*
never changes anything. What *the runner* does itself needs the play's variables or its controller.
"""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One argument: ``kind`` and ``default`` in words, ``""`` for one that has no default."""

    name: str
    kind: str
    default: str
    required: bool
    others: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One module: ``nature`` is ``holds``, ``acts``, ``tells`` or ``the runner``."""

    name: str
    nature: str
    text: str
    arguments: tuple[Argument, ...]
    proves: tuple[str, ...]
    open_keys: bool

    @property
    def summary(self) -> str:
        """The first sentence."""
        return self.text.split("\n\n")[0].replace("\n", " ")


def names() -> tuple[str, ...]:
    """Every module, sorted."""
    return tuple(sorted((*registry.names(), *actions.names())))


def page(name: str) -> Page:
    """What is known of a module; ``NotFoundError`` with the nearest name if there is none."""
    short = registry.canonical(name)
    if short not in names():
        raise NotFoundError(
            f"there is no module '{name}'",
            hint=did_you_mean(short, names()) or "'dockyard doc' lists all",
        )
    kind: Any = actions.ACTIONS.get(short) or registry.load(short)
    return Page(
        name=short,
        nature=_nature(short, kind),
        text=inspect.cleandoc(kind.__doc__ or "").replace("``", "`"),
        arguments=tuple(_arguments(kind)),
        proves=tuple(getattr(kind, "proves", ())),
        open_keys=bool(getattr(kind, "open_keys", False)),
    )


def markdown() -> str:
    """The page of all modules."""
    return "\n".join([_HEAD, *(_section(page(name)) for name in names())])


def _nature(name: str, kind: Any) -> str:
    if name in actions.ACTIONS:
        return "the runner"
    return "tells" if kind.reads else "acts" if kind.acts else "holds"


def _arguments(kind: Any) -> Iterator[Argument]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        nothing = field.default is dataclasses.MISSING
        made = field.default_factory is not dataclasses.MISSING
        yield Argument(
            name=field.name,
            kind=_said(hints[field.name]),
            default="" if nothing else _default(field.default),
            required=nothing and not made,
            others=tuple(
                sorted(other for other, name in kind.aliases.items() if name == field.name)
            ),
        )


def _said(kind: Any) -> str:
    """A type in words: ``text``, ``list of text``, ``present or absent``."""
    if get_origin(kind) is tuple:
        return f"list of {_said(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return "mapping"
    if isinstance(kind, types.UnionType) or get_origin(kind) is typing.Union:
        parts = [_said(each) for each in get_args(kind) if each is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    return _WORDS.get(kind, "anything")


def _default(value: Any) -> str:
    if value is None or value in ((), ""):
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return repr(str(value))[1:-1]


def _section(found: Page) -> str:
    lines = [f"## {found.name}", "", f"*{found.nature}* · {found.text}", ""]
    if found.arguments:
        lines += ["| argument | takes | by default |", "|---|---|---|"]
        lines += [_row(each) for each in found.arguments] + [""]
    if found.open_keys:
        lines += ["Any other key is a variable.", ""]
    if found.proves:
        lines += [f"Checks that hold where its state does: {', '.join(found.proves)}.", ""]
    return "\n".join(lines)


def _row(each: Argument) -> str:
    shown = ", ".join(f"`{name}`" for name in (each.name, *each.others))
    default = "**needed**" if each.required else f"`{each.default}`" if each.default else ""
    return f"| {shown} | {each.kind} | {default} |"
