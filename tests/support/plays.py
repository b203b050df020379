"""Tasks for tests: one that writes a file, one that fails; and a play as the compiler makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from support.fake_host import FakeHost
from toolkit.core.errors import ToolkitError
from toolkit.core.events import ListSink
from toolkit.playbook.journal import Journal
from toolkit.playbook.results import Recap, TaskDone
from toolkit.playbook.runner import Mode, run_play
from toolkit.tasks.file_changes import Content, WriteFile
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.registry import Plan, task


@task("jot")
@dataclass(frozen=True, kw_only=True, slots=True)
class Jot:
    """Hold a file at a content; ``fails`` makes it fail after that."""

    path: str
    text: str = ""
    fails: bool = False
    aliases: ClassVar[Mapping[str, str]] = {"dest": "path"}
    proves: ClassVar[tuple[str, ...]] = ("CAP-01",)

    def plan(self, host: Host) -> Plan:
        """Write the file where its content differs."""
        found = host.files.stat(self.path)
        now = host.files.read(self.path) if found else None
        if now != self.text.encode():
            old = Content(data=now, attributes=Attributes(mode=0o644)) if now is not None else None
            new = Content(data=self.text.encode(), attributes=Attributes(mode=0o644))
            yield WriteFile(path=self.path, new=new, old=old)
        if self.fails:
            raise ToolkitError("it fails", hint="as told")
        return {"path": self.path, "ansible_facts": {"ansible_jotted": self.text}}


class NoJournal:
    """Keeps nothing."""

    def open_play(self, head: Mapping[str, Any]) -> None:
        del head

    def begin(self, entry: Mapping[str, Any]) -> None:
        del entry

    def settle(self) -> None:
        """Nothing was announced."""

    def fail(self) -> None:
        """Nothing was announced."""

    def path(self) -> str:
        return ""


class Ran:
    """What a run left: the host, the events, the recap."""

    def __init__(self, host: FakeHost, sink: ListSink, recap: Recap) -> None:
        self.host = host
        self.events = sink.events
        self.recap = recap

    @property
    def done(self) -> list[TaskDone]:
        return [event for event in self.events if isinstance(event, TaskDone)]

    @property
    def statuses(self) -> list[str]:
        return [event.status.value for event in self.done if event.item is None]

    def text(self, path: str) -> str:
        return self.host.files.read(path).decode()


def jot(path: str, text: str = "x", **keywords: Any) -> dict[str, Any]:
    fails = keywords.pop("fails", False)
    args = {"path": path, "text": text, **({"fails": True} if fails else {})}
    return {"module": "jot", "name": f"jot {path}", "args": args, **keywords}


def run_tasks(*tasks: dict[str, Any], host: FakeHost | None = None, **rest: Any) -> Ran:
    """Run a play of these tasks; ``rest`` are ``check diff journal`` and parts of the play."""
    sink, host = ListSink(), host or FakeHost()
    journal: Journal = rest.pop("journal", None) or NoJournal()
    mode = Mode(check=rest.pop("check", False), diff=rest.pop("diff", False), run="r1")
    handlers = rest.pop("handlers", [])
    numbered = [
        {"index": index, "place": f"site.yml:{index + 1}:1", **task}
        for index, task in enumerate([*tasks, *handlers])
    ]
    play = {
        "name": "play",
        "host": "h1",
        "tasks": numbered[: len(tasks)],
        "handlers": numbered[len(tasks) :],
        **rest,
    }
    recap = run_play(
        play, host, sink, mode=mode, journal=journal, facts=lambda _: {"ansible_system": "x"}
    )
    return Ran(host, sink, recap)
