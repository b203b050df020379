"""A playbook as values: what a person wrote, checked, with the place of each part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.playbook.faults import Place

Conditions = tuple[str | bool, ...]
Variables = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task or handler. Text may hold expressions that only the host can render."""

    place: Place
    module: str
    args: Mapping[str, Any]
    name: str = ""
    when: Conditions = ()
    loop: Any = None
    register: str = ""
    notify: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    vars: Variables = field(default_factory=dict)
    changed_when: Conditions | None = None
    failed_when: Conditions | None = None
    ignore_errors: bool | str = False
    become: bool | None = None
    check_mode: bool | None = None
    no_log: bool = False
    ships: Mapping[str, str] = field(default_factory=dict)
    """Files of the controller that must travel: the name as written, and the path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """Tasks for the hosts that a pattern names."""

    place: Place
    hosts: str
    name: str = ""
    vars: Variables = field(default_factory=dict)
    vars_files: tuple[Variables, ...] = ()
    tasks: tuple[Task, ...] = ()
    handlers: tuple[Task, ...] = ()
    tags: tuple[str, ...] = ()
    become: bool = False
    gather_facts: bool = True

    @property
    def title(self) -> str:
        """What the play is called in output."""
        return self.name or self.hosts


@dataclass(frozen=True, kw_only=True, slots=True)
class Playbook:
    """The plays of one file, in order."""

    path: str
    plays: tuple[Play, ...]
