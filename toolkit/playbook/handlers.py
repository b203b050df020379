"""Handlers: which were notified, in what order they run, what is kept for the next run."""

import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.scope import Scope

TaskData = Mapping[str, Any]


class Pending(Protocol):
    """Remembers across runs which handlers were notified and did not run."""

    def load(self) -> tuple[str, ...]:
        """Their names."""

    def store(self, names: tuple[str, ...]) -> None:
        """Replace them."""


class NoPending:
    """Remembers nothing."""

    def load(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def store(self, names: tuple[str, ...]) -> None:
        """Nothing."""
        del names


class FilePending:
    """One JSON list of names a play, beside the journals; gone when nothing waits."""

    def __init__(self, folder: str, play: str) -> None:
        safe = "".join(sign if sign.isalnum() else "_" for sign in play)[:100]
        self._path = os.path.join(folder, f"{safe}.pending")

    def load(self) -> tuple[str, ...]:
        """Their names; none where the file is torn."""
        try:
            with open(self._path, encoding="utf-8") as file:
                return tuple(str(name) for name in json.load(file))
        except (FileNotFoundError, ValueError):
            return ()

    def store(self, names: tuple[str, ...]) -> None:
        """Replace them, in one step."""
        if not names:
            if os.path.exists(self._path):
                os.unlink(self._path)
            return
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        temporary = f"{self._path}.{os.getpid()}.new"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(list(names), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)


class Handlers:
    """The handlers of one play on one host."""

    def __init__(self, handlers: list[TaskData], scope: Scope, pending: Pending) -> None:
        self._handlers = _flat(handlers)
        self._scope = scope
        self._pending = pending
        self._notified: set[int] = set()
        self._stored: tuple[str, ...] = ()
        if self._handlers:
            self._stored = pending.load()
            for name in self._stored:
                self._find(name)

    def names(self) -> set[str]:
        """Every name and topic that can be notified."""
        found: set[str] = set()
        for handler in self._handlers:
            found |= {self._name(handler), *handler.get("listen", ())}
        return found

    def notify(self, name: str) -> bool:
        """Have every handler of that name or topic run; false where there is none."""
        found = self._find(name)
        self._keep()
        return found

    def _find(self, name: str) -> bool:
        topics = [n for n, each in enumerate(self._handlers) if name in each.get("listen", ())]
        named = [n for n, each in enumerate(self._handlers) if name in self._spellings(each)]
        self._notified.update((*topics, *named[-1:]))
        return bool(topics or named)

    def _spellings(self, handler: TaskData) -> tuple[str, ...]:
        name = self._name(handler)
        if "role" not in handler:
            return (name,)
        return (name, f"{handler.get('role_name', '')} : {name}")

    def _name(self, handler: TaskData) -> str:
        name = str(handler["name"])
        if "{{" not in name:
            return name
        try:
            return str(self._scope.render(name))
        except InvalidInputError:
            return name

    def due(self) -> list[tuple[int, TaskData]]:
        """What was notified and has not run, with its place among all."""
        return [(n, each) for n, each in enumerate(self._handlers) if n in self._notified]

    def begin(self, handler: TaskData) -> None:
        """It runs now; until it ends it stays on disk, since it may be cut off."""
        self._notified.discard(self._handlers.index(handler))
        self._keep(running=handler)

    def failed(self, handler: TaskData) -> None:
        """It is to run again next time."""
        self._notified.add(self._handlers.index(handler))
        self._keep()

    def pending(self) -> tuple[str, ...]:
        """The names of those that were notified and did not run; kept for the next run."""
        self._keep()
        return tuple(self._name(handler) for _, handler in self.due())

    def _keep(self, running: TaskData | None = None) -> None:
        due = [handler for _, handler in self.due()]
        names = tuple(self._name(each) for each in ([running] if running else []) + due)
        if names != self._stored:
            self._stored = names
            self._pending.store(names)


def _flat(nodes: list[TaskData]) -> list[TaskData]:
    found: list[TaskData] = []
    for node in nodes:
        found += _flat(node["block"]) if "block" in node else [node]
    return found
