"""One task's YAML, checked: its keywords, its module, the module's arguments and files."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.core.errors import NotFoundError
from toolkit.core.suggest import did_you_mean, nearest
from toolkit.playbook import keywords, shipped
from toolkit.playbook.model import Task
from toolkit.playbook.nodes import Entry, Node, kind_of
from toolkit.playbook.reading import Reader
from toolkit.playbook.templating import strings
from toolkit.tasks import registry


def holds_expression(value: object) -> bool:
    """Whether a value can only be known once it is rendered."""
    return next(strings(value), None) is not None


def _with_modes(module: str, node: Node) -> dict[str, Any]:
    """The arguments to check; ``mode: 0644`` is octal and fine, ``mode: 644`` is a mistake."""
    plain: dict[str, Any] = node.plain()
    taken = shipped.as_taken(module, plain)
    for name in shipped.MODES.intersection(plain):
        value = node.get(name)
        if value is not None and not value.written.startswith("0"):
            taken[name] = plain[name]
    return taken


class TaskLoader:
    """Reads tasks of the playbook that lies in the folder ``base``."""

    def __init__(self, reader: Reader, base: str) -> None:
        self._read = reader
        self._faults = reader.faults
        self._base = base

    def tasks(self, node: Node | None, what: str) -> tuple[Task, ...]:
        """A list of tasks or handlers; what is no task is a fault and left out."""
        if node is None or node.value is None:
            return ()
        if node.items is None:
            self._faults.add(node.place, f"'{what}': expected a list, not {kind_of(node.value)}")
            return ()
        found = (self._task(item) for item in node.items)
        return tuple(task for task in found if task is not None)

    def _task(self, node: Node) -> Task | None:
        if node.entries is None:
            self._faults.add(node.place, f"a task is a mapping, not {kind_of(node.value)}")
            return None
        module = self._module(node)
        if module is None:
            return None
        name, arguments = module
        read = self._read
        return Task(
            place=node.place,
            module=name,
            args=arguments.plain() or {},
            name=read.text(node.get("name"), "name"),
            when=read.conditions(node.get("when"), "when"),
            loop=self._loop(node.get("loop")),
            register=read.variable_name(node.get("register"), "register"),
            notify=read.names(node.get("notify"), "notify"),
            tags=read.words(node.get("tags"), "tags"),
            vars=read.variables(node.get("vars"), "vars"),
            changed_when=self._verdict(node, "changed_when"),
            failed_when=self._verdict(node, "failed_when"),
            ignore_errors=read.boolean_or_expression(node.get("ignore_errors"), "ignore_errors"),
            become=read.boolean(node.get("become"), "become", None),
            check_mode=read.boolean(node.get("check_mode"), "check_mode", None),
            no_log=bool(read.boolean(node.get("no_log"), "no_log", default=False)),
            ships=self._ships(name, arguments),
        )

    def _verdict(self, node: Node, keyword: str) -> tuple[str | bool, ...] | None:
        value = node.get(keyword)
        return None if value is None else self._read.conditions(value, keyword)

    def _loop(self, node: Node | None) -> Any:
        if node is None:
            return None
        if node.items is None and not (
            isinstance(node.value, str) and holds_expression(node.value)
        ):
            self._faults.add(
                node.place, f"'loop': expected a list or an expression, not {kind_of(node.value)}"
            )
        self._read.expressions(node)
        return node.plain()

    def _module(self, node: Node) -> tuple[str, Node] | None:
        """The task's module and its arguments, both checked."""
        known = registry.names()
        modules: list[tuple[str, Entry]] = []
        strange: list[Entry] = []
        for key, entry in (node.entries or {}).items():
            short = registry.canonical(key)
            if short in known:
                modules.append((short, entry))
            elif key not in keywords.TASK:
                strange.append(entry)
        self._strange(strange, known, alone=not modules)
        if not modules:
            if not strange:
                self._faults.add(node.place, "a task without a module")
            return None
        for short, entry in modules[1:]:
            first = modules[0][0]
            self._faults.add(entry.key.place, f"a second module, '{short}', beside '{first}'")
        short, entry = modules[0]
        return short, self._arguments(short, entry, node.get("args"))

    def _strange(self, entries: Iterable[Entry], known: tuple[str, ...], *, alone: bool) -> None:
        """Keys that are neither keyword nor module; the module itself may be among them."""
        for entry in entries:
            name = str(entry.key.value)
            later = name in keywords.TASK_LATER or keywords.is_old_loop(name)
            if later or not alone or nearest(name, keywords.TASK):
                self._read.unknown_key(
                    entry.key, "task", keywords.TASK | set(known), keywords.TASK_LATER
                )
            else:
                self._unknown_module(entry.key, name, known)

    def _unknown_module(self, key: Node, name: str, known: tuple[str, ...]) -> None:
        short = registry.canonical(name)
        hint = did_you_mean(short, known) or f"known: {', '.join(known)}"
        if short in keywords.MODULES_LATER:
            self._faults.add(key.place, f"the module '{name}' is not supported yet", hint)
        else:
            self._faults.add(key.place, f"unknown module '{name}'", hint)

    def _arguments(self, module: str, entry: Entry, more: Node | None) -> Node:
        """The module's arguments, with those of ``args`` below them."""
        node = entry.value
        if node.value is None:
            node = Node(place=node.place, value={})
        if node.entries is None:
            self._faults.add(
                node.place,
                f"'{module}' takes a mapping of arguments, not {kind_of(node.value)}",
                "write each argument as 'name: value' on a line of its own",
            )
            return Node(place=node.place, value={})
        if more is not None and more.entries is not None:
            node = Node(place=node.place, value={**more.entries, **node.entries})
        elif more is not None:
            self._faults.add(more.place, f"'args': expected a mapping, not {kind_of(more.value)}")
        self._read.expressions(node)
        self._check(module, node, entry.key)
        return node

    def _check(self, module: str, node: Node, key: Node) -> None:
        entries = node.entries or {}
        try:
            found = registry.faults(module, _with_modes(module, node), template=holds_expression)
        except NotFoundError as error:
            self._faults.add(key.place, error.message, error.hint)
            return
        misspelt = {fault.hint for fault in found if fault.message == "unknown key"}
        for fault in found:
            if f"did you mean '{fault.key}'?" in misspelt:
                continue  # it is missing only because its name is misspelt
            if fault.key not in entries:
                subject = f"'{fault.key}' " if fault.key else ""
                self._faults.add(key.place, f"{module}: {subject}{fault.message}", fault.hint)
                continue
            entry = entries[fault.key]
            place = entry.key.place if fault.message == "unknown key" else entry.value.place
            self._faults.add(place, f"{module}: '{fault.key}': {fault.message}", fault.hint)

    def _ships(self, module: str, arguments: Node) -> Mapping[str, str]:
        """The files that the task needs from here; those that are missing are faults."""
        source = arguments.get("src")
        remote = arguments.get("remote_src")
        folder = shipped.folder_of(module, remote=bool(remote and remote.plain() is True))
        if not folder or source is None or not isinstance(source.value, str):
            return {}
        if holds_expression(source.value):
            return dict(shipped.everything(self._base, folder))
        path = shipped.find(self._base, folder, source.value)
        if path is None:
            self._missing(source, source.value, folder)
            return {}
        found = {source.value: path}
        if module == "template":
            self._template(source, path, found)
        return found

    def _missing(self, node: Node, name: str, folder: str) -> None:
        tried = shipped.candidates(self._base, folder, name)
        there = [known for known, _ in shipped.everything(self._base, folder)]
        if any(os.path.isdir(path) for path in tried):
            self._faults.add(node.place, f"'{name}' is a directory", "name the files one by one")
            return
        hint = did_you_mean(name, there) or f"looked for {' and '.join(tried)}"
        self._faults.add(node.place, f"there is no file '{name}'", hint)

    def _template(self, node: Node, path: str, found: dict[str, str]) -> None:
        """Check a template's own text, and add what it includes."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            self._faults.add(node.place, f"'{path}' cannot be read as a template: {error}")
            return
        line, message, hint = self._read.engine.fault(text, file=True)
        if line:
            self._faults.add(type(node.place)(file=path, line=line), message, hint)
            return
        for name in self._read.engine.included(text):
            inner = shipped.find(self._base, "templates", name)
            if inner is None:
                self._missing(node, name, "templates")
            elif name not in found:
                found[name] = inner
                self._template(node, inner, found)
