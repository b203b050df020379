"""Run one check against one target; the same for pytest, for the tests and for ``--verify``."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from toolkit.conformance.check import Check
from toolkit.conformance.gather import HostSession, Target
from toolkit.conformance.machine import BoxError
from toolkit.conformance.verdict import Finding, Verdict, inconclusive, not_applicable

NO_RUNTIME = "-"
PASSED = Finding(verdict=Verdict.PASS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One line of a report; ``runtime`` is ``-`` for what is about the host alone."""

    id: str
    host: str
    runtime: str
    verdict: str
    seen: str
    expected: str
    layer: str
    seconds: float
    reason: str

    def as_data(self) -> dict[str, Any]:
        """The line as plain data."""
        return asdict(self)


def evaluate(check: Check, target: Target | HostSession) -> Result:
    """The verdict of one check; a container that cannot be had makes it inconclusive."""
    start = time.monotonic()
    try:
        finding = _out_of_scope(check, target) or judged(check, target)
    except AssertionError as error:
        finding = Finding(verdict=Verdict.FAIL, reason=str(error).partition("\n")[0])
    except BoxError as error:
        finding = inconclusive(error.message)
    return Result(
        id=check.id,
        host=target.name if isinstance(target, HostSession) else target.owner.name,
        runtime=NO_RUNTIME if isinstance(target, HostSession) else target.choice.name,
        verdict=finding.verdict.value,
        seen=finding.seen,
        expected=finding.expected,
        layer=finding.layer,
        seconds=round(time.monotonic() - start, 4),
        reason=finding.reason,
    )


def judged(check: Check, target: Target | HostSession) -> Finding:
    """What the check's function says; one that returns nothing has passed."""
    found = check.judge(**{name: value() for name, value in arguments(check, target).items()})
    return PASSED if found is None else found


def arguments(check: Check, target: Target | HostSession) -> dict[str, Callable[[], Any]]:
    """How to get each argument that the check's function takes."""
    known: dict[str, Callable[[], Any]] = {"host": lambda: target.host}
    if isinstance(target, Target):
        known.update(
            box=lambda: target.box(check.box),
            other=lambda: target.other,
            profile=lambda: target.profile,
            statuses=lambda: target.statuses,
            after=lambda: target.after,
        )
    return {name: known[name] for name in check.arguments}


def _out_of_scope(check: Check, target: Target | HostSession) -> Finding | None:
    if check.on == "A" or isinstance(target, HostSession):
        return None
    wanted = {"E": "engine", "O": "oci"}[check.on]
    if target.profile.kind == wanted:
        return None
    return not_applicable(f"only for {wanted} runtimes")


def in_order(checks: list[Check]) -> list[Check]:
    """Cheap before dear, and what needs every container gone at the end."""
    return sorted(checks, key=lambda one: ("after" in one.arguments, one.tier))
