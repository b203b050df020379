"""What the controller answers in the middle of a play, beside files and lookups."""

import threading
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli.dialogue import Dialogue, Shared
from toolkit.cli.person import Terminal
from toolkit.cli.sessions import Sessions
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.fleet.links import Options
from toolkit.fleet.meeting import Known, Meeting
from toolkit.inventory.load import load

HOSTS = "[web]\na\nb\n[db]\nc\n"


class Asked:
    """The questions of some hosts of one run."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hosts"
        self.file.write_text(HOSTS)
        self.reads = 0
        self.shared = Shared(
            sessions=Sessions(load(str(self.file)), Options()),
            known=Known(),
            person=Terminal(),
            environment={},
            reload=self._load,
        )
        self.meeting = Meeting(hosts=("a", "b"))

    def _load(self) -> Any:
        self.reads += 1
        return load(str(self.file))

    def __call__(self, by: str, do: str, **what: Any) -> Any:
        everyone = ("a", "b")
        one = Dialogue(self.shared, by, self.meeting, files={}, base="/", everyone=everyone)
        return one.answer({"do": do, **what}, b"").result


@pytest.fixture
def ask(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


def test_a_refresh_reads_the_files_once_for_a_task_and_keeps_what_plays_added(ask: Asked) -> None:
    ask("a", "add_host", host="new", groups=["web"], variables={"v": 1})
    ask("b", "group_by", group="os_x", parents=["all"])
    ask.file.write_text(HOSTS + "d\n")
    assert ask("a", "refresh_inventory", task=3)["groups"]["db"] == ["c", "d"]
    groups = ask("b", "refresh_inventory", task=3)["groups"]
    assert (groups["web"], groups["os_x"], ask.reads) == (["a", "b", "new"], ["b"], 1)
    ask("a", "refresh_inventory", task=4)
    assert ask.reads == 2
    assert ask.shared.sessions.inventory.variables("new") == {"v": 1}


def test_a_refresh_of_a_broken_file_changes_nothing(ask: Asked) -> None:
    ask.file.write_text("[web:nonsense]\n")
    with pytest.raises(InvalidInputError):
        ask("a", "refresh_inventory", task=1)
    assert "c" in ask.shared.sessions.inventory.hosts


def test_cleared_errors_are_those_of_the_plays_hosts(ask: Asked) -> None:
    ask.shared.stopped.update({"a", "c"})
    ask.meeting.leave("b", failed=True)
    ask("a", "clear_host_errors")
    assert ask.shared.stopped == {"c"}
    assert ask.meeting.forgiven == {"b"}


def test_hosts_meet_and_one_runs_for_all(ask: Asked) -> None:
    went: list[bool] = []
    waiting = threading.Thread(target=lambda: went.append(ask("a", "meet", task=1)["go"]))
    waiting.start()
    assert ask("b", "meet", task=1)["go"]
    waiting.join()
    assert went == [True]
    assert ask("a", "once", task=2) == {"run": True}
    said = {"registered": {"rc": 0}, "facts": {}, "ignored": False}
    ask("a", "once.done", task=2, **said)
    assert ask("b", "once", task=2) == said


def test_hosts_tell_and_are_told_of(ask: Asked) -> None:
    ask("b", "tell", known={"known": {"r": 1}})
    assert ask("a", "hostvars", host="b")["known"] == {"r": 1}
    with pytest.raises(NotFoundError, match="there is no host 'bb'"):
        ask("a", "hostvars", host="bb")
    with pytest.raises(NotFoundError, match="nothing is known of the question 'sing'"):
        ask("a", "sing")
