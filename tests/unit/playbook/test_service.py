"""What an agent calls: plain data in, plain data out."""

from pathlib import Path
from typing import Any

import pytest

from support.fake_host import FakeHost
from support.plays import jot
from toolkit.core.errors import NotFoundError
from toolkit.playbook import journal, service
from toolkit.playbook.service import Place

PLAY = {
    "name": "p",
    "host": "h1",
    "tasks": [{"index": 0, "place": "s:1:1", **jot("/etc/a", "{{ ansible_hostname is defined }}")}],
}


class Sent:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Any) -> None:
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]


def test_apply_then_undo(tmp_path: Path) -> None:
    host, sent, root = FakeHost(), Sent(), str(tmp_path / "journal")
    params = {"play": PLAY, "mode": {"run": "r1"}}
    recap = service.apply(params, Place(host=host, send=sent, root=root))
    assert (recap["changed"], recap["journal"]) == (1, f"{root}/r1.jsonl")
    assert sent.kinds == ["play.started", "task.started", "task.done", "play.done"]
    told = service.undo({"run": "r1", "host": "h1"}, host=host, send=sent, root=root)
    assert (told["host"], told["run"], told["undone"]) == ("h1", "r1", 1)
    assert sent.kinds[-2:] == ["change.undone", "undo.done"]
    assert host.files.stat("/etc/a") is None


def test_check_leaves_no_journal(tmp_path: Path) -> None:
    host = FakeHost()
    params = {"play": PLAY, "mode": {"check": True}}
    recap = service.apply(params, Place(host=host, send=Sent(), root=str(tmp_path / "journal")))
    assert (recap["changed"], recap["journal"]) == (1, "")
    assert not (tmp_path / "journal").exists()


def test_a_run_without_a_name_gets_one(tmp_path: Path) -> None:
    recap = service.apply(
        {"play": PLAY}, Place(host=FakeHost(), send=Sent(), root=str(tmp_path / "j"))
    )
    assert journal.runs(str(tmp_path / "j")) == (recap["run"],)


def test_there_may_be_nothing_to_undo(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing to undo"):
        service.undo({}, host=FakeHost(), send=Sent(), root=str(tmp_path))
