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
from toolkit.core.secret import Decrypt, is_encrypted, no_password
from toolkit.playbook.model import Block, Body, Node, Play, Role, Task, VarsFile
from toolkit.playbook.scope import OMIT
from toolkit.playbook.shipped import digest

_FACT = re.compile(r"\b(?:ansible|dockyard)_\w+")
_NO_FACTS = frozenset(
    {
        "ansible_check_mode",
        "ansible_connection",
        "ansible_host",
        "ansible_loop_var",
        "ansible_managed",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_name",
        "ansible_play_role_names",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_diff_mode",
        "ansible_become",
        "ansible_become_user",
        "ansible_index_var",
        "ansible_job_id",
        "ansible_loop",
        "ansible_parent_role_names",
        "ansible_version",
        "ansible_failed_task",
        "ansible_failed_result",
        "ansible_limit",
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
    needs: frozenset[str] = frozenset()
    """The names that the play's texts hold: what no text names need not be sent."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """The texts of files that were encrypted."""

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
            "inventory": dict(variables or {}),
            "vars": dict(self.variables),
            "extra": dict(extra or {}),
            "magic": {"omit": OMIT, **known, **self.shared["magic"], **(magic or {})},
        }
        return PlayData(data=data, files=self.files)


def compile_play(
    play: Play, selection: Selection | None = None, *, decrypt: Decrypt = no_password
) -> CompiledPlay:
    """The play's selected tasks, its handlers, and the content of every file that they ship.

    Encrypted files travel opened, as Ansible sends them.

    Raises ``InvalidInputError`` where a file has become unreadable since it was checked.
    """
    made = _Compiler(play, selection or Selection(), decrypt)
    tasks = made.nodes(play.tasks)
    made.counted(flush=True)
    bodies = made.bodies()
    handlers = [made.handler(node) for node in play.handlers]
    bodies += made.bodies()  # what handlers include
    public = [role for role in play.roles if role.public]
    defaults = {key: value for role in public for key, value in role.defaults.items()}
    exported = {key: value for role in public for key, value in role.vars.items()}
    shared: dict[str, Any] = {
        "name": play.title,
        "tasks": tasks,
        "handlers": handlers,
        "gather_facts": play.words.get("gather_facts", True),
        "vars_files": [_vars_file(file) for file in play.vars_files],
        "layers": made.layers,
        "roles": made.roles,
        "bodies": bodies,
        "defaults": defaults,
        "exported": exported,
        "magic": {
            "playbook_dir": play.base,
            "ansible_play_name": play.name or play.hosts,
            "role_names": [role.name for role in play.roles],
            "ansible_role_names": _role_names(play),
            "ansible_play_role_names": [role.name for role in play.roles],
        },
    }
    shared = {key: value for key, value in shared.items() if value not in ({}, []) or key in _KEPT}
    for word in _PLAY_WORDS:
        if word in play.words:
            shared[word] = play.words[word]
    texts = (json.dumps([shared, play.vars]), *(_text(each) for each in made.files.values()))
    gathers = play.words.get("gather_facts", True) is not False
    shared["facts_first"] = gathers and any(map(_names_facts, texts))
    shared["asks_hostvars"] = any("hostvars" in text for text in texts)
    shared["in_step"] = any(map(_crosses, play.every_task()))
    return CompiledPlay(
        shared=shared,
        files=made.files,
        variables=dict(play.vars),
        secrets=frozenset(made.secrets),
        needs=frozenset(name for text in texts for name in _NAME.findall(text)),
    )


_KEPT = frozenset({"name", "tasks", "handlers", "gather_facts"})
_PLAY_WORDS = (
    "any_errors_fatal",
    "force_handlers",
    "max_fail_percentage",
    "strategy",
)
_NAME = re.compile(r"[A-Za-z_]\w*")


class _Compiler:
    """Turns nodes into data and collects what they share."""

    def __init__(self, play: Play, selection: Selection, decrypt: Decrypt) -> None:
        self._play = play
        self._decrypt = decrypt
        self._selection = selection
        self._index = 0
        self._numbers: dict[int, int] = {}
        self._flush = _count(play.handlers) + 1
        self._waiting: list[Body] = []
        self._body_ids: dict[int, int] = {}
        self._role_ids: dict[int, int] = {}
        self.layers: list[Mapping[str, Any]] = []
        self.roles: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.secrets: set[str] = set()

    def counted(self, *, flush: bool = False) -> int:
        """The next index; a place where handlers may run takes one for each of them."""
        index = self._index
        self._index += self._flush if flush else 1
        return index

    def nodes(self, parts: Iterable[Node]) -> list[dict[str, Any]]:
        """The data of those that tags leave."""
        found = []
        for part in parts:
            if isinstance(part, Block):
                data = self._block(part)
                found += [data] if data else []
            elif self._selection.takes((*self._play.tags, *part.tags)):
                found.append(self._task(part))
        return found

    def _block(self, block: Block) -> dict[str, Any] | None:
        plain = not (block.rescue or block.always)
        data: dict[str, Any] = {"block": self.nodes(block.block)}
        data["rescue"] = self.nodes(block.rescue)
        data["always"] = self.nodes(block.always)
        if not any(data.values()):
            return None
        data = {key: value for key, value in data.items() if value or key == "block"}
        return data if not plain else {"block": data["block"]}

    def handler(self, node: Node) -> dict[str, Any]:
        """A handler, which no tag leaves out."""
        if isinstance(node, Block):
            return {"block": [self.handler(each) for each in node.block]}
        return self._task(node)

    def bodies(self) -> list[list[dict[str, Any]]]:
        """The data of every body that a task names; bodies name others."""
        found: list[list[dict[str, Any]]] = []
        while self._waiting:
            body = self._waiting.pop(0)
            found.append(self.nodes(body.nodes))
        return found

    def _task(self, task: Task) -> dict[str, Any]:
        """The task without what it leaves at its default, to keep what is sent small."""
        is_flush = task.module == "meta" and "flush_handlers" in task.args.values()
        data: dict[str, Any] = {
            "index": self.counted(flush=is_flush),
            "name": task.name or task.module,
            "module": task.module,
            "place": str(task.place),
            "args": task.args,
        }
        data.update(
            (key, value)
            for key, value in task.words.items()
            if (value or value == 0 or key in _VERDICTS)
            and key not in _NOT_SENT
            and (value is not False or key in _DEFAULT_TRUE or key in self._play.words)
        )
        if task.module in _FOR_ALL:
            data["run_once"] = True
        if task.role:
            data["role"] = self._role(task.role)
            if not task.name:
                data["unnamed"] = True
        if task.layers:
            data["layers"] = [self._layer(layer) for layer in task.layers]
        raw = task.args.get("decrypt", True) is False
        ships = {folder: self._shipped(names, raw=raw) for folder, names in task.ships.items()}
        if ships:
            data["ships"] = ships
        if task.values:
            data["values"] = dict(task.values)
        if task.bodies:
            data["bodies"] = {name: self._body(body) for name, body in task.bodies.items()}
        if task.params:
            data["params"] = True
        if task.implicit:
            data["implicit"] = True
        return data

    def _shipped(self, names: Mapping[str, str], *, raw: bool) -> dict[str, str]:
        found = {}
        for name, path in names.items():
            content = _content(path)
            if is_encrypted(content) and not raw:
                content = self._decrypt(content, path)
                self.secrets.add(_text(content))
            found[name] = digest(content)
            self.files[found[name]] = content
        return found

    def _layer(self, layer: Mapping[str, Any]) -> int:
        for number, known in enumerate(self.layers):
            if known is layer:
                return number
        self.layers.append(layer)
        return len(self.layers) - 1

    def _role(self, role: Role) -> int:
        if id(role) not in self._role_ids:
            self._role_ids[id(role)] = len(self.roles)
            self.roles.append(
                {
                    "name": role.name,
                    "path": role.path,
                    "defaults": role.defaults,
                    "vars": role.vars,
                    "params": role.params,
                    "parents": role.parents,
                }
            )
        return self._role_ids[id(role)]

    def _body(self, body: Body) -> int:
        if id(body) not in self._body_ids:
            self._body_ids[id(body)] = len(self._body_ids)
            self._waiting.append(body)
        return self._body_ids[id(body)]


_CROSSING = frozenset({"clear_host_errors", "refresh_inventory"})
_FOR_ALL = frozenset({"add_host", "pause"})  # as in Ansible, one host does these for all
_VERDICTS = frozenset({"changed_when", "failed_when", "loop", "with", "check_mode", "retries"})
_DEFAULT_TRUE = frozenset({"become", "check_mode", "diff"})
_NOT_SENT = frozenset(
    {"become_method", "remote_user", "connection", "port", "name", "vars", "tags"}
)


def _count(nodes: Iterable[Node]) -> int:
    total = 0
    for node in nodes:
        total += _count(node.block) if isinstance(node, Block) else 1
    return total


def _vars_file(file: VarsFile) -> dict[str, Any]:
    return {"names": file.names, "found": file.found, "place": str(file.place)}


def _names_facts(text: str) -> bool:
    """Whether facts must be gathered before the first task changes anything.

    As Ansible does always; here only a play that names a fact pays for it. What only a host's own
    variables name is gathered when it is first used.
    """
    return any(name not in _NO_FACTS for name in _FACT.findall(text))


def _role_names(play: Play) -> list[str]:
    """The play's roles, and those that its tasks may include."""
    roles = (*play.roles, *(task.role for task in play.every_task() if task.role))
    return list(dict.fromkeys(role.name for role in roles))


def _crosses(task: Task) -> bool:
    """Whether the task is about what other hosts have done before it."""
    return task.module == "meta" and not _CROSSING.isdisjoint(map(str, task.args.values()))


def _text(content: bytes) -> str:
    return content.decode(errors="ignore")


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidInputError(f"'{path}' cannot be read: {error.strerror}") from None
