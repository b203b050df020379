"""The items of a loop, and how ``loop_control`` names, shows and spaces them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.scope import Scope


def label(item: Any) -> str:
    """An item as it is told."""
    return item if isinstance(item, str) else repr(item)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """The rendered items, and the keys of ``loop_control``."""

    values: list[Any]
    control: Mapping[str, Any]

    @classmethod
    def of(cls, task: Mapping[str, Any], scope: Scope) -> "Loop":
        """The loop of a task that has one; ``InvalidInputError`` where its value is no list."""
        control = task.get("loop_control", {})
        if "with" in task:
            name, value = task["with"]
            return cls(values=scope.engine.loop_items(name, scope.render(value)), control=control)
        items = scope.render(task["loop"])
        if not isinstance(items, list | tuple):
            raise InvalidInputError(
                f"a loop goes over a list, not over {items!r}",
                hint="use '| list' or '| dict2items'",
            )
        return cls(values=list(items), control=control)

    @property
    def variable(self) -> str:
        """The name of the item."""
        return str(self.control.get("loop_var", "item"))

    def enter(self, scope: Scope, number: int) -> dict[str, Any]:
        """Make one item the current one; the names that its result carries."""
        item = self.values[number]
        names: dict[str, Any] = {self.variable: item, "ansible_loop_var": self.variable}
        index = self.control.get("index_var")
        if index:
            names |= {index: number, "ansible_index_var": index}
        if self.control.get("extended"):
            names["ansible_loop"] = self._extended(number)
        scope.enter_item(
            self.variable, item, **{k: v for k, v in names.items() if k != self.variable}
        )
        return names

    def _extended(self, number: int) -> dict[str, Any]:
        last = len(self.values) - 1
        found: dict[str, Any] = {
            "index": number + 1,
            "index0": number,
            "first": number == 0,
            "last": number == last,
            "length": len(self.values),
            "revindex": last - number + 1,
            "revindex0": last - number,
        }
        if self.control.get("extended_allitems", True):
            found["allitems"] = self.values
        if number:
            found["previtem"] = self.values[number - 1]
        if number < last:
            found["nextitem"] = self.values[number + 1]
        return found

    def label(self, scope: Scope, item: Any) -> str:
        """How the item is told; an expression that cannot be rendered is told as written."""
        wish = self.control.get("label")
        if wish is None:
            return label(item)
        try:
            return label(scope.render(wish))
        except InvalidInputError:
            return str(wish)

    def pause(self, scope: Scope) -> float:
        """Seconds between two items."""
        return float(scope.render(self.control.get("pause", 0)) or 0)
