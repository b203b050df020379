"""A playbook's file, read and checked as a whole: every fault is found before any is told."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.core.errors import MissingInputError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook import keywords
from toolkit.playbook.faults import Faults, Place
from toolkit.playbook.model import Play, Playbook, Task
from toolkit.playbook.nodes import Node, kind_of, parse
from toolkit.playbook.reading import Reader
from toolkit.playbook.task_loader import TaskLoader, holds_expression


def load(path: str) -> Playbook:
    """The playbook in a file.

    Raises ``PlaybookError`` with every fault, and ``MissingInputError`` where there is none.
    """
    faults = Faults()
    root = _parse_file(path, faults)
    plays = _Loader(path, faults).plays(root) if root else ()
    faults.check()
    return Playbook(path=path, plays=plays)


def load_variables(path: str) -> Mapping[str, Any]:
    """A file of variables, as ``-e @FILE`` and ``vars_files`` name it."""
    faults = Faults()
    root = _parse_file(path, faults)
    found = Reader(faults).variables(root, path) if root else {}
    faults.check()
    return found


def _parse_file(path: str, faults: Faults) -> Node | None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise MissingInputError(f"there is no file '{path}'", hint=_neighbour(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        faults.add(Place(file=path), f"cannot be read: {error}")
        return None
    return parse(text, path, faults)


def _neighbour(path: str) -> str:
    folder = os.path.dirname(path) or "."
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return did_you_mean(os.path.basename(path), names)


class _Loader:
    def __init__(self, path: str, faults: Faults) -> None:
        self._path = path
        self._base = os.path.dirname(os.path.abspath(path))
        self._faults = faults
        self._read = Reader(faults)
        self._tasks = TaskLoader(self._read, self._base)

    def plays(self, root: Node) -> tuple[Play, ...]:
        if root.items is None:
            self._faults.add(
                root.place,
                f"a playbook is a list of plays, not {kind_of(root.value)}",
                "each play begins with '- hosts:'",
            )
            return ()
        if not root.items:
            self._faults.add(root.place, "a playbook without a play")
        found = (self._play(node) for node in root.items)
        return tuple(play for play in found if play is not None)

    def _play(self, node: Node) -> Play | None:
        if node.entries is None:
            self._faults.add(node.place, f"a play is a mapping, not {kind_of(node.value)}")
            return None
        for key, entry in node.entries.items():
            if key not in keywords.PLAY:
                self._read.unknown_key(entry.key, "play", keywords.PLAY, keywords.PLAY_LATER)
        read = self._read
        play = Play(
            place=node.place,
            hosts=self._hosts(node),
            name=read.text(node.get("name"), "name"),
            vars=read.variables(node.get("vars"), "vars"),
            vars_files=self._vars_files(node.get("vars_files")),
            tasks=self._tasks.tasks(node.get("tasks"), "tasks"),
            handlers=self._tasks.tasks(node.get("handlers"), "handlers"),
            tags=read.words(node.get("tags"), "tags"),
            become=bool(read.boolean(node.get("become"), "become", default=False)),
            gather_facts=bool(read.boolean(node.get("gather_facts"), "gather_facts", default=True)),
        )
        self._check_handlers(play, node)
        return replace(play, handlers=self._last_of_each_name(play.handlers))

    def _hosts(self, node: Node) -> str:
        hosts = node.get("hosts")
        if hosts is None:
            if "import_playbook" not in (node.entries or {}):
                self._faults.add(node.place, "a play without 'hosts'")
            return ""
        names = self._read.words(hosts, "hosts")
        if not names and hosts.value in ("", (), None):
            self._faults.add(hosts.place, "'hosts' names no host")
        if holds_expression(hosts.plain()):
            self._faults.add(hosts.place, "'hosts' cannot be an expression yet", "use --limit")
        return ",".join(names)

    def _vars_files(self, node: Node | None) -> tuple[Mapping[str, Any], ...]:
        found = []
        nodes = node.items if node is not None and node.items is not None else (node,)
        for item in nodes if node is not None else ():
            assert item is not None
            if not isinstance(item.value, str) or holds_expression(item.value):
                self._faults.add(item.place, "'vars_files': expected the name of a file")
                continue
            path = os.path.join(self._base, item.value)
            try:
                root = _parse_file(path, self._faults)
            except MissingInputError as error:
                self._faults.add(item.place, error.message, error.hint)
                continue
            found.append(self._read.variables(root, item.value))
        return tuple(found)

    def _check_handlers(self, play: Play, node: Node) -> None:
        """A handler that is notified must exist: Ansible finds out on the host, in the middle."""
        known = {task.name for task in play.handlers}
        for section in ("tasks", "handlers"):
            written = node.get(section)
            for item in written.items or () if written else ():
                notify = item.get("notify")
                if notify is None:
                    continue
                for name in notify.items if notify.items is not None else (notify,):
                    text = str(name.value)
                    if text not in known and not holds_expression(text):
                        hint = did_you_mean(text, known)
                        self._faults.add(name.place, f"there is no handler '{text}'", hint)

    def _last_of_each_name(self, handlers: tuple[Task, ...]) -> tuple[Task, ...]:
        """As in Ansible, the last of several handlers with one name counts."""
        unnamed = [task for task in handlers if not task.name]
        for task in unnamed:
            self._faults.add(task.place, "a handler without a name", "nothing could notify it")
        last = {task.name: task for task in handlers}
        return tuple(last.values())
