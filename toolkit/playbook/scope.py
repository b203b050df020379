"""The variables of one host while a play runs, by Ansible's precedence.

From strongest to weakest: extra variables, the loop's item, registered results and set facts, a
task's ``vars``, what the inventory, the play and its files define (merged by the compiler), magic
names such as ``inventory_hostname``, and the host's facts, which are gathered when the first name
asks for them. Written variables are rendered on use; reported ones never are.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError

if TYPE_CHECKING:
    from toolkit.playbook.templating import Engine

_LONE_NAME = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_MISSING = object()
_CONSTANTS = frozenset({"true", "false", "none", "True", "False", "None"})
FACT_PREFIX = "ansible_"
OMIT = "__omit_place_holder__"
"""What the name ``omit`` stands for: an argument of this value is left out."""


class Scope:
    """Looks names up, renders values, and decides conditions."""

    def __init__(
        self,
        *,
        written: Mapping[str, Any],
        extra: Mapping[str, Any],
        magic: Mapping[str, Any],
        facts: Callable[[], Mapping[str, Any]],
        include: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._extra = extra
        self._local: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        self._task: Mapping[str, Any] = {}
        self._written = written
        self._magic = magic
        self._gather = facts
        self._include = include
        self._facts: dict[str, Any] | None = None
        self._rendered: dict[str, Any] = {}
        self._active: list[str] = []
        self._engine: Engine | None = None

    def enter_task(self, variables: Mapping[str, Any]) -> None:
        """Use a task's own variables from here on, and forget the last item."""
        self._task = variables
        self._local = {}
        self._rendered.clear()

    def enter_item(self, name: str, value: Any) -> None:
        """Use the item of a loop."""
        self._local = {name: value}
        self._rendered.clear()

    def learn(self, name: str, value: Any) -> None:
        """Keep a registered result or a fact that a task set."""
        self._known[name] = value
        self._rendered.clear()

    def learn_facts(self, facts: Mapping[str, Any]) -> None:
        """Add facts that a module reported."""
        if facts:
            self._facts = {**self.facts(), **facts}
            self._rendered.clear()

    def facts(self) -> dict[str, Any]:
        """The host's facts, gathered at the first call."""
        if self._facts is None:
            self._facts = dict(self._gather())
        return self._facts

    def lookup(self, name: str) -> Any:
        """The value of a name, rendered; Jinja2's ``missing`` where nothing defines it."""
        value = self._find(name)
        if value is not _MISSING:
            return value
        from toolkit.playbook.templating import UNKNOWN  # noqa: PLC0415 - 40 ms

        return UNKNOWN

    def _find(self, name: str) -> Any:
        if name in self._extra:
            return self._render_once(name, self._extra[name])
        for reported in (self._local, self._known):
            if name in reported:
                return reported[name]
        for written in (self._task, self._written):
            if name in written:
                return self._render_once(name, written[name])
        if name in self._magic:
            return self._magic[name]
        return self._fact(name)

    def _fact(self, name: str) -> Any:
        if name == "ansible_facts":
            return {key.removeprefix(FACT_PREFIX): value for key, value in self.facts().items()}
        if name.startswith((FACT_PREFIX, "dockyard_")):
            return self.facts().get(name, _MISSING)
        return _MISSING

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

            self._engine = Engine(self.lookup, self._include)
        return self._engine

    def render(self, value: Any) -> Any:
        """Plain data with every expression in it replaced by its value.

        Raises ``InvalidInputError`` that names the expression.
        """
        if isinstance(value, str):
            return self._render_text(value) if _is_expression(value) else value
        if isinstance(value, Mapping):
            return {key: self.render(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(inner) for inner in value]
        return value

    def _render_text(self, text: str) -> Any:
        lone = _LONE_NAME.fullmatch(text)
        if lone and lone[1] not in _CONSTANTS:
            value = self._find(lone[1])
            if type(value) in (str, int, float, bool, list, dict, type(None)):
                return value
        return self.engine.value(text)

    def holds(self, conditions: tuple[str | bool, ...]) -> str | None:
        """The first condition that is false, or ``None`` where all hold.

        As in Ansible, a condition must be true or false: text and numbers are refused.
        """
        for condition in conditions:
            if not self._truth(condition):
                return str(condition)
        return None

    def _truth(self, condition: str | bool) -> bool:
        value = condition
        if isinstance(condition, str):
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
        return any(_holds_expression(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_expression(inner) for inner in value)
    return False
