"""Applies one task's module on a host: real or planned, as which user, with what journal."""

import contextlib
import signal
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError, ToolkitError, UnavailableError
from toolkit.playbook import acts, background
from toolkit.playbook.actions import ACTIONS
from toolkit.playbook.ended import Ended, Unforeseen, failed
from toolkit.playbook.journal import HIDDEN
from toolkit.playbook.results import Status
from toolkit.playbook.scope import OMIT
from toolkit.playbook.sources import Sources
from toolkit.tasks import registry
from toolkit.tasks.changes import Change, to_data
from toolkit.tasks.commanding import UNFORESEEN
from toolkit.tasks.host import Host
from toolkit.tasks.perform import perform

if TYPE_CHECKING:
    from toolkit.playbook.runner import Runner

TaskData = Mapping[str, Any]


class Applying:
    """The host's side of every task of a play."""

    def __init__(self, runner: "Runner", host: Host, sources: Sources) -> None:
        self._runner = runner
        self._scope = runner.scope
        self._real = host
        self._planned: Host | None = None
        self._sources = sources
        self._proves: dict[str, None] = {}

    def proves(self) -> tuple[str, ...]:
        """The checks that prove what was applied."""
        return tuple(self._proves)

    def arguments(self, task: TaskData) -> dict[str, Any]:
        """The task's arguments, rendered; one that is ``omit`` is left out."""
        whole = self._scope.render(task["args"])
        more = task.get("args_from")
        if more:
            whole = {**self._scope.render(more), **whole}
        found: dict[str, Any] = _without_omitted(whole)
        return found

    def checks(self, task: TaskData) -> bool:
        """Whether the task runs in check mode."""
        wish = task.get("check_mode")
        if wish is None:
            return self._runner.mode.check
        return self._runner.tasks.flag(task, "check_mode", default=self._runner.mode.check)

    def host(self, *, check: bool) -> Host:
        """The host that a task changes."""
        return self._planned_host() if check else self._real

    def attempt(self, task: TaskData) -> Ended:
        """Run the task's module once, whatever it is."""
        if task["module"] in ACTIONS:
            return acts.act(self._runner, self, task)
        with self.acting(task), _within(self._seconds(task, "timeout")):
            if task.get("async") and not self.checks(task):
                return self._in_background(task)
            return self._applied(task)

    def _seconds(self, task: TaskData, name: str) -> float:
        value = self._scope.render(task.get(name, 0))
        try:
            return float(value or 0)
        except (TypeError, ValueError):
            raise InvalidInputError(f"'{name}': expected a number, not {value!r}") from None

    @contextlib.contextmanager
    def acting(self, task: TaskData) -> Iterator[None]:
        """As the task's user, with its environment."""
        user, environment = self._user(task), self.environment(task)
        if not user and not environment:
            yield
            return
        with self._real.acting(user=user, environment=environment):
            yield

    def _user(self, task: TaskData) -> str:
        """The user to run as, empty for the agent's own."""
        mode = self._runner.mode
        play = self._runner.play
        default = bool(play.get("become_default", False))
        if not self._runner.tasks.flag(task, "become", default=default):
            return mode.login
        user = str(self._scope.render(task.get("become_user", "")))
        user = user or str(play.get("become_user_default", "root"))
        if user == "root":
            if not mode.root:
                raise ToolkitError(
                    "'become' needs root on the host", hint="connect as root, or allow sudo"
                )
            return ""
        if not mode.root:
            raise ToolkitError(f"only root can become '{user}'", hint="allow sudo to root")
        return user

    def environment(self, task: TaskData) -> dict[str, str]:
        """The variables that the task's programs see beside the usual ones."""
        found: dict[str, str] = {}
        for part in task.get("environment", ()):
            given = self._scope.render(part)
            if not isinstance(given, Mapping):
                raise InvalidInputError(f"'environment': expected a mapping, not {given!r}")
            found.update({str(key): str(value) for key, value in given.items() if value != OMIT})
        return found

    def _applied(self, task: TaskData) -> Ended:
        """Apply what the module plans; a failure keeps the changes that came before it."""
        made = self._made(task)
        applied: list[Change] = []
        announced = 0

        def announce(change: Change) -> None:
            nonlocal announced
            self._announce(task, change)
            announced += 1

        journal = self._runner.seams.journal
        check = self.checks(task)
        try:
            if check:
                outcome = perform(made, self._planned_host(), applied=applied)
            else:
                outcome = perform(made, self._real, before=announce, applied=applied)
        except (ToolkitError, OSError) as error:
            if announced > len(applied):
                journal.fail()
            return failed(error, tuple(applied))
        finally:
            if announced == len(applied):  # else the last one may be half done: undo must know
                journal.settle()
        return of_outcome(outcome.registered(), outcome.changes)

    def _made(self, task: TaskData) -> registry.Task:
        """The task module with its arguments rendered and checked."""
        module = str(task["module"])
        arguments = self._sources.resolve(module, self.arguments(task), self._scope, task)
        made = registry.build(module, arguments)
        self._proves.update(dict.fromkeys(made.proves))
        return made

    def resolved(self, task: TaskData) -> dict[str, Any]:
        """The arguments with what they need of the controller's files, for another host."""
        module = str(task["module"])
        return self._sources.resolve(module, self.arguments(task), self._scope, task)

    def _planned_host(self) -> Host:
        if self._planned is None:
            from toolkit.tasks.planned import PlannedHost  # noqa: PLC0415 - check mode only

            self._planned = PlannedHost(self._real)
        return self._planned

    def _announce(self, task: TaskData, change: Change) -> None:
        hidden = self._runner.tasks.flag(task, "no_log", default=False)
        inverse = None if hidden else change.inverse()
        entry = {
            "task": task["name"],
            "place": task["place"],
            "does": HIDDEN if hidden else change.describe(),
            "inverse": to_data(inverse) if inverse else None,
        }
        with self._real.acting(user="", environment={}):
            self._runner.seams.journal.begin(self._runner.seams.secrets.hide_entry(entry))

    def _in_background(self, task: TaskData) -> Ended:
        """Start the module in a process of its own, and wait for it if ``poll`` says so."""
        poll = self._seconds(task, "poll") if "poll" in task else background.POLL_SECONDS
        limit = self._seconds(task, "async")
        made = self._made(task)
        job = background.start(lambda: perform(made, self._real).registered(), limit)
        self._announce_background(task, job)
        if not poll:
            values = {"ansible_job_id": job, "started": True, "finished": False}
            registered = {"changed": True, "failed": False, "results_file": "", **values}
            registered["results_file"] = background.path_of(job)
            return Ended(status=Status.CHANGED, registered=registered)
        registered = background.wait(job, limit, poll)
        ended = of_outcome({"changed": False, "failed": False, **registered}, ())
        return Ended(
            status=ended.status,
            registered={**ended.registered, "ansible_job_id": job, "finished": True},
            message=str(registered.get("msg", "")) if registered.get("failed") else "",
        )

    def _announce_background(self, task: TaskData, job: str) -> None:
        entry = {"task": task["name"], "place": task["place"], "does": f"start job {job}"}
        journal = self._runner.seams.journal
        with self._real.acting(user="", environment={}):
            journal.begin({**entry, "inverse": None})
            journal.settle()


def of_outcome(registered: dict[str, Any], changes: tuple[Change, ...]) -> Ended:
    """What a module gave, with the status that it tells itself."""
    said = str(registered.pop("_said", ""))
    message = str(registered.get("msg", "")) if registered.get("failed") else ""
    if message and said:
        message = f"{message}: {said}"
    for name in registered.pop(UNFORESEEN, ()):
        registered[name] = Unforeseen(name)
    return Ended(
        status=Status.FAILED if registered.get("failed") else Status.OK,
        registered=registered,
        changes=changes,
        message=message,
    ).with_status()


def _without_omitted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_omitted(each) for key, each in value.items() if each != OMIT}
    if isinstance(value, list):
        return [_without_omitted(each) for each in value if each != OMIT]
    return value


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """A time limit, by the one alarm of the process; none for 0."""
    if not seconds:
        yield
        return

    def late(*_: object) -> None:
        raise UnavailableError(f"the task did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
