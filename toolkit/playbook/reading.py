"""Readers of keywords: a node in, a value of the right type out, faults on the way."""

import re
from collections.abc import Mapping
from typing import Any

from toolkit.core.suggest import did_you_mean
from toolkit.playbook.faults import Faults
from toolkit.playbook.nodes import Node, kind_of
from toolkit.playbook.templating import Engine, is_expression

_NAME = re.compile(r"[A-Za-z_]\w*")
_JINJA_WORDS = frozenset({"true", "false", "none", "and", "or", "not", "in", "is", "if", "else"})


class Reader:
    """Reads the values of keywords and collects what is wrong with them."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.engine = Engine()

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Text, or a number as it was written."""
        if node is None:
            return default
        if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
            self.expressions(node)
            return str(node.value)
        self._expected("text", what, node)
        return default

    def boolean(self, node: Node | None, what: str, default: bool | None) -> bool | None:
        """True or false."""
        if node is None:
            return default
        if isinstance(node.value, bool):
            return node.value
        if isinstance(node.value, str) and is_expression(node.value):
            self.faults.add(node.place, f"'{what}' cannot be an expression yet")
        else:
            self._expected("true or false", what, node)
        return default

    def boolean_or_expression(self, node: Node | None, what: str) -> bool | str:
        """True, false, or an expression that the host decides."""
        if node is not None and isinstance(node.value, str) and is_expression(node.value):
            self.expressions(node)
            return node.value
        return bool(self.boolean(node, what, default=False))

    def words(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts, or one text with commas, as ``tags`` takes them."""
        if node is None:
            return ()
        if isinstance(node.value, str):
            return tuple(word.strip() for word in node.value.split(",") if word.strip())
        return self._texts(node, what)

    def names(self, node: Node | None, what: str) -> tuple[str, ...]:
        """One text or a list of them; a comma is part of the text."""
        if node is None:
            return ()
        if isinstance(node.value, str):
            return (node.value,)
        return self._texts(node, what)

    def _texts(self, node: Node, what: str) -> tuple[str, ...]:
        if node.items is None:
            self._expected("text or a list of texts", what, node)
            return ()
        found = []
        for item in node.items:
            if isinstance(item.value, str | int) and not isinstance(item.value, bool):
                found.append(str(item.value))
            else:
                self._expected("text", what, item)
        return tuple(found)

    def conditions(self, node: Node | None, what: str) -> tuple[str | bool, ...]:
        """One bare expression or a list of them; all must hold."""
        if node is None:
            return ()
        found: list[str | bool] = []
        for item in node.items if node.items is not None else (node,):
            if isinstance(item.value, bool):
                found.append(item.value)
            elif isinstance(item.value, str):
                found.append(self._condition(item, item.value, what))
            else:
                self._expected("an expression", what, item)
        return tuple(found)

    def _condition(self, node: Node, text: str, what: str) -> str:
        if text.strip().startswith("{{"):
            self.faults.add(node.place, f"'{what}' takes an expression without {{{{ }}}}")
        else:
            self._tell(node, *self.engine.fault(text, bare=True))
        return text

    def variables(self, node: Node | None, what: str) -> Mapping[str, Any]:
        """A mapping of variables, whose names Jinja2 can read."""
        if node is None or node.value is None:
            return {}
        if node.entries is None:
            self._expected("a mapping", what, node)
            return {}
        for name, entry in node.entries.items():
            if not _NAME.fullmatch(name) or name in _JINJA_WORDS:
                self.faults.add(
                    entry.key.place,
                    f"'{name}' is no name of a variable",
                    "letters, digits and _, not beginning with a digit",
                )
        self.expressions(node)
        plain: dict[str, Any] = node.plain()
        return plain

    def variable_name(self, node: Node | None, what: str) -> str:
        """The name of one variable."""
        name = self.text(node, what)
        if node is not None and name and not _NAME.fullmatch(name):
            self.faults.add(node.place, f"'{what}': '{name}' is no name of a variable")
        return name

    def expressions(self, node: Node) -> None:
        """Check the syntax and the filters of every expression in and below a node."""
        for inner in node.walk():
            if isinstance(inner.value, str) and is_expression(inner.value):
                self._tell(inner, *self.engine.fault(inner.value))

    def unknown_key(
        self, key: Node, kind: str, known: frozenset[str], later: frozenset[str]
    ) -> None:
        """Say that a keyword is unknown, or known to Ansible and not supported yet."""
        name = str(key.value)
        if name in later or name.startswith("with_"):
            hint = "use 'loop'" if name.startswith("with_") else ""
            self.faults.add(key.place, f"the {kind} keyword '{name}' is not supported yet", hint)
        else:
            self.faults.add(
                key.place, f"unknown {kind} keyword '{name}'", did_you_mean(name, known)
            )

    def _tell(self, node: Node, line: int, message: str, hint: str) -> None:
        if line:
            self.faults.add(node.place, message, hint)

    def _expected(self, wanted: str, what: str, node: Node) -> None:
        self.faults.add(node.place, f"'{what}': expected {wanted}, not {kind_of(node.value)}")
