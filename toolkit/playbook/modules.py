"""A task's module: its name, its arguments in every form, their check, the files they need."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolkit.core.suggest import did_you_mean
from toolkit.playbook import actions, freeform, shipped
from toolkit.playbook.context import Context
from toolkit.playbook.nodes import Entry, Node, kind_of
from toolkit.playbook.opening import matching
from toolkit.playbook.scope import UNSAFE
from toolkit.playbook.templating import strings
from toolkit.tasks import registry

if TYPE_CHECKING:
    from toolkit.playbook.loader import Loading


def holds_expression(value: object) -> bool:
    """Whether a value can only be known once it is rendered."""
    return is_unsafe(value) or next(strings(value), None) is not None


def is_unsafe(value: object) -> bool:
    """Whether a value is a text that is never rendered; the loader knows no more of it."""
    return isinstance(value, Mapping) and UNSAFE in value


def canonical(name: str) -> str:
    """The module's name without its collection, or without an older spelling."""
    return registry.canonical(name)


def is_known(name: str) -> bool:
    """Whether there is such a module, with or without its collection."""
    short = canonical(name)
    return short in actions.names() or short in registry.names()


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module as a task names it; ``key`` is how it was spelled, ``node`` its arguments."""

    name: str
    key: str
    entry: Entry
    node: Node
    local: bool = False


class ModuleLoader:
    """Reads and checks the arguments of modules."""

    def __init__(self, loading: "Loading") -> None:
        self._loading = loading
        self._faults = loading.faults
        self._read = loading.read

    def unknown(self, key: Node, name: str) -> None:
        """Say that there is no such module."""
        known = sorted((*registry.names(), *actions.names()))
        hint = did_you_mean(canonical(name), known) or "'dockyard doc' lists all"
        self._faults.add(key.place, f"unknown module '{name}'", hint)

    def written(self, key: str, entry: Entry, more: Node | None) -> Module | None:
        """The module that a key names, with its arguments and those of ``args`` below them."""
        if key in ("action", "local_action"):
            return self._by_action(key, entry, more)
        node = self._mapping(canonical(key), entry.value)
        if node is None:
            return None
        if more is not None and more.entries is not None:
            node = Node(place=node.place, value={**more.entries, **(node.entries or {})})
        elif more is not None and not holds_expression(more.plain()):
            self._faults.add(more.place, f"'args': expected a mapping, not {kind_of(more.value)}")
        return Module(name=canonical(key), key=key, entry=entry, node=node)

    def _by_action(self, key: str, entry: Entry, more: Node | None) -> Module | None:
        """``action: copy src=a dest=b``, or a mapping with the module under ``module``."""
        node = entry.value
        if node.entries is not None:
            name_node = node.get("module")
            rest = {name: each for name, each in node.entries.items() if name != "module"}
            name = str(name_node.value) if name_node else ""
            arguments = Node(place=node.place, value=rest)
        else:
            name, _, text = str(node.value or "").partition(" ")
            arguments = Node(place=node.place, value=text.strip() or None)
        if not is_known(name):
            self.unknown(node, name)
            return None
        made = self.written(name, Entry(key=entry.key, value=arguments), more)
        return made and replace(made, key=key, local=key == "local_action")

    def _mapping(self, module: str, node: Node) -> Node | None:
        if node.value is None:
            return Node(place=node.place, value={})
        if node.entries is not None:
            return node
        if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
            pairs = freeform.parse(module, str(node.value))
            if pairs is not None:
                return _as_node(pairs, node)
        self._faults.add(
            node.place,
            f"'{module}' takes a mapping of arguments, not {kind_of(node.value)}",
            "write each argument as 'name: value' on a line of its own",
        )
        return None

    def with_defaults(self, module: Module, context: Context) -> Module:
        """The module with the arguments that ``module_defaults`` give it."""
        defaults = context.defaults.get(module.name)
        if not defaults:
            return module
        below = _as_node(defaults, module.node)
        both = {**(below.entries or {}), **(module.node.entries or {})}
        return replace(module, node=Node(place=module.node.place, value=both))

    def checked(self, module: Module) -> dict[str, Any]:
        """The plain arguments; everything wrong with them is a fault."""
        self._read.expressions(module.node)
        self._check(module)
        plain: dict[str, Any] = module.node.plain()
        return plain

    def _check(self, module: Module) -> None:
        entries = module.node.entries or {}
        kind = actions.ACTIONS.get(module.name) or registry.load(module.name)
        found = registry.faults_of(
            kind, _with_modes(module.name, module.node), template=holds_expression
        )
        misspelt = {fault.hint for fault in found if fault.message == "unknown key"}
        for fault in found:
            if f"did you mean '{fault.key}'?" in misspelt:
                continue  # it is missing only because its name is misspelt
            if fault.key not in entries:
                subject = f"'{fault.key}' " if fault.key else ""
                said = f"{module.name}: {subject}{fault.message}"
                self._faults.add(module.entry.key.place, said, fault.hint)
                continue
            entry = entries[fault.key]
            place = entry.key.place if fault.message == "unknown key" else entry.value.place
            self._faults.add(place, f"{module.name}: '{fault.key}': {fault.message}", fault.hint)
        self._check_own(module, entries)

    def _check_own(self, module: Module, entries: Mapping[str, Entry]) -> None:
        """What only some actions ask: conditions are expressions, ``meta`` has its words."""
        if module.name == "assert" and "that" in entries:
            self._read.conditions(entries["that"].value, "that")
        if module.name == "debug" and "var" in entries:
            node = entries["var"].value
            if isinstance(node.value, str):
                self._read.bare(node)
        if module.name == "meta":
            for entry in entries.values():
                word = str(entry.value.value)
                if word not in actions.META and not holds_expression(word):
                    hint = did_you_mean(word, actions.META)
                    self._faults.add(entry.value.place, f"meta: unknown action '{word}'", hint)

    def ships(self, module: Module, context: Context) -> dict[str, dict[str, str]]:
        """The files that the task needs from here; those that are missing are faults."""
        found: dict[str, dict[str, str]] = {}
        self._source(module, context, found)
        return {folder: names for folder, names in found.items() if names}

    def _source(self, module: Module, context: Context, found: dict[str, dict[str, str]]) -> None:
        remote = module.node.get("remote_src")
        folder = shipped.folder_of(module.name, remote=bool(remote and remote.plain() is True))
        source = module.node.get(shipped.key_of(module.name, module.node.entries or {}))
        if not folder or source is None or not isinstance(source.value, str):
            return
        names = found.setdefault(folder, {})
        name = shipped.file_of(module.name, source.value)
        if holds_expression(name):
            folders = _places(context, folder)
            names.update(matching(folders, name, context.known))
            paths = set(names.values())
        else:
            path = shipped.find(context.folders, folder, name)
            if path is None:
                self._missing(source, name, folder, context)
                return
            names[name] = path
            paths = {path}
        if folder == "templates":
            for path in paths:
                self._template(source, path, names, context)

    def _missing(self, node: Node, name: str, folder: str, context: Context) -> None:
        tried = shipped.candidates(context.folders, folder, name)
        if any(os.path.isdir(path) for path in tried):
            self._faults.add(node.place, f"'{name}' is a directory", "name the files one by one")
            return
        there = [known for known, _ in shipped.everything(context.folders, folder)]
        hint = did_you_mean(name, there) or f"looked for {' and '.join(tried)}"
        self._faults.add(node.place, f"there is no file '{name}'", hint)

    def _template(self, node: Node, path: str, found: dict[str, str], context: Context) -> None:
        """Check a template's own text, and add what it includes."""
        text = self._loading.open.text(path)
        if text is None:
            return
        line, message, hint = self._read.engine.fault(text, file=True)
        if line:
            self._faults.add(type(node.place)(file=path, line=line), message, hint)
            return
        for name in self._read.engine.included(text):
            inner = shipped.find((os.path.dirname(path), *context.folders), "templates", name)
            if inner is None:
                self._missing(node, name, "templates", context)
            elif name not in found:
                found[name] = inner
                self._template(node, inner, found, context)


def _places(context: Context, folder: str) -> Iterable[str]:
    for where in context.folders:
        yield os.path.join(where, folder)
        yield where


def _as_node(plain: Mapping[str, Any], at: Node) -> Node:
    """A mapping of plain values as nodes that all stand at one place."""
    entries = {
        name: Entry(
            key=Node(place=at.place, value=name, written=name),
            value=_value_node(value, at),
        )
        for name, value in plain.items()
    }
    return Node(place=at.place, value=entries)


def _value_node(value: Any, at: Node) -> Node:
    if isinstance(value, Mapping):
        return _as_node(value, at)
    if isinstance(value, list | tuple):
        return Node(place=at.place, value=tuple(_value_node(each, at) for each in value))
    return Node(place=at.place, value=value, written=str(value))


def _with_modes(module: str, node: Node) -> dict[str, Any]:
    """The arguments to check; ``mode: 0644`` is octal and fine, ``mode: 644`` is a mistake."""
    plain: dict[str, Any] = node.plain()
    taken = shipped.as_taken(module, plain)
    for name in shipped.MODES.intersection(plain):
        value = node.get(name)
        if value is not None and not value.written.startswith("0"):
            taken[name] = plain[name]
    return taken
