"""Runs one play on one host: conditions, loops, rendering, applying, handlers.

Everything happens beside the kernel: the play came as data with the files that it needs. The runner
alone applies changes, so check mode is the same path over a planned host, where later tasks see
what earlier ones would have made.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.events import EventSink
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.journal import HIDDEN, Journal
from toolkit.playbook.results import (
    PlayStarted,
    Recap,
    Status,
    TaskDone,
    TaskStarted,
    reason,
    worst,
)
from toolkit.playbook.scope import OMIT, Scope
from toolkit.playbook.sources import Sources
from toolkit.tasks import registry
from toolkit.tasks.changes import Change, to_data
from toolkit.tasks.host import Host
from toolkit.tasks.perform import perform
from toolkit.tasks.registry import Task

Facts = Callable[[Host], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """How to run: ``check`` changes nothing, ``diff`` shows what changes, ``run`` names the run."""

    check: bool = False
    diff: bool = False
    run: str = ""
    root: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    """One execution of a task: its status and what a register would keep."""

    status: Status
    registered: dict[str, Any]
    changes: tuple[Change, ...] = ()
    message: str = ""
    hint: str = ""


class Runner:
    """One play on one host; ``planned`` makes the host that check mode changes instead."""

    def __init__(
        self,
        play: Mapping[str, Any],
        host: Host,
        sink: EventSink,
        *,
        mode: Mode,
        journal: Journal,
        facts: Facts,
    ) -> None:
        self._play = play
        self._real = host
        self._planned: Host | None = None
        self._sink = sink
        self._mode = mode
        self._journal = journal
        self._sources = Sources(play.get("files", {}), host)
        self._scope = Scope(
            written=play.get("vars", {}),
            extra=play.get("extra", {}),
            magic={**play.get("magic", {}), "ansible_check_mode": mode.check},
            facts=lambda: facts(host) if play.get("gather_facts", True) else {},
            include=self._sources.include,
        )
        self._recap = Recap(host=str(play["host"]), run=mode.run)
        self._notified: set[str] = set()
        self._proves: dict[str, None] = {}

    def run(self) -> Recap:
        """Run every task, then the handlers that were notified; a failure stops the host."""
        began = time.monotonic()
        tasks, handlers = self._play["tasks"], self._play.get("handlers", [])
        self._send(
            PlayStarted(
                host=self._recap.host,
                play=self._play["name"],
                run=self._mode.run,
                tasks=len(tasks),
            )
        )
        head = {"run": self._mode.run, "play": self._play["name"], "host": self._recap.host}
        self._journal.open_play({**head, "started": time.time()})
        if self._play.get("facts_first"):
            self._scope.facts()
        if all(self._task(task, handler=False) for task in tasks):
            due = (task for task in handlers if task["name"] in self._notified)
            if all(self._task(task, handler=True) for task in due):
                self._notified.clear()
        self._recap = replace(
            self._recap,
            seconds=time.monotonic() - began,
            journal=self._journal.path(),
            proves=tuple(self._proves),
            pending=tuple(task["name"] for task in handlers if task["name"] in self._notified),
        )
        self._send(self._recap)
        return self._recap

    def _send(self, event: PlayStarted | TaskStarted | TaskDone | Recap) -> None:
        self._sink.send(event)

    def _task(self, task: Mapping[str, Any], *, handler: bool) -> bool:
        """Run one task with all its items; false where the host must stop."""
        began = time.monotonic()
        self._scope.enter_task(task.get("vars", {}))
        name = self._title(task)
        self._send(
            TaskStarted(host=self._recap.host, task=name, index=task["index"], handler=handler)
        )
        done = TaskDone(
            host=self._recap.host,
            task=name,
            index=task["index"],
            module=task["module"],
            place=task["place"],
            status=Status.OK,
            handler=handler,
        )
        try:
            items = self._items(task)
        except ToolkitError as error:
            ended, count = _failed(error), 0
        else:
            if items is None:
                ended, count = self._once(task), 0
            else:
                ended, count = self._loop(task, items, done), len(items)
        return self._finish(task, ended, replace(done, items=count), began)

    def _title(self, task: Mapping[str, Any]) -> str:
        """The task's name; an expression in it that cannot be rendered is shown as written."""
        try:
            return str(self._scope.render(task["name"])) or str(task["module"])
        except InvalidInputError:
            return str(task["name"])

    def _items(self, task: Mapping[str, Any]) -> list[Any] | None:
        """The items of the task's loop, or ``None`` where it has none."""
        if task.get("loop") is None:
            return None
        try:
            items = self._scope.render(task["loop"])
        except InvalidInputError:
            if self._is_off(task):
                return []
            raise
        if not isinstance(items, list | tuple):
            raise InvalidInputError(
                f"a loop goes over a list, not over {items!r}",
                hint="use '| list' or '| dict2items'",
            )
        return list(items)

    def _is_off(self, task: Mapping[str, Any]) -> bool:
        """Whether the condition is false without any item, so that its loop does not matter."""
        try:
            return self._scope.holds(tuple(task.get("when", ()))) is not None
        except InvalidInputError:
            return False

    def _loop(self, task: Mapping[str, Any], items: list[Any], done: TaskDone) -> _Ended:
        results: list[dict[str, Any]] = []
        ended: list[_Ended] = []
        for item in items:
            began = time.monotonic()
            self._scope.enter_item("item", item)
            one = self._once(task)
            ended.append(one)
            results.append({**one.registered, "item": item, "ansible_loop_var": "item"})
            self._send(self._event(task, one, replace(done, item=_label(item)), began))
        if not items:
            return _skipped("No items in the list", key="skipped_reason", results=[])
        status = worst(one.status for one in ended)
        failed = next((one for one in ended if one.status is Status.FAILED), None)
        registered = {
            "results": results,
            "changed": any(one.registered.get("changed") for one in ended),
            **({"failed": True} if failed else {}),
            "skipped": status is Status.SKIPPED,
            "msg": "All items completed",
        }
        return _Ended(
            status=status,
            registered=registered,
            message=failed.message if failed else "",
            hint=failed.hint if failed else "",
        )

    def _once(self, task: Mapping[str, Any]) -> _Ended:
        """Run the task's module once: for the current item, or without one."""
        try:
            false = self._scope.holds(tuple(task.get("when", ())))
            if false is not None:
                return _skipped("Conditional result was False", false_condition=false)
            if task.get("become") and not self._mode.root:
                raise ToolkitError(
                    "'become' needs root on the host", hint="connect as root, or allow sudo"
                )
            return self._judge(task, self._attempt(task))
        except (ToolkitError, OSError) as error:
            return _failed(error)

    def _attempt(self, task: Mapping[str, Any]) -> _Ended:
        """Apply what the module plans; a failure keeps the changes that came before it."""
        made = self._made(task)
        applied: list[Change] = []
        announced = 0

        def announce(change: Change) -> None:
            nonlocal announced
            self._announce(task, change)
            announced += 1

        check = self._mode.check if task.get("check_mode") is None else task["check_mode"]
        try:
            if check:
                outcome = perform(made, self._planned_host(), applied=applied)
            else:
                outcome = perform(made, self._real, before=announce, applied=applied)
        except (ToolkitError, OSError) as error:
            if announced > len(applied):
                self._journal.fail()
            return _failed(error, tuple(applied))
        finally:
            if announced == len(applied):  # else the last one may be half done: undo must know
                self._journal.settle()
        return _Ended(
            status=Status.CHANGED if outcome.changed else Status.OK,
            registered=outcome.registered(),
            changes=outcome.changes,
        )

    def _made(self, task: Mapping[str, Any]) -> Task:
        """The task module with its arguments rendered and checked."""
        module = str(task["module"])
        arguments = {
            key: value for key, value in self._scope.render(task["args"]).items() if value != OMIT
        }
        made = registry.build(module, self._sources.resolve(module, arguments, self._scope))
        self._proves.update(dict.fromkeys(made.proves))
        return made

    def _planned_host(self) -> Host:
        if self._planned is None:
            from toolkit.tasks.planned import PlannedHost  # noqa: PLC0415 - check mode only

            self._planned = PlannedHost(self._real)
        return self._planned

    def _announce(self, task: Mapping[str, Any], change: Change) -> None:
        hidden = task.get("no_log", False)
        inverse = None if hidden else change.inverse()
        self._journal.begin(
            {
                "task": task["name"],
                "place": task["place"],
                "does": HIDDEN if hidden else change.describe(),
                "inverse": to_data(inverse) if inverse else None,
            }
        )

    def _judge(self, task: Mapping[str, Any], ended: _Ended) -> _Ended:
        """Register the result and let ``changed_when`` and ``failed_when`` have the last word."""
        registered = ended.registered
        self._scope.learn_facts(registered.get("ansible_facts", {}))
        if task.get("register"):
            self._scope.learn(task["register"], registered)
        if task.get("changed_when") is not None:
            registered["changed"] = self._scope.holds(tuple(task["changed_when"])) is None
        message = ended.message
        if task.get("failed_when") is not None:
            registered["failed"] = self._scope.holds(tuple(task["failed_when"])) is None
            message = (message or "its 'failed_when' holds") if registered["failed"] else ""
        status = Status.CHANGED if registered["changed"] else Status.OK
        if registered["failed"]:
            status = Status.FAILED
        return replace(ended, status=status, message=message, hint=ended.hint if message else "")

    def _finish(self, task: Mapping[str, Any], ended: _Ended, done: TaskDone, began: float) -> bool:
        """Register, notify, count and report the task; false where the host must stop."""
        ignored = False
        try:
            if ended.status is Status.FAILED:
                ignored = self._ignores(task)
            elif ended.registered.get("changed"):
                self._notify(task)
        except ToolkitError as error:
            ended = _failed(error, ended.changes)
        if task.get("register"):
            self._scope.learn(task["register"], ended.registered)
        self._count(ended, ignored=ignored)
        self._send(replace(self._event(task, ended, done, began), ignored=ignored))
        return ended.status is not Status.FAILED or ignored

    def _notify(self, task: Mapping[str, Any]) -> None:
        """Remember the handlers to run; one whose name only the host knows may not exist."""
        known = {handler["name"] for handler in self._play.get("handlers", [])}
        for raw in task.get("notify", ()):
            name = str(self._scope.render(raw))
            if name not in known:
                raise NotFoundError(f"there is no handler '{name}'", hint=did_you_mean(name, known))
            self._notified.add(name)

    def _ignores(self, task: Mapping[str, Any]) -> bool:
        wish = task.get("ignore_errors", False)
        return bool(wish) and self._scope.holds((_bare(wish),)) is None

    def _count(self, ended: _Ended, *, ignored: bool) -> None:
        recap = self._recap
        good = ended.status in (Status.OK, Status.CHANGED) or ignored
        self._recap = replace(
            recap,
            ok=recap.ok + good,
            changed=recap.changed + bool(good and ended.registered.get("changed")),
            skipped=recap.skipped + (ended.status is Status.SKIPPED),
            failed=recap.failed + (ended.status is Status.FAILED and not ignored),
            ignored=recap.ignored + ignored,
        )

    def _event(
        self, task: Mapping[str, Any], ended: _Ended, done: TaskDone, began: float
    ) -> TaskDone:
        seconds = time.monotonic() - began
        if task.get("no_log"):
            shown = (HIDDEN,) if ended.changes else ()
            message = HIDDEN if ended.message else ""
            item = HIDDEN if done.item is not None else None
            return replace(
                done,
                status=ended.status,
                changes=shown,
                message=message,
                item=item,
                seconds=seconds,
            )
        return replace(
            done,
            status=ended.status,
            changes=tuple(change.describe() for change in ended.changes),
            diff=self._diff(ended.changes),
            message=ended.message,
            hint=ended.hint,
            seconds=seconds,
        )

    def _diff(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        if not self._mode.diff:
            return ()
        found = (change.difference() for change in changes)
        return tuple(one.unified() if one else "" for one in found)


def _bare(wish: bool | str) -> bool | str:
    """The expression inside ``{{ }}``, where a keyword takes a template."""
    if isinstance(wish, str) and wish.startswith("{{") and wish.endswith("}}"):
        return wish[2:-2].strip()
    return wish


def _failed(error: ToolkitError | OSError, changes: tuple[Change, ...] = ()) -> _Ended:
    message = reason(error)
    return _Ended(
        status=Status.FAILED,
        registered={"changed": bool(changes), "failed": True, "msg": message},
        changes=changes,
        message=message,
        hint=getattr(error, "hint", ""),
    )


def _skipped(why: str, *, key: str = "skip_reason", **more: Any) -> _Ended:
    """A task that did not run; Ansible's words and keys, since playbooks read them."""
    registered = {"changed": False, "skipped": True, key: why, **more}
    return _Ended(status=Status.SKIPPED, registered=registered)


def _label(item: Any) -> str:
    return item if isinstance(item, str) else repr(item)


def run_play(
    play: Mapping[str, Any],
    host: Host,
    sink: EventSink,
    *,
    mode: Mode,
    journal: Journal,
    facts: Facts,
) -> Recap:
    """Run one play on this host and tell ``sink`` about it; failures are in the recap."""
    return Runner(play, host, sink, mode=mode, journal=journal, facts=facts).run()
