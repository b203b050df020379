"""A playbook as values: what a person wrote, checked, with the place of each part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from toolkit.playbook.faults import Place

Variables = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Role:
    """A role as one place uses it; the same role with other parameters is another value.

    ``defaults`` and ``vars`` hold those of its dependencies too, below its own; ``parents`` are
    the names of the roles that depend on it, nearest first.
    """

    name: str
    path: str
    defaults: Variables = field(default_factory=dict)
    vars: Variables = field(default_factory=dict)
    params: Variables = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    public: bool = True


@dataclass(kw_only=True, slots=True, eq=False)
class Body:
    """The tasks of an included file; filled after it is made, since a file may include itself."""

    nodes: "tuple[Node, ...]" = ()
    role: Role | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task or handler. Text may hold expressions that only the host can render.

    ``words`` are its keywords with those that were handed down; ``layers`` the variables of the
    blocks and files around it, outermost first, its own last.
    """

    place: Place
    module: str
    args: Mapping[str, Any]
    name: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    layers: tuple[Variables, ...] = ()
    role: Role | None = None
    ships: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Files of the controller that must travel: by folder, the name as written and the path."""
    bodies: Mapping[str, Body] = field(default_factory=dict)
    """What an include may run, by the name that it is asked for."""
    params: bool = False
    """Whether the last of an include's ``layers`` are variables that it hands to its tasks."""
    values: Mapping[str, Variables] = field(default_factory=dict)
    """What an ``include_vars`` may read, by the name that it is asked for."""
    implicit: bool = False

    @property
    def vars(self) -> Variables:
        """All variables of the task in one mapping."""
        return {name: value for layer in self.layers for name, value in layer.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Nodes with what is done if one fails, and what is done in any case."""

    place: Place
    name: str = ""
    block: "tuple[Node, ...]" = ()
    rescue: "tuple[Node, ...]" = ()
    always: "tuple[Node, ...]" = ()


Node: TypeAlias = Task | Block


@dataclass(frozen=True, kw_only=True, slots=True)
class VarsFile:
    """One entry of ``vars_files``: names in the order of choice, and what each may be."""

    names: tuple[str, ...]
    found: Mapping[str, Variables]
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One entry of ``vars_prompt``."""

    name: str
    prompt: str
    default: str | None = None
    private: bool = True
    confirm: bool = False
    encrypt: str = ""
    salt_size: int = 0
    salt: str = ""
    unsafe: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """Tasks for the hosts that a pattern names."""

    place: Place
    hosts: str
    name: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    vars: Variables = field(default_factory=dict)
    vars_files: tuple[VarsFile, ...] = ()
    vars_prompt: tuple[Prompt, ...] = ()
    roles: tuple[Role, ...] = ()
    tasks: tuple[Node, ...] = ()
    handlers: tuple[Node, ...] = ()
    tags: tuple[str, ...] = ()
    base: str = ""

    @property
    def title(self) -> str:
        """What the play is called in output."""
        return self.name or self.hosts

    def every_task(self) -> Iterator[Task]:
        """Every task that the play could run, those of included files too."""
        seen: set[int] = set()
        yield from _tasks((*self.tasks, *self.handlers), seen)


def _tasks(nodes: tuple[Node, ...], seen: set[int]) -> Iterator[Task]:
    for node in nodes:
        if isinstance(node, Block):
            yield from _tasks((*node.block, *node.rescue, *node.always), seen)
            continue
        yield node
        for body in node.bodies.values():
            if id(body) not in seen:
                seen.add(id(body))
                yield from _tasks(body.nodes, seen)


@dataclass(frozen=True, kw_only=True, slots=True)
class Playbook:
    """The plays of one file, in order."""

    path: str
    plays: tuple[Play, ...]
