"""Every check has been seen to fail under the sabotage that it is there to find."""

from collections.abc import Callable

import pytest

from support.sabotage.edits import EDITS
from support.sabotage.table import DOCTORED, GREEN, RUNTIMES, doctored
from toolkit.conformance.check import Check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.evaluate import evaluate, finding_of, in_order
from toolkit.conformance.gather import Target
from toolkit.conformance.verdict import Finding

pytestmark = pytest.mark.root

PAIRS = [(sabotage, check) for sabotage, checks in RUNTIMES.items() for check in checks]


def test_every_check_is_in_the_table(checks: dict[str, Check]) -> None:
    covered = {check for _, check in PAIRS} | set(DOCTORED)
    assert set(checks) == covered


def test_every_edit_of_a_configuration_is_used() -> None:
    assert set(EDITS) - {"honest"} <= set(RUNTIMES)


@pytest.mark.parametrize(("sabotage", "check"), PAIRS, ids=str)
def test_turns_red(
    verdicts: Callable[[str], dict[str, tuple[str, str]]], sabotage: str, check: str
) -> None:
    verdict, why = verdicts(sabotage)[check]
    assert verdict == "fail", why


def test_nothing_is_red_under_an_honest_runtime(
    broken: Callable[[str], Target], checks: dict[str, Check]
) -> None:
    target = broken("honest")
    boxed = [check for check in checks.values() if check.needs_box]
    results = [evaluate(check, target) for check in in_order(boxed)]
    wrong = [one for one in results if one.verdict in ("fail", "inconclusive")]
    # A host that is busy with other tests may leave less than the quota to be had.
    assert [one for one in wrong if (one.id, one.verdict) != ("CGR-CPU-36", "inconclusive")] == []
    assert {one.id for one in results if one.verdict == "weaker"} <= {"DEV-CG-14"}


def _judge(check: Check, target: Target, box: Box, host: HostDoc) -> Finding:
    known = {"box": box, "host": host, "after": host, "profile": target.profile}
    if "after" in check.arguments:
        known["host"] = target.host
    return finding_of(check, target, {name: known[name] for name in check.arguments})


@pytest.mark.parametrize("name", DOCTORED)
def test_turns_red_when_the_documents_say_so(
    broken: Callable[[str], Target], checks: dict[str, Check], name: str
) -> None:
    check, target = checks[name], broken("honest")
    box, host = doctored(target.box(check.box), target.host, DOCTORED[name])
    found = _judge(check, target, box, host)
    assert found.verdict.value == "fail", found


@pytest.mark.parametrize("name", GREEN)
def test_is_green_when_the_documents_say_so(
    broken: Callable[[str], Target], checks: dict[str, Check], name: str
) -> None:
    check, target = checks[name], broken("honest")
    box, host = doctored(target.box(check.box), target.host, GREEN[name])
    found = _judge(check, target, box, host)
    assert found.verdict.value == "pass", found
