"""A checked play becomes data: JSON for the host, and the files that it needs by digest.

What tags leave out is never sent. The part that all hosts share is made once; a host adds only its
own variables, so two hundred hosts cost two hundred small mappings.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.model import Play, Task
from toolkit.playbook.scope import OMIT
from toolkit.playbook.shipped import FOLDERS, digest

_FACT = re.compile(r"\b(?:ansible|dockyard)_\w+")
_NO_FACTS = frozenset(
    {
        "ansible_check_mode",
        "ansible_connection",
        "ansible_host",
        "ansible_loop_var",
        "ansible_managed",
        "ansible_play_hosts",
        "ansible_port",
        "ansible_user",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """``--tags`` and ``--skip-tags``; no ``only`` means all that is not tagged ``never``."""

    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()

    def takes(self, tags: Iterable[str]) -> bool:
        """Whether a task with these tags, its play's included, is run.

        ``always`` and ``never`` are tags with a meaning, as are ``all``, ``tagged`` and
        ``untagged`` in the selection.
        """
        own = set(tags)
        if self._skips(own):
            return False
        if not self.only or "all" in self.only:
            return "never" not in own or bool(self.only & own)
        if self.only & own or ("always" in own and "always" not in self.skip):
            return True
        if "never" in own:
            return False
        return ("tagged" in self.only and bool(own)) or ("untagged" in self.only and not own)

    def _skips(self, own: set[str]) -> bool:
        if self.skip & own:
            return True
        if "all" in self.skip:
            return "always" not in own
        return ("tagged" in self.skip and bool(own)) or ("untagged" in self.skip and not own)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayData:
    """One play for one host: JSON-able ``data``, and ``files`` by digest."""

    data: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledPlay:
    """What all hosts of a play share."""

    shared: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)
    variables: Mapping[str, Any]

    def for_host(
        self,
        host: str,
        *,
        variables: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        magic: Mapping[str, Any] | None = None,
    ) -> PlayData:
        """The play for one host: its inventory's variables below the play's, ``extra`` on top."""
        known = {"inventory_hostname": host, "inventory_hostname_short": host.split(".", 1)[0]}
        data = {
            **self.shared,
            "host": host,
            "vars": {**(variables or {}), **self.variables},
            "extra": dict(extra or {}),
            "magic": {"omit": OMIT, **known, **(magic or {})},
        }
        return PlayData(data=data, files=self.files)


def compile_play(play: Play, selection: Selection | None = None) -> CompiledPlay:
    """The play's selected tasks, its handlers, and the content of every file that they ship.

    Raises ``InvalidInputError`` where a file has become unreadable since it was checked.
    """
    selection = selection or Selection()
    tasks = [task for task in play.tasks if selection.takes((*play.tags, *task.tags))]
    files: dict[str, bytes] = {}
    names: dict[str, dict[str, str]] = {folder: {} for folder in FOLDERS.values()}
    for task in (*tasks, *play.handlers):
        for name, path in task.ships.items():
            content = _content(path)
            files[digest(content)] = content
            names[FOLDERS[task.module]][name] = digest(content)
    variables = dict(play.vars)
    for more in play.vars_files:
        variables.update(more)
    handlers = [_task(task, play, index) for index, task in enumerate(play.handlers, len(tasks))]
    shared = {
        "name": play.title,
        "gather_facts": play.gather_facts,
        "tasks": [_task(task, play, index) for index, task in enumerate(tasks)],
        "handlers": handlers,
        "files": names,
    }
    texts = (json.dumps([shared, variables]), *(_text(content) for content in files.values()))
    shared["facts_first"] = play.gather_facts and any(map(_names_facts, texts))
    return CompiledPlay(shared=shared, files=files, variables=variables)


def _names_facts(text: str) -> bool:
    """Whether facts must be gathered before the first task changes anything.

    As Ansible does always; here only a play that names a fact pays for it. What only a host's own
    variables name is gathered when it is first used.
    """
    return any(name not in _NO_FACTS for name in _FACT.findall(text))


def _text(content: bytes) -> str:
    return content.decode(errors="ignore")


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidInputError(f"'{path}' cannot be read: {error.strerror}") from None


def _task(task: Task, play: Play, index: int) -> dict[str, Any]:
    """The task without what it leaves at its default, to keep what is sent small."""
    become = play.become if task.become is None else task.become
    data = {
        "index": index,
        "name": task.name or task.module,
        "module": task.module,
        "place": str(task.place),
        "args": task.args,
    }
    optional = {
        "when": task.when,
        "register": task.register,
        "notify": task.notify,
        "vars": task.vars,
        "ignore_errors": task.ignore_errors,
        "become": become,
        "no_log": task.no_log,
    }
    data.update({key: value for key, value in optional.items() if value})
    for key in ("loop", "changed_when", "failed_when", "check_mode"):
        if getattr(task, key) is not None:
            data[key] = getattr(task, key)
    return data
