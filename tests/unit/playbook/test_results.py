"""Statuses, events on the wire, and counts."""

import json

import pytest

from toolkit.playbook.results import (
    ChangeUndone,
    Event,
    PlayStarted,
    Recap,
    Status,
    TaskDone,
    TaskStarted,
    UndoDone,
    from_data,
    reason,
    to_data,
    worst,
)

EVENTS: list[Event] = [
    PlayStarted(host="h", play="p", run="r", tasks=3),
    TaskStarted(host="h", task="t", index=1, handler=True),
    TaskDone(
        host="h",
        task="t",
        index=1,
        module="file",
        place="f:1:1",
        status=Status.CHANGED,
        changes=("a", "b"),
        diff=("", "x"),
        item="i",
    ),
    Recap(host="h", ok=1, proves=("A-1",), pending=("tell",)),
    ChangeUndone(host="h", change="c", status=Status.SKIPPED, message="m"),
    UndoDone(host="h", run="r", undone=1, kept=2, failed=0),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_the_wire(event: Event) -> None:
    assert from_data(json.loads(json.dumps(to_data(event)))) == event


def test_the_worst_status_speaks_for_all() -> None:
    assert worst([Status.OK, Status.CHANGED, Status.SKIPPED]) is Status.CHANGED
    assert worst([Status.FAILED, Status.UNREACHABLE, Status.OK]) is Status.UNREACHABLE
    assert worst([]) is Status.SKIPPED


@pytest.mark.parametrize(
    ("recap", "status"),
    [
        (Recap(host="h", ok=2), Status.OK),
        (Recap(host="h", ok=2, changed=1), Status.CHANGED),
        (Recap(host="h", changed=1, failed=1), Status.FAILED),
        (Recap(host="h", failed=1, unreachable=1), Status.UNREACHABLE),
    ],
)
def test_a_host_s_status(recap: Recap, status: Status) -> None:
    assert recap.status is status


def test_two_plays_add_up() -> None:
    one = Recap(host="h", run="r", ok=1, changed=1, proves=("A", "B"), journal="j", seconds=1.0)
    two = Recap(host="h", run="r", ok=2, skipped=1, proves=("B", "C"), seconds=0.5)
    both = one.plus(two)
    assert (both.ok, both.changed, both.skipped, both.seconds) == (3, 1, 1, 1.5)
    assert (both.proves, both.journal, both.run) == (("A", "B", "C"), "j", "r")


def test_a_kernel_s_refusal_reads_well() -> None:
    assert reason(FileNotFoundError(2, "No such file", "/x")) == "No such file: '/x'"
    assert reason(OSError(1, "Not permitted")) == "Not permitted"
    assert reason(ValueError("plain")) == "plain"
