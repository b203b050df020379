"""The variables of one host while a play runs, by Ansible's precedence (docs/variables.md).

Written variables are rendered on use; reported ones (facts, registered results) never are. Facts
are gathered when the first name asks for them.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError

if TYPE_CHECKING:
    from toolkit.playbook.templating import Engine

_LONE_NAME = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
MISSING = object()
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
FACT_PREFIX = "ansible_"
OMIT = "__omit_place_holder__"
"""What the name ``omit`` stands for: an argument of this value is left out."""
UNSAFE = "__ansible_unsafe"
"""The one key of a mapping that stands for text which is never rendered."""
Values = Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class Memory:
    """What a host knows from one play to the next: results and set facts, variables, facts."""

    known: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] | None = None
    told: dict[str, Any] = field(default_factory=dict)
    """Facts that modules reported or tasks set before any were gathered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What an include hands to its tasks: the items of its loop, and its variables."""

    items: Values
    variables: Values


class Everything(Mapping[str, Any]):
    """All variables by name, as ``vars`` and ``hostvars[host]`` give them."""

    def __init__(self, scope: "Scope") -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        value = self._scope.find(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope.names())

    def __len__(self) -> int:
        return len(self._scope.names())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._scope.find(name) is not MISSING


class Scope:
    """Looks names up, renders values, and decides conditions.

    ``inventory`` are the host's own variables, ``written`` the play's, ``files`` those of its
    ``vars_files``; ``defaults`` and ``exported`` those of the play's roles.
    """

    def __init__(
        self,
        *,
        written: Values,
        extra: Values,
        magic: Values,
        facts: Callable[[], Values],
        include: Callable[[str], str | None] = lambda _: None,
        **more: Any,
    ) -> None:
        self.memory: Memory = more.get("memory") or Memory()
        self._extra = extra
        self._magic = dict(magic) if not isinstance(magic, dict) else magic
        self._written = written
        self._inventory: Values = more.get("inventory", {})
        self._files: dict[str, Any] = {}
        self._defaults: Values = more.get("defaults", {})
        self._exported: Values = more.get("exported", {})
        self._lookup: Any = more.get("lookups")
        self._gather = facts
        self._include = include
        self._local: dict[str, Any] = {}
        self._frames: list[Frame] = []
        self._task: Sequence[Values] = ()
        self._role: Values = {}
        self._role_magic: Values = {}
        self._rendered: dict[str, Any] = {}
        self._active: list[str] = []
        self._engine: Engine | None = None

    @property
    def magic(self) -> dict[str, Any]:
        """The names that the run itself defines; the inventory's may change while it runs."""
        self._rendered.clear()
        return self._magic

    def of_host(self) -> "Scope":
        """What belongs to the host whatever play runs: ``hostvars`` knows nothing else of it."""
        return Scope(
            written={},
            extra=self._extra,
            magic=self._magic,
            facts=self._gather,
            include=self._include,
            inventory=self._inventory,
            memory=self.memory,
            lookups=self._lookup,
        )

    def enter_task(self, *layers: Values, role: Values | None = None) -> None:
        """Use a task's own variables, innermost last, from here on; forget the last item."""
        self._task = layers[::-1]
        self._role = role or {}
        self._role_magic = _role_magic(role) if role else {}
        self._local = {}
        self._rendered.clear()

    def enter_item(self, name: str, value: Any, **more: Any) -> None:
        """Use the item of a loop."""
        self._local = {name: value, **more}
        self._rendered.clear()

    def frame(self, variables: Values) -> Frame:
        """What an include hands to its tasks now."""
        return Frame(items=dict(self._local), variables=variables)

    @contextlib.contextmanager
    def within(self, frame: Frame) -> Iterator[None]:
        """As inside an include that has ended."""
        self._frames.append(frame)
        self._rendered.clear()
        try:
            yield
        finally:
            self.leave_include()

    def enter_include(self, variables: Values) -> None:
        """Hand the current item and these variables to the tasks of an include."""
        self._frames.append(self.frame(variables))
        self._rendered.clear()

    def leave_include(self) -> None:
        """The include's tasks are done."""
        self._frames.pop()
        self._rendered.clear()

    def set_local(self, name: str, value: Any) -> None:
        """Add a name that lasts as long as the item."""
        self._local[name] = value
        self._rendered.clear()

    def use_file(self, variables: Values) -> None:
        """Add the variables of one of the play's ``vars_files``."""
        self._files.update(variables)
        self._rendered.clear()

    def learn(self, name: str, value: Any) -> None:
        """Keep a registered result or a fact that a task set."""
        self.memory.known[name] = value
        self._rendered.clear()

    def learn_included(self, variables: Values) -> None:
        """Keep what ``include_vars`` read."""
        self.memory.included.update(variables)
        self._rendered.clear()

    def learn_facts(self, facts: Values) -> None:
        """Add facts that a module reported."""
        if facts:
            self.memory.told.update(facts)
            if self.memory.facts is not None:
                self.memory.facts.update(facts)
            self._rendered.clear()

    def forget_facts(self) -> None:
        """Forget all facts, cached ones too."""
        self.memory.facts = {}
        self.memory.told.clear()
        self._rendered.clear()

    def facts(self) -> dict[str, Any]:
        """The host's facts, gathered at the first call."""
        if self.memory.facts is None:
            self.memory.facts = {**self._gather(), **self.memory.told}
        return self.memory.facts

    def lookup(self, name: str) -> Any:
        """The value of a name, rendered; Jinja2's ``missing`` where nothing defines it."""
        value = self.find(name)
        if value is not MISSING:
            return value
        from toolkit.playbook.templating import UNKNOWN  # noqa: PLC0415 - 40 ms

        return UNKNOWN

    def find(self, name: str) -> Any:
        """The value of a name, rendered; ``MISSING`` where nothing defines it."""
        for layer, is_written in self._strong():
            if name in layer:
                value = layer[name]
                return self._render_once(name, value) if is_written else value
        return Everything(self) if name == "vars" else self._weak(name)

    def _strong(self) -> Iterator[tuple[Values, bool]]:
        """What is stronger than facts, the strongest first, and whether people wrote it."""
        yield self._local, False
        yield self._role_magic, False
        yield self._magic, False
        yield self._extra, True
        for frame in reversed(self._frames):
            yield frame.variables, True
            yield frame.items, False
        yield self._role.get("params", {}), True
        yield self.memory.known, False
        yield self.memory.included, True
        for layer in self._task:
            yield layer, True
        yield self._role.get("vars", {}), True
        yield self._exported, True
        yield self._files, True
        yield self._written, True

    def _weak(self, name: str) -> Any:
        """Facts, the inventory's variables, the defaults of roles."""
        if name == "ansible_facts":
            return {key.removeprefix(FACT_PREFIX): value for key, value in self.facts().items()}
        if name in self.memory.told:
            return self.memory.told[name]
        gathered = self.memory.facts
        if gathered is not None and name in gathered:
            return gathered[name]
        for layer in (self._inventory, self._role.get("defaults", {}), self._defaults):
            if name in layer:
                return self._render_once(name, layer[name])
        if gathered is None and name.startswith((FACT_PREFIX, "dockyard_")):
            return self.facts().get(name, MISSING)
        return MISSING

    def names(self) -> list[str]:
        """Every name that is defined, facts only where they are gathered already."""
        layers: list[Values] = [self._defaults, self._role.get("defaults", {}), self._inventory]
        layers += [self.memory.facts or {}, self.memory.told, self._written, self._files]
        layers += [self._exported, self._role.get("vars", {}), *self._task, self.memory.included]
        layers += [self.memory.known, self._role.get("params", {})]
        layers += [each for frame in self._frames for each in (frame.items, frame.variables)]
        layers += [self._extra, self._magic, self._role_magic, self._local]
        return list(dict.fromkeys(name for layer in layers for name in layer))

    def _render_once(self, name: str, raw: Any) -> Any:
        if name in self._rendered:
            return self._rendered[name]
        if name in self._active:
            chain = " -> ".join((*self._active, name))
            raise InvalidInputError(f"a variable that is defined by itself: {chain}")
        self._active.append(name)
        try:
            value = self._render_or_undefined(name, raw)
        finally:
            self._active.pop()
        self._rendered[name] = value
        return value

    def _render_or_undefined(self, name: str, raw: Any) -> Any:
        """A variable that needs an undefined one is itself undefined, as ``default`` expects."""
        if not _holds_expression(raw):
            return raw
        from toolkit.playbook.templating import UndefinedNameError  # noqa: PLC0415 - 40 ms

        try:
            return self.render(raw)
        except UndefinedNameError as error:
            return self.engine.undefined(name, error.message)

    @property
    def engine(self) -> "Engine":
        """Jinja2, imported when the first expression needs it."""
        if self._engine is None:
            from toolkit.playbook.templating import Engine  # noqa: PLC0415 - 40 ms

            self._engine = Engine(self.lookup, self._include, self._lookup)
        return self._engine

    def render(self, value: Any) -> Any:
        """Plain data with every expression in it replaced by its value.

        Raises ``InvalidInputError`` that names the expression.
        """
        if isinstance(value, str):
            return self._render_text(value) if _is_expression(value) else value
        if isinstance(value, Mapping):
            if UNSAFE in value and len(value) == 1:
                return value[UNSAFE]
            return {self._key(key): self.render(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(inner) for inner in value]
        return value

    def _key(self, key: Any) -> Any:
        return self._render_text(key) if isinstance(key, str) and _is_expression(key) else key

    def _render_text(self, text: str) -> Any:
        lone = _LONE_NAME.fullmatch(text)
        if lone and lone[1] not in _CONSTANTS:
            value = self.find(lone[1])
            if type(value) in (str, int, float, bool, list, dict, type(None)):
                return value
        return self.engine.value(text)

    def holds(self, conditions: tuple[str | bool, ...]) -> str | bool | None:
        """The first condition that is false, or ``None`` where all hold.

        As in Ansible, a condition must be true or false: text and numbers are refused.
        """
        for condition in conditions:
            if not self._truth(condition):
                return condition
        return None

    def _truth(self, condition: str | bool) -> bool:
        value = condition
        if isinstance(condition, str):
            if _is_expression(condition):
                value = self.render(condition)
                value = self.engine.condition(value) if isinstance(value, str) else value
            else:
                value = self.engine.condition(condition)
        if isinstance(value, bool):
            return value
        raise InvalidInputError(
            f"the condition '{condition}' is neither true nor false, but {value!r}",
            hint="compare it, or use '| bool' or '| length > 0'",
        )


def _is_expression(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def _holds_expression(value: Any) -> bool:
    if isinstance(value, str):
        return _is_expression(value)
    if isinstance(value, Mapping):
        return UNSAFE in value or any(map(_holds_expression, (*value.values(), *value)))
    if isinstance(value, list | tuple):
        return any(_holds_expression(inner) for inner in value)
    return False


def _role_magic(role: Values) -> dict[str, Any]:
    """What a task of a role sees of its role."""
    return {
        "role_name": role["name"],
        "role_path": role["path"],
        "ansible_role_name": role["name"],
        "ansible_parent_role_names": list(role.get("parents", ())),
    }
