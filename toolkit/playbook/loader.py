"""A playbook's file, read and checked as a whole: every fault is found before any is told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.core.secret import Decrypt, no_password
from toolkit.core.suggest import did_you_mean
from toolkit.playbook import keywords
from toolkit.playbook.context import Context
from toolkit.playbook.faults import Faults, Place
from toolkit.playbook.includes import Includes
from toolkit.playbook.model import Block, Play, Playbook, Prompt, Task, VarsFile
from toolkit.playbook.model import Node as Part
from toolkit.playbook.modules import ModuleLoader, holds_expression
from toolkit.playbook.nodes import Node, kind_of
from toolkit.playbook.opening import Opener, first_file, matching
from toolkit.playbook.reading import Reader
from toolkit.playbook.roles import Found, RoleLoader
from toolkit.playbook.task_loader import TaskLoader

_PROMPT_KEYS = frozenset(
    ["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line and the environment say about loading."""

    roles_path: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    decrypt: Decrypt = no_password


def load(path: str, options: Options | None = None) -> Playbook:
    """The playbook in a file.

    Raises ``PlaybookError`` with every fault, and ``MissingInputError`` where there is none.
    """
    loading = Loading(options or Options())
    plays = loading.playbook(path)
    loading.faults.check()
    return Playbook(path=path, plays=plays)


def load_variables(path: str, decrypt: Decrypt = no_password) -> Mapping[str, Any]:
    """A file of variables, as ``-e @FILE`` and ``vars_files`` name it."""
    loading = Loading(Options(decrypt=decrypt))
    found = loading.variables(path)
    loading.faults.check()
    return found


class Loading:
    """What the readers of one playbook share."""

    def __init__(self, options: Options) -> None:
        self.faults = Faults()
        self.read = Reader(self.faults)
        self.open = Opener(self.faults, options.decrypt)
        self.roles_path = options.roles_path
        self.extra = options.extra
        self.notified: list[tuple[str, str, Place]] = []
        self.open_files: list[str] = []
        self.found = Found()
        self.dynamic = False
        self.place = Place(file="")
        self.modules = ModuleLoader(self)
        self.tasks = TaskLoader(self)
        self.includes = Includes(self)
        self.roles = RoleLoader(self)
        self._variables: dict[str, Mapping[str, Any]] = {}
        self._static: Mapping[str, Any] = {}

    def variables(self, path: str) -> Mapping[str, Any]:
        """The variables in a file, read once."""
        if path not in self._variables:
            root = self.open.yaml(path)
            self._variables[path] = self.read.variables(root, path) if root else {}
        return self._variables[path]

    def rendered(self, text: str, context: Context) -> str:
        """A name with what is known before the play runs: the play's and extra variables."""
        if not holds_expression(text):
            return text
        from toolkit.playbook.scope import Scope  # noqa: PLC0415 - a play seldom needs it here

        scope = Scope(written=self._static, extra=self.extra, magic=context.known, facts=dict)
        try:
            return str(scope.render(text))
        except InvalidInputError:
            return text

    def playbook(self, path: str) -> tuple[Play, ...]:
        """The plays of a file and of those that it imports."""
        root = self.open.yaml(path)
        if root is None:
            return ()
        if root.items is None:
            self.faults.add(
                root.place,
                f"a playbook is a list of plays, not {kind_of(root.value)}",
                "each play begins with '- hosts:'",
            )
            return ()
        if not root.items:
            self.faults.add(root.place, "a playbook without a play")
        found: list[Play] = []
        self.open_files.append(os.path.abspath(path))
        for node in root.items:
            found += self._play(node, os.path.dirname(os.path.abspath(path)))
        self.open_files.pop()
        return tuple(found)

    def _play(self, node: Node, base: str) -> tuple[Play, ...]:
        if node.entries is None:
            self.faults.add(node.place, f"a play is a mapping, not {kind_of(node.value)}")
            return ()
        for key in node.entries:
            if key.removeprefix("ansible.builtin.") == "import_playbook":
                return self._imported(node, key, base)
        self.found, self.notified = Found(), []
        return (_PlayLoader(self, node, base).play(),)

    def _imported(self, node: Node, key: str, base: str) -> tuple[Play, ...]:
        """The plays of another file; ``vars``, ``tags`` and ``when`` are handed to them."""
        written = node.get(key)
        assert written is not None
        name = self.rendered(str(written.value), Context(base=base, folder=base))
        path = os.path.join(base, name)
        for other, entry in (node.entries or {}).items():
            if other not in (key, "name", "vars", "tags", "when"):
                said = f"'{other}' cannot stand beside import_playbook"
                self.faults.add(entry.key.place, said)
        if os.path.abspath(path) in self.open_files:
            self.faults.add(written.place, f"'{name}' imports itself")
            return ()
        try:
            plays = self.playbook(path)
        except MissingInputError as error:
            self.faults.add(written.place, error.message, error.hint)
            return ()
        variables = self.read.variables(node.get("vars"), "vars")
        tags = self.read.words(node.get("tags"), "tags")
        when = self.read.conditions(node.get("when"), "when")
        return tuple(
            replace(
                play,
                vars={**play.vars, **variables},
                tags=(*play.tags, *tags),
                tasks=tuple(_under(part, tags, when) for part in play.tasks),
            )
            for play in plays
        )

    def static(self, variables: Mapping[str, Any]) -> None:
        """Remember the play's variables, for names that must be known before it runs."""
        self._static = variables


def _under(part: Part, tags: tuple[str, ...], when: tuple[str | bool, ...]) -> Part:
    """A task below what stands beside an ``import_playbook``."""
    if isinstance(part, Block):
        return replace(
            part,
            block=tuple(_under(each, tags, when) for each in part.block),
            rescue=tuple(_under(each, tags, when) for each in part.rescue),
            always=tuple(_under(each, tags, when) for each in part.always),
        )
    words = {**part.words, "when": (*when, *part.words.get("when", ()))} if when else part.words
    return replace(part, tags=(*tags, *part.tags), words=words)


class _PlayLoader:
    """Reads one play."""

    def __init__(self, loading: Loading, node: Node, base: str) -> None:
        self._loading = loading
        self._faults = loading.faults
        self._read = loading.read
        self._node = node
        self._base = base

    def play(self) -> Play:
        """The play, with faults for everything wrong in it."""
        node, read, tasks = self._node, self._read, self._loading.tasks
        words = tasks.words(node, "p", beside=frozenset({"vars_files", "vars_prompt"}))
        self._check_words(words)
        tags = words.pop("tags", ())
        variables = words.pop("vars", {})
        outer = Context(base=self._base, folder=self._base)
        files = self._vars_files(node.get("vars_files"), outer)
        self._loading.static({**variables, **_constant(files)})
        context = outer.below(
            {key: value for key, value in words.items() if key != "name"},
            {},
            tasks.defaults(node),
        )
        roles = self._loading.roles.entries(node.get("roles"), context)
        sections = {
            name: tasks.nodes(node.get(name), name, context)
            for name in ("pre_tasks", "tasks", "post_tasks")
        }
        handlers = tasks.nodes(node.get("handlers"), "handlers", replace(context, kind="h"))
        play = Play(
            place=node.place,
            hosts=self._hosts(node),
            name=words.pop("name", ""),
            words=words,
            vars=variables,
            vars_files=files,
            vars_prompt=self._prompts(node.get("vars_prompt")),
            roles=tuple(self._loading.found.roles),
            tasks=self._in_order(sections, roles),
            handlers=self._last_of_each_name((*self._loading.found.handlers, *handlers)),
            tags=tags if tags else read.words(node.get("tags"), "tags"),
            base=self._base,
        )
        self._check_handlers(play)
        return play

    def _check_words(self, words: Mapping[str, Any]) -> None:
        strategy = words.get("strategy")
        if strategy and strategy.removeprefix("ansible.builtin.") not in keywords.STRATEGIES:
            hint = did_you_mean(strategy, keywords.STRATEGIES) or "free and linear are known"
            node = self._node.get("strategy")
            assert node is not None
            self._faults.add(node.place, f"there is no strategy '{strategy}'", hint)

    def _in_order(
        self, sections: Mapping[str, tuple[Part, ...]], roles: tuple[Part, ...]
    ) -> tuple[Part, ...]:
        """The sections one after the other; notified handlers run between them."""
        before, after = sections["pre_tasks"], sections["post_tasks"]
        middle = (*roles, *sections["tasks"])
        flush = (self._flush(),)
        return (
            *((*before, *flush) if before else ()),
            *middle,
            *((*flush, *after) if after else ()),
        )

    def _flush(self) -> Task:
        return Task(
            place=self._node.place,
            module="meta",
            args={"action": "flush_handlers"},
            tags=("always",),
            implicit=True,
        )

    def _hosts(self, node: Node) -> str:
        hosts = node.get("hosts")
        if hosts is None:
            self._faults.add(node.place, "a play without 'hosts'")
            return ""
        names = self._read.words(hosts, "hosts")
        if not names and hosts.value in ("", (), None):
            self._faults.add(hosts.place, "'hosts' names no host")
        context = Context(base=self._base, folder=self._base)
        text = self._loading.rendered(",".join(names), context)
        if holds_expression(text):
            said = f"'hosts': '{text}' must be known before the play runs"
            self._faults.add(hosts.place, said, "give its variables with -e, or in 'vars'")
        return text

    def _vars_files(self, node: Node | None, context: Context) -> tuple[VarsFile, ...]:
        if node is None or node.value is None:
            return ()
        found = []
        for item in node.items if node.items is not None else (node,):
            names = item.items if item.items is not None else (item,)
            if not all(isinstance(name.value, str) for name in names):
                self._faults.add(item.place, "'vars_files': expected the name of a file")
                continue
            found.append(self._vars_file(names, context))
        return tuple(found)

    def _vars_file(self, names: tuple[Node, ...], context: Context) -> VarsFile:
        """One entry: a name, or several of which the first that exists is read."""
        folders = (self._base, os.path.join(self._base, "vars"))
        found: dict[str, Mapping[str, Any]] = {}
        missing = None
        for name in names:
            text = self._loading.rendered(str(name.value), context)
            if holds_expression(text):
                self._read.expressions(name)
                paths = matching(folders, text, context.known)
            else:
                path = first_file(folders, text)
                paths = {text: path} if path else {}
                missing = missing or (None if path else name)
            found.update({key: self._loading.variables(path) for key, path in paths.items()})
        if missing and not found:
            path = os.path.join(self._base, str(missing.value))
            folder = os.path.dirname(path)
            there = os.listdir(folder) if os.path.isdir(folder) else []
            hint = did_you_mean(os.path.basename(path), there)
            self._faults.add(missing.place, f"there is no file '{path}'", hint)
        texts = tuple(self._loading.rendered(str(name.value), context) for name in names)
        return VarsFile(names=texts, found=found, place=names[0].place)

    def _prompts(self, node: Node | None) -> tuple[Prompt, ...]:
        found = []
        for item in (node.items or ()) if node is not None else ():
            if item.entries is None or item.get("name") is None:
                self._faults.add(item.place, "'vars_prompt': each entry needs a 'name'")
                continue
            for key, entry in item.entries.items():
                if key not in _PROMPT_KEYS:
                    hint = did_you_mean(key, _PROMPT_KEYS)
                    self._faults.add(entry.key.place, f"'vars_prompt': unknown key '{key}'", hint)
            given = {key: value for key, value in item.plain().items() if key in _PROMPT_KEYS}
            if given.get("default") is not None:
                given["default"] = str(given["default"])
            found.append(Prompt(**{"prompt": f"{given['name']}: ", **given}))
        return tuple(found)

    def _check_handlers(self, play: Play) -> None:
        """A handler that is notified must exist: Ansible finds out on the host, in the middle."""
        known: set[str] = set()
        for task in _flat(play.handlers):
            known |= {task.name, *task.words.get("listen", ())}
            if task.role:
                known.add(f"{task.role.name} : {task.name}")
        if any(holds_expression(name) for name in known):
            return
        for text, role, place in self._loading.notified:
            if text not in known and f"{role} : {text}" not in known and not holds_expression(text):
                self._faults.add(place, f"there is no handler '{text}'", did_you_mean(text, known))

    def _last_of_each_name(self, handlers: tuple[Part, ...]) -> tuple[Part, ...]:
        """As in Ansible, the last of several handlers with one name counts."""
        kept: dict[Any, Part] = {}
        for number, part in enumerate(handlers):
            if isinstance(part, Task) and not part.name and not part.words.get("listen"):
                self._faults.add(part.place, "a handler without a name", "nothing could notify it")
            if isinstance(part, Block) or not part.name:
                kept[number] = part
                continue
            role = part.role.name if part.role else ""
            kept.pop((role, part.name), None)
            kept[role, part.name] = part
        return tuple(kept.values())


def _flat(parts: tuple[Part, ...]) -> list[Task]:
    found: list[Task] = []
    for part in parts:
        if isinstance(part, Task):
            found.append(part)
        else:
            found += _flat((*part.block, *part.rescue, *part.always))
    return found


def _constant(files: tuple[VarsFile, ...]) -> dict[str, Any]:
    """The variables of those files that are certain to be read."""
    found: dict[str, Any] = {}
    for file in files:
        if len(file.names) == 1 and file.names[0] in file.found:
            found.update(file.found[file.names[0]])
    return found
