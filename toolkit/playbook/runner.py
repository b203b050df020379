"""Runs one play on one host: blocks, includes, handlers, and what ends a play early.

Everything happens beside the kernel: the play came as data with the files that it needs. What only
the controller can do (other hosts, its own files, a person) is asked of it in the middle of the
play; each such question is one trip.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.events import EventSink
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.asking import Ask, nobody
from toolkit.playbook.ended import Ended, EndPlay, EndRole, failed
from toolkit.playbook.handlers import Handlers, NoPending, Pending
from toolkit.playbook.hostvars import HostVars
from toolkit.playbook.journal import Journal
from toolkit.playbook.lookups import Lookups
from toolkit.playbook.results import (
    PlayStarted,
    Recap,
    Status,
    TaskDone,
    TaskStarted,
)
from toolkit.playbook.scope import Frame, Memory, Scope
from toolkit.playbook.secrets import Secrets
from toolkit.playbook.sources import Sources
from toolkit.playbook.task_runner import TaskRunner
from toolkit.tasks.host import Host

Facts = Callable[[Host], Mapping[str, Any]]
TaskData = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """How to run: ``check`` changes nothing, ``diff`` shows what changes, ``run`` names the run.

    ``root`` tells whether this is root, ``login`` the user that connected, if that is another one.
    """

    check: bool = False
    diff: bool = False
    run: str = ""
    root: bool = True
    login: str = ""
    verbosity: int = 0
    start_at: str = ""
    step: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Seams:
    """What a run needs of the world around it, beside the host."""

    journal: Journal
    facts: Facts
    ask: Ask = nobody
    memory: Memory = field(default_factory=Memory)
    pending: Pending = field(default_factory=NoPending)
    secrets: Secrets = field(default_factory=Secrets)


class Runner:
    """One play on one host."""

    def __init__(
        self, play: Mapping[str, Any], host: Host, sink: EventSink, *, mode: Mode, seams: Seams
    ) -> None:
        self._play = play
        self._sink = sink
        self._mode = mode
        self._seams = seams
        self._sources = Sources(host, seams.ask)
        lookups = Lookups(seams.ask, self._sources)
        self.scope = self._scope(host, lookups)
        lookups.use(self.scope)
        self.recap = Recap(host=str(play["host"]), run=mode.run)
        self.handlers = Handlers(play.get("handlers", []), self.scope, seams.pending)
        self.tasks = TaskRunner(self, host, self._sources)
        self._start_at = mode.start_at
        self._last_failure: tuple[TaskData, Ended] | None = None
        self._roles_ended: set[int] = set()
        self._included: dict[str, Frame] = {}

    def _scope(self, host: Host, lookups: Lookups) -> Scope:
        play, mode = self._play, self._mode
        magic = dict(play.get("magic", {}))
        magic |= {
            "ansible_check_mode": mode.check,
            "ansible_diff_mode": mode.diff,
            "ansible_verbosity": mode.verbosity,
        }
        scope = Scope(
            written=play.get("vars", {}),
            extra=play.get("extra", {}),
            magic=magic,
            facts=lambda: self._seams.facts(host),
            include=self._sources.include,
            inventory=play.get("inventory", {}),
            defaults=play.get("defaults", {}),
            exported=play.get("exported", {}),
            memory=self._seams.memory,
            lookups=lookups,
        )
        magic["hostvars"] = HostVars(str(play["host"]), scope, self._seams.ask, self._seams.secrets)
        return scope

    @property
    def play(self) -> Mapping[str, Any]:
        """The play as it came."""
        return self._play

    @property
    def mode(self) -> Mode:
        """How to run."""
        return self._mode

    @property
    def seams(self) -> Seams:
        """The journal, the facts, the controller."""
        return self._seams

    def run(self) -> Recap:
        """Run every task, then the handlers that were notified; a failure stops the host."""
        began = time.monotonic()
        tasks = self._play["tasks"]
        self.send(
            PlayStarted(
                host=self.recap.host,
                play=self._play["name"],
                run=self._mode.run,
                tasks=len(tasks),
            )
        )
        head = {"run": self._mode.run, "play": self._play["name"], "host": self.recap.host}
        self._seams.journal.open_play({**head, "started": time.time()})
        ended = self._run_all(tasks)
        self.tasks.tell()
        self.recap = replace(
            self.recap,
            seconds=time.monotonic() - began,
            journal=self._seams.journal.path(),
            proves=self.tasks.proves(),
            pending=self.handlers.pending(),
            ended=ended,
        )
        self.send(self.recap)
        return self.recap

    def _run_all(self, tasks: list[TaskData]) -> str:
        """Run the play; the result says whether the host or everything must end here."""
        try:
            self._begin()
            good = self.nodes(tasks)
            if good or self._play.get("force_handlers"):
                self.flush(1 << 30, force=not good)
        except EndPlay as end:
            return "play" if end.everywhere else "host"
        return ""

    def _begin(self) -> None:
        """Facts, if a text names one, and the files of variables, whose names may need them."""
        if self._play.get("facts_first") and self._play.get("gather_facts", True):
            self.scope.facts()
        for file in self._play.get("vars_files", ()):
            self._use_file(file)

    def _use_file(self, file: Mapping[str, Any]) -> None:
        tried = []
        for name in file["names"]:
            text = str(self.scope.render(name))
            if text in file["found"]:
                self.scope.use_file(file["found"][text])
                return
            tried.append(text)
        raise NotFoundError(f"there is no file of variables {' or '.join(tried)}")

    def send(self, event: PlayStarted | TaskStarted | TaskDone | Recap) -> None:
        """Tell the controller."""
        self._sink.send(event)

    def nodes(self, nodes: list[TaskData]) -> bool:
        """Run tasks and blocks in order; false where the host must stop."""
        return all(self._node(node) for node in nodes)

    def _node(self, node: TaskData) -> bool:
        if "block" in node:
            return self._block(node)
        if self._start_at and not self._starts(node):
            return True
        if node.get("role") in self._roles_ended:
            return True
        return self._task(node)

    def _starts(self, node: TaskData) -> bool:
        """Whether ``--start-at-task`` is reached; tasks before it are passed over."""
        import fnmatch  # noqa: PLC0415 - only where it was asked for

        names = [str(node["name"])]
        if "role" in node:
            names.append(f"{self._role_of(node)} : {names[0]}")
        fits = any(fnmatch.fnmatchcase(name, self._start_at) for name in names)
        if node.get("implicit") or not fits:
            return False
        self._start_at = ""
        return True

    def _block(self, node: TaskData) -> bool:
        good = self.nodes(node["block"])
        if not good and node.get("rescue"):
            good = self._rescue(node["rescue"])
        if node.get("always"):
            good = self.nodes(node["always"]) and good
        return good

    def _rescue(self, nodes: list[TaskData]) -> bool:
        """Run the tasks that mend a failure; they see which task failed, and how."""
        recap = self.recap
        self.recap = replace(recap, failed=recap.failed - 1, rescued=recap.rescued + 1)
        if self._last_failure:
            task, ended = self._last_failure
            self.scope.learn("ansible_failed_task", {"name": task["name"], **_shown(task)})
            self.scope.learn("ansible_failed_result", ended.registered)
        return self.nodes(nodes)

    def _task(self, node: TaskData) -> bool:
        if self._mode.step and not node.get("implicit") and not self._stepped(node):
            return True
        self.tasks.meet(node)
        if node["module"] in ("include_tasks", "include_role"):
            return self.tasks.include(node)
        return self.tasks.run(node)

    def _stepped(self, node: TaskData) -> bool:
        """Ask a person whether this task is to run."""
        said = self._seams.ask({"do": "step", "task": node["name"], "host": self.recap.host})
        if said == "continue":
            self._mode = replace(self._mode, step=False)
        return said in ("yes", "continue")

    def remember_failure(self, task: TaskData, ended: Ended) -> None:
        """Keep what failed, for a rescue."""
        self._last_failure = (task, ended)

    def body(self, number: int) -> bool:
        """Run the tasks of an included file."""
        try:
            return self.nodes(self._play["bodies"][number])
        except EndRole:
            return True

    def end_role(self, task: TaskData) -> None:
        """Pass over what is left of the task's role."""
        if "role" not in task:
            raise InvalidInputError("'meta: end_role' stands outside of a role")
        self._roles_ended.add(task["role"])

    def layers(self, task: TaskData) -> tuple[tuple[Mapping[str, Any], ...], Any]:
        """The variables around a task, its own last, and its role."""
        own = task.get("vars", {})
        layers = [self._play["layers"][number] for number in task.get("layers", ())]
        role = self._play["roles"][task["role"]] if "role" in task else None
        return (*layers, *([own] if own else [])), role

    def flush(self, index: int, *, force: bool = False) -> bool:
        """Run the handlers that were notified, in the order in which they are defined."""
        while True:
            due = self.handlers.due()
            if not due:
                return True
            for offset, handler in due:
                self.handlers.begin(handler)
                at = handler["index"] if index == 1 << 30 else index + offset
                good = self._handler({**handler, "index": at})
                if not good and not force:
                    self.handlers.failed(handler)
                    return False

    def remember_include(self, role: str, variables: Mapping[str, Any]) -> None:
        """Have the role's handlers see what its last include handed to it, as Ansible's do."""
        self._included[role] = self.scope.frame(variables)

    def _handler(self, handler: TaskData) -> bool:
        frame = self._included.get(self._role_of(handler))
        if frame is None:
            return self._run_handler(handler)
        with self.scope.within(frame):
            return self._run_handler(handler)

    def _role_of(self, task: TaskData) -> str:
        return str(self._play["roles"][task["role"]]["name"]) if "role" in task else ""

    def _run_handler(self, handler: TaskData) -> bool:
        if handler["module"] in ("include_tasks", "include_role"):
            return self.tasks.include(handler, handler=True)
        return self.tasks.run(handler, handler=True)

    def notify(self, names: list[str]) -> None:
        """Remember the handlers to run; one whose name only the host knows may not exist."""
        for name in names:
            if not self.handlers.notify(name):
                hint = did_you_mean(name, self.handlers.names())
                raise NotFoundError(f"there is no handler '{name}'", hint=hint)


def _shown(task: TaskData) -> dict[str, Any]:
    return {"action": task["module"], "args": task["args"]}


def run_play(
    play: Mapping[str, Any], host: Host, sink: EventSink, *, mode: Mode, seams: Seams
) -> Recap:
    """Run one play on this host and tell ``sink`` about it; failures are in the recap."""
    try:
        runner = Runner(play, host, sink, mode=mode, seams=seams)
        return runner.run()
    except ToolkitError as error:
        ended = failed(error)
        name = str(play["host"])
        sink.send(
            TaskDone(
                host=name,
                task="variables",
                index=-1,
                module="",
                place="",
                status=Status.FAILED,
                message=ended.message,
                hint=ended.hint,
            )
        )
        recap = Recap(host=name, run=mode.run, failed=1)
        sink.send(recap)
        return recap
