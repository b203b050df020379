"""``include_tasks`` and ``include_role``: which tasks, for which items, with which variables."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import NotFoundError, ToolkitError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.ended import Ended, failed, skipped
from toolkit.playbook.results import Status

if TYPE_CHECKING:
    from toolkit.playbook.runner import Runner
    from toolkit.playbook.task_runner import TaskRunner

TaskData = Mapping[str, Any]


def run(tasks: "TaskRunner", runner: "Runner", task: TaskData, *, handler: bool) -> bool:
    """Run an include; false where the host must stop."""
    began = time.monotonic()
    done = tasks.begin(task, handler=handler)
    scope = runner.scope
    try:
        loop = tasks.items_or_none(task)
        count = 1 if loop is None else len(loop.values)
    except ToolkitError as error:
        tasks.report(task, failed(error), done, began)
        return False
    if not count:
        tasks.report(task, skipped("No items in the list"), done, began)
        return True
    layers, role = runner.layers(task)
    for number in range(count):
        scope.enter_task(*layers, role=role)
        if loop is not None:
            loop.enter(scope, number)
        shown = loop.label(scope, loop.values[number]) if loop else None
        try:
            ended, body = _chosen(runner, task)
        except ToolkitError as error:
            ended, body = failed(error), -1
        tasks.report(task, ended, replace(done, item=shown), began)
        if ended.status is Status.FAILED:
            ignored = tasks.flag(task, "ignore_errors", default=False)
            if not ignored:
                runner.remember_failure(task, ended)
                return False
            continue
        # The layers around it are those of its tasks as well; only its own are stronger there.
        own = layers[-1] if task.get("params") else {}
        if body >= 0 and task["module"] == "include_role":
            runner.remember_include(ended.registered["include"], own)
        if body >= 0 and not _inside(runner, body, own):
            return False
    return True


def _inside(runner: "Runner", body: int, own: Mapping[str, Any]) -> bool:
    runner.scope.enter_include(own)
    try:
        return runner.body(body)
    finally:
        runner.scope.leave_include()


def _chosen(runner: "Runner", task: TaskData) -> tuple[Ended, int]:
    """How the include itself ends, and the number of its tasks' list, -1 where it is skipped."""
    scope = runner.scope
    false = scope.holds(tuple(task.get("when", ())))
    if false is not None:
        return skipped("Conditional result was False", false_condition=false), -1
    arguments = {
        name: value for name, value in task["args"].items() if name not in ("apply", "public")
    }
    given = scope.render(arguments)
    if task["module"] == "include_tasks":
        name = shown = str(given.get("file") or given.get("_raw_params"))
    else:
        shown = str(given.get("name") or given.get("role"))
        name = f"{shown}|{given.get('tasks_from', 'main')}"
    bodies = task.get("bodies", {})
    if name not in bodies:
        known = [each.removesuffix("|main") for each in bodies]
        hint = did_you_mean(shown, known) or f"known: {', '.join(known) or 'none'}"
        raise NotFoundError(f"'{shown}' was not among what could be included", hint=hint)
    ended = Ended(
        status=Status.OK,
        registered={"changed": False, "failed": False, "include": shown},
        message=f"included {shown}",
    )
    return ended, int(bodies[name])
