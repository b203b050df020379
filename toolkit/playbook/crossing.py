"""Where a host's play meets other hosts: one for all, another in its place, all together.

Whatever crosses hosts is a question to the controller, which knows them all.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import UnavailableError
from toolkit.playbook.actions import ACTIONS
from toolkit.playbook.ended import Ended, EndPlay
from toolkit.playbook.results import Status

if TYPE_CHECKING:
    from toolkit.playbook.applying import Applying
    from toolkit.playbook.runner import Runner

TaskData = Mapping[str, Any]
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Crossing:
    """The questions of one play on one host."""

    def __init__(self, runner: "Runner", applying: "Applying") -> None:
        self._runner = runner
        self._scope = runner.scope
        self._applying = applying
        self._ask = runner.seams.ask
        self._linear = bool(runner.play.get("linear"))
        self._reported: dict[str, Any] = {}

    def meet(self, task: TaskData) -> None:
        """Wait until every host has come here, where the play runs in step.

        What this host has learned is told, so that others see it in ``hostvars``.
        """
        if not self._linear or task.get("implicit"):
            return
        answer = self._ask({"do": "meet", "task": task["index"], "known": self._news()})
        self._scope.find("hostvars").forget()
        if not answer["go"]:
            raise EndPlay

    def _news(self) -> dict[str, Any]:
        """Results, set facts and facts that were not told yet."""
        if not self._runner.play.get("asks_hostvars"):
            return {}
        memory = self._scope.memory
        news: dict[str, Any] = {"known": {}, "facts": {}}
        for kind, now in (
            ("known", memory.known),
            ("facts", {**(memory.facts or {}), **memory.told}),
        ):
            for name, value in now.items():
                key = f"{kind} {name}"
                if key not in self._reported or self._reported[key] is not value:
                    self._reported[key] = value
                    news[kind][name] = value
        return {kind: plain(values) for kind, values in news.items() if values}

    def tell(self) -> None:
        """Tell what was learned at the end of the play."""
        news = self._news()
        if news:
            self._ask({"do": "tell", "known": news})

    def shared(self, task: TaskData) -> Mapping[str, Any] | None:
        """The result of a ``run_once`` task that another host has run, ``None`` to run it here."""
        if not self._runner.tasks.flag(task, "run_once", default=False):
            return None
        said = self._ask({"do": "once", "task": task["index"]})
        return None if said.get("run") else said

    def told(self, task: TaskData, ended: Ended, *, ignored: bool) -> None:
        """Hand the result of a ``run_once`` task to the other hosts; say where a host failed."""
        if self._runner.tasks.flag(task, "run_once", default=False):
            facts: Any = {}
            if task["module"] == "set_fact":
                facts = ended.registered.get("ansible_facts", {})
            self._ask(
                {
                    "do": "once.done",
                    "task": task["index"],
                    "registered": plain(ended.registered),
                    "facts": plain(facts),
                    "ignored": ignored,
                }
            )
        fatal = self._runner.tasks.flag(
            task,
            "any_errors_fatal",
            default=bool(self._runner.play.get("any_errors_fatal", False)),
        )
        if ended.status is Status.FAILED and not ignored and fatal:
            self._ask({"do": "fatal", "task": task["index"]})

    def delegated(self, task: TaskData) -> Ended | None:
        """Run the task's module on another host; ``None`` where it belongs here."""
        if "delegate_to" not in task:
            return None
        host = str(self._scope.render(task["delegate_to"]))
        own = self._runner.recap.host
        if host == own or (task["module"] in ACTIONS and task["module"] not in ("setup", "ping")):
            return None
        if host in _LOCAL and self._runner.play.get("is_controller"):
            return None
        flag = self._runner.tasks.flag
        said = self._ask(
            {
                "do": "delegate",
                "host": host,
                "module": task["module"],
                "args": plain(self._applying.resolved(task)),
                "check": self._applying.checks(task),
                "diff": flag(task, "diff", default=self._runner.mode.diff),
                "become": flag(task, "become", default=False),
                "become_user": str(self._scope.render(task.get("become_user", "")) or "root"),
                "environment": self._applying.environment(task),
                "name": str(task["name"]),
                "place": task["place"],
                "no_log": flag(task, "no_log", default=False),
                "timeout": task.get("timeout", 0),
            }
        )
        if said.get("unreachable"):
            raise UnavailableError(said["message"])
        registered = dict(said["registered"])
        return Ended(
            status=Status.FAILED if registered.get("failed") else Status.OK,
            registered=registered,
            message=said.get("message", ""),
            hint=said.get("hint", ""),
            told=tuple(said.get("changes", ())),
            differences=tuple(said.get("diff", ())),
        ).with_status()

    def facts_elsewhere(self, task: TaskData, registered: Mapping[str, Any]) -> bool:
        """Give facts to the host that a task was delegated to, where it says so."""
        facts = registered.get("ansible_facts")
        if not facts or "delegate_to" not in task:
            return False
        if not self._runner.tasks.flag(task, "delegate_facts", default=False):
            return False
        host = str(self._scope.render(task["delegate_to"]))
        if host == self._runner.recap.host:
            return False
        kind = "known" if task["module"] == "set_fact" else "facts"
        self._ask({"do": "facts", "host": host, "known": {kind: plain(facts)}})
        return True


def plain(value: Any) -> Any:
    """A value as JSON can carry it."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    return repr(value)
