"""What a task is in: its play, role, blocks and file, and what these hand down to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.playbook.keywords import KEYWORDS
from toolkit.playbook.model import Role, Variables

Defaults = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """``kind`` is the letter of what stands in a list here: ``t`` for tasks, ``h`` for handlers.

    ``folder`` is that of the file being read, ``base`` that of the playbook.
    """

    base: str
    folder: str
    kind: str = "t"
    role: Role | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    when: tuple[str | bool, ...] = ()
    layers: tuple[Variables, ...] = ()
    defaults: Defaults = field(default_factory=dict)

    def below(
        self, words: Mapping[str, Any], variables: Variables, defaults: Defaults
    ) -> "Context":
        """The context of what stands inside of something with these keywords."""
        given = dict(words)
        tags = (*self.tags, *given.pop("tags", ()))
        when = (*self.when, *given.pop("when", ()))
        handed = {
            name: value
            for name, value in given.items()
            if name in KEYWORDS and KEYWORDS[name].handed_down
        }
        return replace(
            self,
            words=merged(self.words, handed),
            tags=tuple(dict.fromkeys(tags)),
            when=when,
            layers=(*self.layers, variables) if variables else self.layers,
            defaults=_with_defaults(self.defaults, defaults),
        )

    @property
    def folders(self) -> tuple[str, ...]:
        """Where names of files are looked for, the first choice first."""
        role = (self.role.path,) if self.role else ()
        return tuple(dict.fromkeys((*role, self.folder, self.base)))

    @property
    def task_folders(self) -> tuple[str, ...]:
        """Where files of tasks are looked for."""
        role = (f"{self.role.path}/tasks",) if self.role else ()
        return tuple(dict.fromkeys((self.folder, *role, self.base)))

    @property
    def known(self) -> dict[str, str]:
        """Names whose value is known on the controller."""
        names = {"playbook_dir": self.base}
        if self.role:
            names |= {"role_path": self.role.path, "role_name": self.role.name}
        return names


def merged(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords with those inside them: the inner one wins, but environments and topics add up."""
    both = {**outer, **inner}
    if "environment" in outer and "environment" in inner:
        both["environment"] = [*outer["environment"], *inner["environment"]]
    if "notify" in outer and "notify" in inner:
        both["notify"] = (*outer["notify"], *inner["notify"])
    return both


def _with_defaults(outer: Defaults, inner: Defaults) -> Defaults:
    if not inner:
        return outer
    return {**outer, **inner}  # as Ansible: the inner ones of a module stand for all of it
