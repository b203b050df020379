"""Runs one task on one host: its loop, its conditions, its tries, its verdict, its report."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.playbook import including
from toolkit.playbook.applying import Applying
from toolkit.playbook.crossing import Crossing
from toolkit.playbook.ended import Ended, UnforeseenError, failed, skipped
from toolkit.playbook.journal import HIDDEN
from toolkit.playbook.looping import Loop, label
from toolkit.playbook.results import Status, TaskDone, TaskStarted, worst
from toolkit.playbook.sources import Sources
from toolkit.tasks.host import Host

if TYPE_CHECKING:
    from toolkit.playbook.runner import Runner

TaskData = Mapping[str, Any]
NOT_SO = "Conditional result was False"
ITEMS_DONE = {Status.FAILED: "One or more items failed", Status.SKIPPED: "All items skipped"}


class NotNeededError(Exception):
    """A loop that cannot be rendered belongs to a task whose condition is false anyway."""

    def __init__(self, false: str | bool) -> None:
        super().__init__(str(false))
        self.false = false


@dataclass(frozen=True, kw_only=True, slots=True)
class Tries:
    """How often a task is tried until its condition holds."""

    most: int
    delay: float
    until: tuple[str | bool, ...]


class TaskRunner:
    """The tasks of one play on one host."""

    def __init__(self, runner: "Runner", host: Host, sources: Sources) -> None:
        self._runner = runner
        self._scope = runner.scope
        self._sources = sources
        self._applying = Applying(runner, host, sources)
        self._crossing = Crossing(runner, self._applying)

    def proves(self) -> tuple[str, ...]:
        """The checks that prove what was applied."""
        return self._applying.proves()

    def meet(self, task: TaskData) -> None:
        """Wait for the other hosts where the play's order asks for it."""
        self._crossing.meet(task)

    def tell(self) -> None:
        """Tell the controller what this host has learned, for others to see."""
        self._crossing.tell()

    def run(self, task: TaskData, *, handler: bool = False) -> bool:
        """Run one task with all its items; false where the host must stop."""
        began = time.monotonic()
        done = self.begin(task, handler=handler)
        try:
            shared = self._crossing.shared(task)
            if shared is not None:
                return self._take(task, shared)
            items = self._items(task)
        except NotNeededError as error:
            ended, count = skipped(NOT_SO, false_condition=error.false), 0
        except ToolkitError as error:
            ended, count = _refused(error), 0
        else:
            if items is None:
                ended, count = self._once(task), 0
            else:
                ended, count = self._loop(task, items, done), len(items.values)
        return self._finish(task, ended, replace(done, items=count), began)

    def _take(self, task: TaskData, shared: Mapping[str, Any]) -> bool:
        """Another host has run this task for all: register what it had."""
        registered = dict(shared["registered"])
        if task.get("register"):
            self._scope.learn(task["register"], registered)
        self._scope.learn_facts(registered.get("ansible_facts", {}))
        for name, value in shared.get("facts", {}).items():
            self._scope.learn(name, value)
        return not registered.get("failed") or bool(shared.get("ignored"))

    def begin(self, task: TaskData, *, handler: bool) -> TaskDone:
        """Use the task's variables, and tell that it begins."""
        layers, role = self._runner.layers(task)
        self._scope.enter_task(*layers, role=role)
        self._sources.use(task, self._scope)
        name = self._title(task)
        host = self._runner.recap.host
        if not task.get("implicit"):
            self._runner.send(
                TaskStarted(host=host, task=name, index=task["index"], handler=handler)
            )
        return TaskDone(
            host=host,
            task=name,
            index=task["index"],
            module=task["module"],
            place=task["place"],
            status=Status.OK,
            handler=handler,
        )

    def _title(self, task: TaskData) -> str:
        """The task's name; an expression in it that cannot be rendered is shown as written."""
        try:
            name = str(self._scope.render(task["name"])) or str(task["module"])
        except InvalidInputError:
            name = str(task["name"])
        if "role" in task:
            return f"{self._runner.play['roles'][task['role']]['name']} : {name}"
        return name

    def _items(self, task: TaskData) -> Loop | None:
        """The items of the task's loop, or ``None`` where it has none."""
        if "loop" not in task and "with" not in task:
            return None
        try:
            return Loop.of(task, self._scope)
        except InvalidInputError as error:
            false = self._is_off(task)
            if false is None:
                raise
            raise NotNeededError(false) from error

    def _is_off(self, task: TaskData) -> str | bool | None:
        """The condition that is false without any item, so that its loop does not matter."""
        try:
            return self._scope.holds(tuple(task.get("when", ())))
        except InvalidInputError:
            return None

    def _loop(self, task: TaskData, loop: Loop, done: TaskDone) -> Ended:
        results: list[dict[str, Any]] = []
        ended: list[Ended] = []
        for number, item in enumerate(loop.values):
            began = time.monotonic()
            if number and loop.pause(self._scope):
                time.sleep(loop.pause(self._scope))
            names = loop.enter(self._scope, number)
            one = self._once(task)
            ended.append(one)
            results.append({**one.registered, **names})
            shown = loop.label(self._scope, item)
            self._runner.send(self.event(task, one, replace(done, item=shown), began))
            if self._breaks(loop, task, one):
                break
        if not loop.values:
            return skipped("No items in the list", key="skipped_reason", results=[])
        return _whole(ended, results)

    def _breaks(self, loop: Loop, task: TaskData, one: Ended) -> bool:
        conditions = tuple(loop.control.get("break_when", ()))
        if not conditions:
            return False
        if task.get("register"):
            self._scope.set_local(task["register"], one.registered)
        return self._scope.holds(conditions) is None

    def _once(self, task: TaskData) -> Ended:
        """Run the task's module until it is right: for the current item, or without one."""
        try:
            false = self._scope.holds(tuple(task.get("when", ())))
            if false is not None:
                return skipped(NOT_SO, false_condition=false)
            return self._tried(task)
        except UnforeseenError as error:
            return skipped(error.message)
        except (ToolkitError, OSError) as error:
            return failed(error)

    def _tried(self, task: TaskData) -> Ended:
        tries = self._tries(task)
        if tries is None:
            return self._judge(task, self._attempt(task))
        for number in range(1, tries.most + 1):
            ended = self._judge(task, self._attempt(task))
            ended.registered["attempts"] = number
            if self._is_right(task, ended, tries):
                return ended
            if number < tries.most:
                time.sleep(tries.delay)
        # As Ansible counts: the last one, which gave up, is no attempt.
        ended.registered["attempts"] = max(1, tries.most - 1)
        message = ended.message or f"'until' did not hold after {tries.most} tries"
        registered = {
            **ended.registered,
            "failed": True,
            "msg": ended.registered.get("msg", message),
        }
        return replace(ended, registered=registered, message=message, status=Status.FAILED)

    def _is_right(self, task: TaskData, ended: Ended, tries: Tries) -> bool:
        if not tries.until:
            return not ended.registered.get("failed")
        if ended.registered.get("skipped"):
            return True
        if task.get("register"):
            self._scope.learn(task["register"], ended.registered)
        return self._scope.holds(tries.until) is None

    def _tries(self, task: TaskData) -> Tries | None:
        """How often to try; as Ansible counts, ``retries`` come after the first try."""
        if "until" not in task and "retries" not in task:
            return None
        retries = self._number(task.get("retries"), 2)
        return Tries(
            most=max(1, int(retries) + 1),
            delay=self._number(task.get("delay"), 5),
            until=tuple(task.get("until", ())),
        )

    def _number(self, value: Any, default: float) -> float:
        rendered = default if value is None else self._scope.render(value)
        try:
            return float(rendered)
        except (TypeError, ValueError):
            raise InvalidInputError(f"expected a number, not {rendered!r}") from None

    def _attempt(self, task: TaskData) -> Ended:
        elsewhere = self._crossing.delegated(task)
        return elsewhere if elsewhere is not None else self._applying.attempt(task)

    def _judge(self, task: TaskData, ended: Ended) -> Ended:
        """Register the result and let ``changed_when`` and ``failed_when`` have the last word."""
        registered = ended.registered
        if not self._crossing.facts_elsewhere(task, registered):
            self._scope.learn_facts(registered.get("ansible_facts", {}))
        if task.get("register"):
            self._scope.learn(task["register"], registered)
        if registered.get("skipped"):
            return ended.with_status()
        if task.get("changed_when") is not None and "async" not in task:
            registered["changed"] = self._scope.holds(tuple(task["changed_when"])) is None
        message = ended.message
        if task.get("failed_when") is not None:
            fails = self._scope.holds(tuple(task["failed_when"])) is None
            registered["failed"] = registered["failed_when_result"] = fails
            message = (message or "its 'failed_when' holds") if fails else message
            if not fails and ended.status is Status.FAILED:
                message = ""
        return replace(ended, message=message).with_status()

    def _finish(self, task: TaskData, ended: Ended, done: TaskDone, began: float) -> bool:
        """Register, notify, count and report the task; false where the host must stop."""
        ignored = False
        try:
            if ended.status is Status.FAILED:
                ignored = self.flag(task, "ignore_errors", default=False)
            elif ended.registered.get("changed"):
                names = [self._scope.render(name) for name in task.get("notify", ())]
                self._runner.notify(
                    [str(n) for name in names for n in (name if isinstance(name, list) else [name])]
                )
        except ToolkitError as error:
            ended = failed(error, ended.changes)
        if task.get("register"):
            self._scope.learn(task["register"], ended.registered)
        self.report(task, ended, replace(done, ignored=ignored), began)
        self._crossing.told(task, ended, ignored=ignored)
        if ended.status is Status.FAILED and not ignored:
            self._runner.remember_failure(task, ended)
            return False
        return True

    def report(self, task: TaskData, ended: Ended, done: TaskDone, began: float) -> None:
        """Count the task and tell how it ended."""
        if task.get("implicit"):
            return
        self._count(ended, ignored=done.ignored)
        self._runner.send(self.event(task, ended, done, began))

    def flag(self, task: TaskData, name: str, *, default: bool) -> bool:
        """A keyword that is true, false, or an expression."""
        wish = task.get(name)
        if wish is None:
            return default
        if isinstance(wish, bool):
            return wish
        value = self._scope.render(wish)
        if isinstance(value, str) and value.lower() in ("", "no", "false", "off", "0", "none"):
            return False
        return bool(value)

    def _count(self, ended: Ended, *, ignored: bool) -> None:
        recap = self._runner.recap
        good = ended.status in (Status.OK, Status.CHANGED) or ignored
        self._runner.recap = replace(
            recap,
            ok=recap.ok + good,
            changed=recap.changed + bool(good and ended.registered.get("changed")),
            skipped=recap.skipped + (ended.status is Status.SKIPPED),
            failed=recap.failed + (ended.status is Status.FAILED and not ignored),
            ignored=recap.ignored + ignored,
        )

    def event(self, task: TaskData, ended: Ended, done: TaskDone, began: float) -> TaskDone:
        """What is told of one execution; nothing but its status under ``no_log``."""
        seconds = time.monotonic() - began
        if self.flag(task, "no_log", default=False):
            shown = (HIDDEN,) if ended.changes or ended.told else ()
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
        told = ended.told or tuple(change.describe() for change in ended.changes)
        return replace(
            done,
            status=ended.status,
            changes=told,
            diff=self._diff(task, ended),
            message=ended.message or _why_skipped(ended),
            hint=ended.hint,
            seconds=seconds,
        )

    def _diff(self, task: TaskData, ended: Ended) -> tuple[str, ...]:
        if not self.flag(task, "diff", default=self._runner.mode.diff):
            return ()
        if ended.told:
            return ended.differences
        found = (change.difference() for change in ended.changes)
        return tuple(one.unified() if one else "" for one in found)

    def include(self, task: TaskData, *, handler: bool = False) -> bool:
        """Run the tasks that an include names: for each item, those of the file it chooses."""
        return including.run(self, self._runner, task, handler=handler)

    def items_or_none(self, task: TaskData) -> Loop | None:
        """The loop of an include; one that is not needed has no items."""
        try:
            return self._items(task)
        except NotNeededError:
            return Loop(values=[], control={})

    def show(self, value: Any) -> str:
        """An item as it is told."""
        return label(value)


def _refused(error: ToolkitError) -> Ended:
    return skipped(error.message) if isinstance(error, UnforeseenError) else failed(error)


def _why_skipped(ended: Ended) -> str:
    """The reason where it is not the usual one."""
    why = str(ended.registered.get("skip_reason", ""))
    return why if ended.status is Status.SKIPPED and why.startswith("check mode") else ""


def _whole(ended: list[Ended], results: list[dict[str, Any]]) -> Ended:
    """What a loop's register keeps: every item's result, and what they have in common."""
    status = worst(one.status for one in ended)
    bad = next((one for one in ended if one.status is Status.FAILED), None)
    registered: dict[str, Any] = {
        "results": results,
        "changed": any(one.registered.get("changed") for one in ended),
        "skipped": status is Status.SKIPPED,
        "msg": ITEMS_DONE.get(status, "All items completed"),
    }
    if bad is not None:
        registered["failed"] = True
    return Ended(
        status=status,
        registered=registered,
        message=bad.message if bad else "",
        hint=bad.hint if bad else "",
    )
