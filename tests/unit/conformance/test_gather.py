import json
from collections.abc import Callable

import pytest

from support.fake_checks import FakeDrivers, FakeLink
from toolkit.conformance import suite
from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.check import Check, check
from toolkit.conformance.drivers.choice import parse
from toolkit.conformance.evaluate import evaluate, in_order
from toolkit.conformance.gather import BESIDE, PLAIN, HostSession, Target
from toolkit.conformance.machine import BoxError
from toolkit.conformance.machine import parse as parse_document
from toolkit.conformance.verdict import Finding
from toolkit.core.errors import UnavailableError
from toolkit.core.files import shipped


@pytest.fixture
def session(link: FakeLink, drivers: FakeDrivers) -> HostSession:
    return HostSession("web1", lambda: link, driver=drivers)


@pytest.fixture
def target(session: HostSession) -> Target:
    return session.target(parse("embedded"))


def test_a_container_is_gathered_once(target: Target, drivers: FakeDrivers) -> None:
    assert target.box(PLAIN) is target.box(PLAIN)
    assert drivers.made[0].started == [PLAIN]


def test_default_containers_live_on_and_others_do_not(target: Target, drivers: FakeDrivers) -> None:
    assert target.other.id != target.box(PLAIN).id
    target.box(BoxSpec(memory=1))
    assert drivers.made[0].started == [PLAIN, BESIDE, BoxSpec(memory=1)]
    assert drivers.made[0].alive == ["box1", "box2"]


def test_the_end_removes_all_and_closes_the_driver(
    session: HostSession, target: Target, drivers: FakeDrivers, link: FakeLink
) -> None:
    target.box(PLAIN)
    session.close()
    assert drivers.made[0].alive == []
    assert drivers.made[0].closed
    assert json.loads(link.calls[-1][1]["argv"][6])["id"] == 4  # the mark is removed
    assert ("close", {}) not in link.calls  # the link is the caller's


def test_a_failure_is_kept_too(target: Target, drivers: FakeDrivers) -> None:
    drivers.fail = True
    for _ in range(2):
        with pytest.raises(BoxError, match="no container today"):
            target.box(PLAIN)
    assert len(drivers.made) == 1


def test_what_is_left_is_asked_of_the_host_when_all_are_gone(
    target: Target, drivers: FakeDrivers, link: FakeLink
) -> None:
    assert target.after.remains == link.answers["facts"]["remains"]
    assert drivers.made[0].started == [PLAIN]  # nothing left of nothing proves nothing
    assert drivers.made[0].alive == []
    assert "box1" in json.loads(link.calls[-1][1]["argv"][6])["marks"]


def test_exit_statuses_are_those_of_the_process(target: Target) -> None:
    assert target.statuses == {0: 0, 42: 42, 255: 255}


def test_two_runtimes_on_a_host_never_share_a_name(session: HostSession) -> None:
    one, two = session.target(parse("embedded")), session.target(parse("podman"))
    assert one.session != two.session
    assert session.target(parse("embedded")) is one


def test_a_dead_host_is_asked_once(link: FakeLink, drivers: FakeDrivers) -> None:
    attempts: list[int] = []

    def connect() -> FakeLink:
        attempts.append(1)
        raise UnavailableError("host 'web1': no route")

    session = HostSession("web1", connect, driver=drivers)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="no route"):
            _ = session.host
    assert len(attempts) == 1
    session.close()


def test_a_host_that_is_lost_in_the_middle_is_left_alone(
    session: HostSession, target: Target, link: FakeLink
) -> None:
    target.box(PLAIN)
    link.lost = True
    with pytest.raises(UnavailableError):
        target.box(BoxSpec(memory=1))
    assert session.unreachable
    asked = len(link.calls)
    session.close()
    assert len(link.calls) == asked


@pytest.mark.parametrize("text", ["", "not json", '{"init": {"error": "KeyError in line 3"}}'])
def test_a_probe_that_broke_is_no_document(text: str) -> None:
    with pytest.raises(BoxError, match="here: the probe"):
        parse_document(text, "here")


def _check(judge: Callable[..., Finding | None], **options: object) -> Check:
    found: Check = check("X-Y-01", area="A", **options)(judge).check  # type: ignore[arg-type, attr-defined]  # made up
    return found


def test_an_assertion_is_a_failure_with_its_message(target: Target) -> None:
    def judge(box: object) -> None:
        assert not box, "there is one"

    result = evaluate(_check(judge), target)
    assert (result.verdict, result.reason) == ("fail", "there is one")


def test_silence_is_a_pass(target: Target) -> None:
    def judge(box: object) -> None:
        assert box

    assert evaluate(_check(judge), target).verdict == "pass"


def test_a_check_that_breaks_is_told_and_counts(target: Target) -> None:
    def judge(box: object) -> None:
        raise KeyError("pid")

    result = evaluate(_check(judge), target)
    assert (result.verdict, result.unproven) == ("inconclusive", True)
    assert result.reason == "the check broke: KeyError: 'pid'"


def test_one_that_cannot_be_removed_does_not_keep_the_others(
    session: HostSession, target: Target, drivers: FakeDrivers
) -> None:
    assert target.other
    drivers.made[0].stuck = "box2"
    with pytest.raises(BoxError, match="box2 is stuck"):
        session.close()
    assert drivers.made[0].alive == ["box2"]
    assert drivers.made[0].closed


def test_only_for_engines(session: HostSession) -> None:
    def judge(box: object) -> None:
        raise AssertionError("never judged")

    result = evaluate(_check(judge, on="E"), session.target(parse("oci:/x")))
    assert (result.verdict, result.reason) == ("na", "only for engine runtimes")


def test_without_a_container_nothing_is_proven(target: Target, drivers: FakeDrivers) -> None:
    drivers.fail = True
    result = evaluate(_check(lambda box: None), target)
    assert result.verdict == "inconclusive"
    assert result.unproven


def test_every_check_judges_recorded_documents(session: HostSession, target: Target) -> None:
    """None breaks, and none of those that need no container of their own is red."""
    checks = [one for one in suite.load(shipped("checks")) if one.tier == 0]
    results = [evaluate(one, target if one.needs_box else session) for one in in_order(checks)]
    red = {one.id for one in results if one.verdict in ("fail", "inconclusive")}
    # The stand-in's containers have ids of their own, which the recorded host name is not.
    assert red <= {"NS-UTS-17"}
    assert sum(one.verdict == "pass" for one in results) > 80
