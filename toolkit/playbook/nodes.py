"""YAML with the place of every key and value, so that a fault can name its line.

Values follow YAML 1.1 as Ansible reads it: ``yes no on off`` are booleans and ``0644`` is octal.
A key that a mapping holds twice is a fault: the second would silently win.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from toolkit.core.errors import InvalidInputError
from toolkit.core.secret import Decrypt, Secret, no_password
from toolkit.playbook.faults import Faults, Place
from toolkit.playbook.scope import UNSAFE

Scalar: TypeAlias = str | int | float | bool | None
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_YAML + name for name in ("str", "int", "float", "bool", "null"))
_TEXT_TAGS = frozenset(_YAML + name for name in ("timestamp", "value"))
_VAULT_TAGS = frozenset({"!vault", "!vault-encrypted"})
_UNSAFE = "!unsafe"
_MERGE = _YAML + "merge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: "Node"
    value: "Node"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A value and where it stands: a scalar, a list of nodes, or a mapping of entries.

    ``written`` is a scalar as it stands in the file: YAML reads ``0644`` as the number 420.
    """

    place: Place
    value: Scalar | tuple["Node", ...] | dict[str, Entry]
    written: str = ""

    @property
    def entries(self) -> dict[str, Entry] | None:
        """The entries of a mapping; ``None`` for anything else."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> tuple["Node", ...] | None:
        """The nodes of a list; ``None`` for anything else."""
        return self.value if isinstance(self.value, tuple) else None

    def get(self, key: str) -> "Node | None":
        """The value of a mapping's key, or ``None``."""
        entry = (self.entries or {}).get(key)
        return entry.value if entry else None

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: entry.value.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, but for what stands below ``!unsafe``."""
        yield self
        if UNSAFE in (self.entries or {}):
            return  # its braces mean nothing
        below = self.items or [entry.value for entry in (self.entries or {}).values()]
        for node in below:
            yield from node.walk()


def kind_of(value: object) -> str:
    """What a person calls a value of this type: ``a mapping``, ``text`` and so on."""
    names = {dict: "a mapping", list: "a list", tuple: "a list", str: "text", bool: "true or false"}
    numbers = {int: "a whole number", float: "a number", type(None): "nothing"}
    return {**names, **numbers}.get(type(value), type(value).__name__)


def parse(
    text: str,
    file: str,
    faults: Faults,
    *,
    decrypt: Decrypt = no_password,
    hidden: bool = False,
) -> Node | None:
    """The one document of ``text``; faults go to ``faults``, and a broken file yields ``None``.

    ``decrypt`` opens what is tagged ``!vault``; ``hidden`` makes every text of it a secret.
    """
    try:
        root = yaml.compose(str(text), Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(file, mark) if mark else Place(file=file)
        faults.add(place, f"not YAML: {error.problem or error.context}", _yaml_hint(text, place))
        return None
    except yaml.YAMLError as error:
        faults.add(Place(file=file), f"not YAML: {error}")
        return None
    if root is None:
        return Node(place=Place(file=file), value=None)
    return _Reader(file, faults, decrypt, hidden=hidden).read(root)


def _yaml_hint(text: str, place: Place) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line:
        return "YAML is indented with spaces, never with tabs"
    if ": {{" in line or "- {{" in line:
        return "a value that starts with {{ needs quotes"
    return ""


def _place(file: str, mark: Any) -> Place:
    return Place(file=file, line=mark.line + 1, column=mark.column + 1)


class _Reader:
    """Turns PyYAML's nodes into ours."""

    def __init__(self, file: str, faults: Faults, decrypt: Decrypt, *, hidden: bool) -> None:
        self._decrypt = decrypt
        self._hidden = hidden
        self._file = file
        self._faults = faults
        self._open: set[int] = set()
        self._scalars = yaml.SafeLoader("")

    def read(self, node: yaml.Node) -> Node:
        place = _place(self._file, node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            if node.tag == _UNSAFE:
                return self._unsafe(node, place)
            value = self._scalar(node, place)
            if self._hidden and isinstance(value, str):
                value = Secret(value)
            return Node(place=place, value=value, written=str(node.value))
        if id(node) in self._open:
            self._faults.add(place, "an alias that contains itself")
            return Node(place=place, value=None)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return Node(place=place, value=self._mapping(node))
            assert isinstance(node, yaml.SequenceNode)
            return Node(place=place, value=tuple(self.read(item) for item in node.value))
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Scalar:
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        if node.tag in _PLAIN_TAGS:
            try:
                value: Scalar = self._scalars.construct_object(node)
            except (yaml.YAMLError, ValueError) as error:
                self._faults.add(place, f"not a value of its type: {error}")
                return None
            return value
        if node.tag in _VAULT_TAGS:
            return self._opened(str(node.value), place)
        self._faults.add(place, f"the YAML tag '{node.tag}' is not supported")
        return None

    def _opened(self, text: str, place: Place) -> Scalar:
        try:
            return Secret(self._decrypt(text.strip().encode(), str(place)).decode())
        except InvalidInputError as error:
            said = error.message.removeprefix(f"{place}: ")
            self._faults.add(place, said, error.hint)
        except UnicodeDecodeError:
            self._faults.add(place, "what is encrypted here is no text")
        return None

    def _unsafe(self, node: yaml.ScalarNode, place: Place) -> Node:
        """Text in which braces mean nothing."""
        key = Node(place=place, value=UNSAFE, written=UNSAFE)
        value = Node(place=place, value=str(node.value), written="")
        return Node(place=place, value={UNSAFE: Entry(key=key, value=value)})

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merge(value_node), **merged}
                continue
            key = self.read(key_node)
            name = self._key(key)
            if name in entries:
                first = entries[name].key.place.line
                self._faults.add(key.place, f"'{name}' stands here twice (first in line {first})")
                continue
            entries[name] = Entry(key=key, value=self.read(value_node))
        return {**merged, **entries}

    def _key(self, key: Node) -> str:
        if isinstance(key.value, str):
            return key.value
        if isinstance(key.value, dict | tuple):
            self._faults.add(key.place, "a key must be text", "quote a key that starts with {{")
        return str(key.plain())

    def _merge(self, node: yaml.Node) -> dict[str, Entry]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Entry] = {}
        for source in reversed(sources):
            merged.update(self.read(source).entries or {})
        return merged
