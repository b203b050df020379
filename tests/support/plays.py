"""Tasks for tests: one that writes a file, one that fails; and a play as the compiler makes it."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from support.fake_host import FakeHost
from toolkit.core.errors import ToolkitError
from toolkit.core.events import ListSink
from toolkit.playbook.asking import nobody
from toolkit.playbook.compiler import compile_play
from toolkit.playbook.handlers import NoPending
from toolkit.playbook.journal import Journal
from toolkit.playbook.loader import load
from toolkit.playbook.results import Recap, TaskDone
from toolkit.playbook.runner import Mode, Seams, run_play
from toolkit.playbook.scope import Memory
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
    mode = replace(mode, **rest.pop("mode", {}))
    seams = Seams(
        journal=journal,
        facts=lambda _: {"ansible_system": "x"},
        ask=rest.pop("ask", nobody),
        memory=rest.pop("memory", None) or Memory(),
        pending=rest.pop("pending", None) or NoPending(),
    )
    handlers = rest.pop("handlers", [])
    count = iter(range(1000))
    nodes = [_numbered(node, count) for node in (*tasks, *handlers)]
    rest["bodies"] = [[_numbered(node, count) for node in body] for body in rest.get("bodies", [])]
    play = {
        "name": "play",
        "host": "h1",
        "tasks": nodes[: len(tasks)],
        "handlers": nodes[len(tasks) :],
        **rest,
    }
    recap = run_play(play, host, sink, mode=mode, seams=seams)
    return Ran(host, sink, recap)


def _numbered(node: dict[str, Any], count: Iterator[int]) -> dict[str, Any]:
    if "block" in node:
        return {part: [_numbered(each, count) for each in nodes] for part, nodes in node.items()}
    index = next(count)
    return {"index": index, "place": f"site.yml:{index + 1}:1", **node}


def act(module: str, name: str = "", *, keywords: dict[str, Any] | None = None, **args: Any) -> Any:
    """A task of any module; ``keywords`` stand beside it."""
    return {"module": module, "name": name or module, "args": args, **(keywords or {})}


def run_site(folder: Path, tasks: str, files: Mapping[str, str] | None = None, **rest: Any) -> Ran:
    """Load, compile and run a play whose ``tasks`` are YAML; ``files`` lie beside it.

    ``play`` is the text of more of the play's keywords, ``check``, ``ask`` and so on as in
    ``run_tasks``.
    """
    text = f"- hosts: all\n  gather_facts: false\n{rest.pop('play', '')}"
    body = textwrap.indent(textwrap.dedent(tasks), "    ")
    for name, content in {**(files or {}), "site.yml": f"{text}  tasks:\n{body}"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    (play,) = load(str(folder / "site.yml")).plays
    made = compile_play(play)
    host = rest.pop("host", None) or FakeHost()
    host.artifacts.update(made.files)
    data = made.for_host("h1", variables=rest.pop("variables", {}), extra=rest.pop("extra", {}))
    whole = json.loads(json.dumps(data.data))
    handlers, tasks_data = whole.pop("handlers"), whole.pop("tasks")
    whole = {key: value for key, value in whole.items() if key not in ("name", "host")}
    return run_tasks(*tasks_data, host=host, handlers=handlers, **{**whole, **rest})


def messages(ran: Ran) -> list[str]:
    """What the play's ``debug`` tasks showed."""
    return [event.message for event in ran.done if event.module == "debug"]
