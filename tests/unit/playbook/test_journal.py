"""The journal: on disk before the step, readable after a crash, free of secrets."""

import json
import os
from pathlib import Path

import pytest

from support.fake_host import FakeHost
from support.plays import jot, run_tasks
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.events import ListSink
from toolkit.playbook import journal as journals
from toolkit.playbook.journal import FileJournal
from toolkit.playbook.results import ChangeUndone
from toolkit.playbook.undo import undo_run


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_change_is_announced_then_settled(tmp_path: Path) -> None:
    root = tmp_path / "journal"
    ran = run_tasks(jot("/etc/a"), jot("/etc/b"), journal=FileJournal("r1", root=str(root)))
    found = lines(root / "r1.jsonl")
    assert [next(iter(line)) for line in found] == ["run", "step", "done", "step", "done"]
    assert found[1]["does"] == "make /etc/a (1 bytes)"
    assert ran.recap.journal == str(root / "r1.jsonl")
    assert (root.stat().st_mode & 0o777, (root / "r1.jsonl").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_a_run_without_a_change_leaves_no_journal(tmp_path: Path) -> None:
    host = run_tasks(jot("/etc/a")).host
    ran = run_tasks(
        jot("/etc/a"), host=host, journal=FileJournal("r1", root=str(tmp_path / "journal"))
    )
    assert ran.recap.journal == ""
    assert not (tmp_path / "journal").exists()


def test_plays_of_one_run_share_a_journal(tmp_path: Path) -> None:
    for path in ("/etc/a", "/etc/b"):
        run_tasks(jot(path), journal=FileJournal("r1", root=str(tmp_path)))
    assert [step.step for step in journals.read(str(tmp_path / "r1.jsonl"))] == [1, 2]


def test_secrets_are_not_in_it(tmp_path: Path) -> None:
    run_tasks(jot("/etc/a", "s3cret", no_log=True), journal=FileJournal("r1", root=str(tmp_path)))
    assert "s3cret" not in (tmp_path / "r1.jsonl").read_text()
    assert "czNjcmV0" not in (tmp_path / "r1.jsonl").read_text()


def test_undo_plays_the_inverses_back(tmp_path: Path) -> None:
    host = FakeHost()
    host.files.seed("/etc/a", "old")
    before = host.state()
    run_tasks(
        jot("/etc/a"),
        jot("/etc/b"),
        jot("/etc/a", "z"),
        host=host,
        journal=FileJournal("r1", root=str(tmp_path)),
    )
    assert host.state() != before
    sink = ListSink()
    told = undo_run("", host, sink, root=str(tmp_path))
    assert (told.run, told.undone, told.kept, told.failed) == ("r1", 3, 0, 0)
    assert host.state() == before
    assert [event.change for event in sink.events if isinstance(event, ChangeUndone)] == [
        "write /etc/a (1 bytes)",
        "make /etc/b (1 bytes)",
        "write /etc/a (1 bytes)",
    ]
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo_run("", host, sink, root=str(tmp_path))


def test_what_has_no_inverse_is_said(tmp_path: Path) -> None:
    host = run_tasks(jot("/etc/a", no_log=True), journal=FileJournal("r1", root=str(tmp_path))).host
    sink = ListSink()
    assert undo_run("r1", host, sink, root=str(tmp_path)).kept == 1
    event = sink.events[0]
    assert isinstance(event, ChangeUndone)
    assert event.message == "it has no inverse"


def test_a_failing_inverse_does_not_stop_the_others(tmp_path: Path) -> None:
    host = run_tasks(
        jot("/etc/a"), jot("/etc/b"), journal=FileJournal("r1", root=str(tmp_path))
    ).host
    host.files.remove("/etc/b")
    told = undo_run("r1", host, ListSink(), root=str(tmp_path))
    assert (told.undone, told.failed) == (1, 1)
    assert host.files.stat("/etc/a") is None


def test_a_change_that_was_refused_is_known_as_such(tmp_path: Path) -> None:
    run_tasks(jot("/nowhere/a"), journal=FileJournal("r1", root=str(tmp_path)))
    (step,) = journals.read(str(tmp_path / "r1.jsonl"))
    assert (step.done, step.failed) == (False, True)
    sink = ListSink()
    assert undo_run("r1", FakeHost(), sink, root=str(tmp_path)).kept == 1
    event = sink.events[0]
    assert isinstance(event, ChangeUndone)
    assert event.message.startswith("it had failed, and there is nothing of it")


@pytest.mark.parametrize("applied", [True, False])
def test_the_step_that_a_crash_interrupted(tmp_path: Path, applied: bool) -> None:
    host = run_tasks(
        jot("/etc/a"), jot("/etc/b"), journal=FileJournal("r1", root=str(tmp_path))
    ).host
    path = tmp_path / "r1.jsonl"
    text = "".join(path.read_text().splitlines(keepends=True)[:-1])
    path.write_text(text + '{"step": 3, "torn')
    if not applied:
        host.files.remove("/etc/b")
    assert [step.done for step in journals.read(str(path))] == [True, False]
    told = undo_run("r1", host, ListSink(), root=str(tmp_path))
    assert (told.undone + told.kept, told.failed) == (2, 0)
    assert host.files.stat("/etc/b") is None


@pytest.mark.parametrize("name", ["../x", "", ".x", "a/b"])
def test_a_run_s_name_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no name of a run"):
        journals.journal_path(name)


def test_a_broken_journal_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "r1.jsonl"
    path.write_text("{}\nx\n{}\n")
    with pytest.raises(InvalidInputError, match=r"r1\.jsonl:2"):
        journals.read(str(path))
    with pytest.raises(NotFoundError, match="'r2'"):
        journals.read(os.path.join(tmp_path, "r2.jsonl"))


def test_run_ids_sort_by_time() -> None:
    assert journals.new_run_id()[:4].isdigit()


def test_what_was_written_after_the_run_is_not_lost(tmp_path: Path) -> None:
    host = run_tasks(jot("/etc/a"), journal=FileJournal("r1", root=str(tmp_path))).host
    host.files.seed("/etc/a", "by hand")
    sink = ListSink()
    assert undo_run("r1", host, sink, root=str(tmp_path)).failed == 1
    event = sink.events[0]
    assert isinstance(event, ChangeUndone)
    assert "changed after the run" in event.message
    assert host.files.read("/etc/a") == b"by hand"
