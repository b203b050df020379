"""Run one check against one target; the same for pytest, for the tests and for ``--verify``."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from toolkit.conformance.check import Check
from toolkit.conformance.gather import HostSession, Target
from toolkit.conformance.verdict import Finding, Verdict, clean, not_applicable
from toolkit.core.errors import ToolkitError

NO_RUNTIME = "-"
GATHER = "gather"
PASSED = Finding(verdict=Verdict.PASS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One line of a report; ``runtime`` is ``-`` for what is about the host alone.

    ``layer`` is ``gather`` where there was nothing to judge because a container or the host could
    not be had.
    """

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

    @property
    def unproven(self) -> bool:
        """Whether nothing could be gathered, which counts against the runtime."""
        return self.layer == GATHER


def evaluate(check: Check, target: Target | HostSession) -> Result:
    """The verdict of one check; a container that cannot be had makes it inconclusive."""
    start = time.monotonic()
    try:
        values = {name: value() for name, value in arguments(check, target).items()}
        finding = finding_of(check, target, values)
    except ToolkitError as error:
        finding = nothing_gathered(error)
    return result(check, target, finding, time.monotonic() - start)


def finding_of(check: Check, target: Target | HostSession, values: Mapping[str, Any]) -> Finding:
    """What the check's function says of these arguments; one that returns nothing has passed."""
    out_of_scope = _out_of_scope(check, target)
    if out_of_scope:
        return out_of_scope
    try:
        return check.judge(**values) or PASSED
    except AssertionError as error:
        return Finding(verdict=Verdict.FAIL, reason=str(error).partition("\n")[0])
    except Exception as error:  # noqa: BLE001 - a check is anyone's code: its fault is its result
        why = f"the check broke: {type(error).__name__}: {error}"
        return Finding(verdict=Verdict.INCONCLUSIVE, layer=GATHER, reason=why)


def nothing_gathered(error: ToolkitError) -> Finding:
    """The finding where there is nothing to judge."""
    return Finding(verdict=Verdict.INCONCLUSIVE, layer=GATHER, reason=error.message)


def result(check: Check, target: Target | HostSession, finding: Finding, seconds: float) -> Result:
    """The report's line for a finding."""
    return Result(
        id=check.id,
        host=target.name,
        runtime=NO_RUNTIME if isinstance(target, HostSession) else target.runtime,
        verdict=finding.verdict.value,
        seen=clean(finding.seen),
        expected=clean(finding.expected),
        layer=finding.layer,
        seconds=round(seconds, 4),
        reason=clean(finding.reason),
    )


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
    return sorted(checks, key=order)


def order(check: Check) -> tuple[bool, int]:
    """Where a check stands among others."""
    return ("after" in check.arguments, check.tier)
