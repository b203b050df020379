"""Many hosts at once, told task by task."""

from toolkit.cli.output.ordering import InOrder
from toolkit.playbook.results import Event, Recap, Status, TaskDone, TaskStarted


def started(host: str, index: int) -> TaskStarted:
    return TaskStarted(host=host, task=f"t{index}", index=index)


def done(host: str, index: int) -> TaskDone:
    return TaskDone(
        host=host, task=f"t{index}", index=index, module="m", place="", status=Status.OK
    )


def told(*events: Event, begun: str = "ab") -> list[str]:
    """What each event set free, as ``host index``, then what waited until the end."""
    order = InOrder()
    for host in begun:
        assert not list(order.take(started(host, -1)))
    said = [" ".join(f"{one.host}{one.index}" for one in order.take(event)) for event in events]
    said.append("rest " + " ".join(f"{one.host}{one.index}" for one in order.rest()))
    return [part for part in said if part]


def test_one_host_is_told_at_once() -> None:
    events = (started("a", 0), done("a", 0), started("a", 1), done("a", 1))
    assert told(*events, begun="a") == ["a0", "a1", "rest "]


def test_a_fast_host_waits_for_a_slow_one() -> None:
    events = (
        started("a", 0),
        done("a", 0),
        started("b", 0),
        started("a", 1),
        done("a", 1),
        done("b", 0),
        started("b", 1),
        done("b", 1),
    )
    assert told(*events) == ["a0", "b0", "a1", "b1", "rest "]


def test_a_host_that_has_not_begun_is_not_waited_for() -> None:
    assert told(started("a", 0), done("a", 0), begun="") == ["a0", "rest "]


def test_one_that_still_connects_is() -> None:
    assert told(started("a", 0), done("a", 0)) == ["rest a0"]


def test_a_host_that_ends_or_is_lost_is_not_waited_for() -> None:
    assert told(started("a", 0), done("a", 0), Recap(host="b")) == ["a0", "rest "]
    assert told(started("a", 0), done("a", 0), done("b", -1)) == ["b-1 a0", "rest "]


def test_what_waits_comes_in_the_order_of_tasks() -> None:
    events = (started("a", 0), done("a", 0), started("a", 1), done("a", 1), Recap(host="a"))
    assert told(*events) == ["rest a0 a1"]
    more = (started("b", 0), done("b", 0), Recap(host="b"))
    assert told(*events, *more) == ["a0", "b0", "a1", "rest "]
