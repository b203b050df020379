"""Readers of keywords: a node in, a value of the right type out, faults on the way."""

import re
from collections.abc import Mapping
from typing import Any

from toolkit.core.suggest import did_you_mean
from toolkit.playbook import keywords
from toolkit.playbook.faults import Faults
from toolkit.playbook.nodes import Node, kind_of
from toolkit.playbook.templating import Engine, is_expression

_NAME = re.compile(r"[A-Za-z_]\w*")
_WHOLE = re.compile(r"\{\{(.*)\}\}", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_LOOP_CONTROL = {
    "loop_var": "variable_name",
    "index_var": "variable_name",
    "extended_allitems": "flag",
    "extended": "flag",
    "label": "anything",
    "pause": "number",
    "break_when": "conditions",
}
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
        if isinstance(node.value, str) and node.value.lower() in _WORDS:
            return _WORDS[node.value.lower()]
        if isinstance(node.value, str) and is_expression(node.value):
            self.faults.add(node.place, f"'{what}' cannot be an expression")
        else:
            self._expected("true or false", what, node)
        return default

    def flag(self, node: Node, what: str) -> bool | str | None:
        """True, false, or an expression that the host decides."""
        if isinstance(node.value, str) and is_expression(node.value):
            self.expressions(node)
            return node.value
        return self.boolean(node, what, default=None)

    def integer(self, node: Node, what: str) -> int | str | None:
        """A whole number, or an expression that the host renders to one."""
        value = self.number(node, what)
        if isinstance(value, float):
            self._expected("a whole number", what, node)
            return None
        return value

    def number(self, node: Node, what: str) -> int | float | str | None:
        """A number, or an expression that the host renders to one."""
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.value
        if isinstance(node.value, str):
            if is_expression(node.value):
                self.expressions(node)
                return node.value
            if _NUMBER.fullmatch(node.value):
                return float(node.value) if "." in node.value else int(node.value)
        self._expected("a number", what, node)
        return None

    def anything(self, node: Node, what: str) -> Any:
        """A value as it is, its expressions checked."""
        del what
        self.expressions(node)
        return node.plain()

    def sudo(self, node: Node, what: str) -> str:
        """``sudo``: the only way to become another user."""
        method = self.text(node, what)
        if method != "sudo":
            self.faults.add(node.place, f"'{what}': '{method}' is not supported", "use sudo")
        return method

    def environment(self, node: Node, what: str) -> list[Any]:
        """Mappings or expressions that give mappings; later ones win."""
        found = []
        for item in node.items if node.items is not None else (node,):
            is_text = isinstance(item.value, str) and is_expression(item.value)
            if item.entries is None and not is_text:
                self._expected("a mapping", what, item)
                continue
            self.expressions(item)
            found.append(item.plain())
        return found

    def serial(self, node: Node, what: str) -> list[int | str]:
        """How many hosts at a time: a number, ``30%``, or a list of them."""
        found: list[int | str] = []
        for item in node.items if node.items is not None else (node,):
            text = str(item.value)
            if isinstance(item.value, str) and is_expression(text):
                self.expressions(item)
                found.append(text)
            elif re.fullmatch(r"\d+%?", text) and not isinstance(item.value, bool):
                found.append(int(text) if text.isdigit() else text)
            else:
                self._expected("a number of hosts or a percentage", what, item)
        return found

    def verdict(self, node: Node, what: str) -> tuple[str | bool, ...]:
        """As ``conditions``."""
        return self.conditions(node, what)

    def loop_control(self, node: Node, what: str) -> dict[str, Any]:
        """How a loop names its item, shows it and waits."""
        found: dict[str, Any] = {}
        if node.entries is None:
            self._expected("a mapping", what, node)
        for key, entry in (node.entries or {}).items():
            reader = _LOOP_CONTROL.get(key)
            if reader is None:
                hint = did_you_mean(key, _LOOP_CONTROL)
                self.faults.add(entry.key.place, f"'{what}': unknown key '{key}'", hint)
            else:
                found[key] = getattr(self, reader)(entry.value, key)
        return found

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
        del what
        whole = _WHOLE.fullmatch(text.strip())
        if whole and "}}" not in whole[1]:
            text = whole[1].strip()  # as Ansible: a condition may stand in braces
        if is_expression(text):
            self._tell(node, *self.engine.fault(text))
        else:
            self._tell(node, *self.engine.fault(text, bare=True))
        return text

    def bare(self, node: Node) -> None:
        """Check an expression that stands without braces, as the name in ``debug: var=``."""
        if not is_expression(str(node.value)):
            self._tell(node, *self.engine.fault(str(node.value), bare=True))

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

    def unknown_key(self, key: Node, kind: str) -> None:
        """Say that a keyword is unknown, or belongs elsewhere, or is one that we refuse."""
        name = str(key.value)
        what = keywords.KINDS[kind]
        if name in keywords.REFUSED:
            hint = keywords.REFUSED[name]
            self.faults.add(key.place, f"the {what} keyword '{name}' is not supported", hint)
            return
        hint = did_you_mean(name, keywords.known(kind))
        others = [word for letter, word in keywords.KINDS.items() if name in keywords.known(letter)]
        if others and not hint:
            hint = f"it belongs to a {others[0]}"
        self.faults.add(key.place, f"unknown {what} keyword '{name}'", hint)

    def _tell(self, node: Node, line: int, message: str, hint: str) -> None:
        if line:
            self.faults.add(node.place, message, hint)

    def _expected(self, wanted: str, what: str, node: Node) -> None:
        self.faults.add(node.place, f"'{what}': expected {wanted}, not {kind_of(node.value)}")
