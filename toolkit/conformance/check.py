"""``@check`` turns a function under ``checks/`` into a check.

::

    @check("NS-PID-01", area="A", severity="critical")
    def test_pid(box: Box, host: HostDoc) -> Finding:
        \"\"\"The pid namespace is the container's own.\"\"\"
        return differs(box.init.ns["pid"], host.ns["pid"])

What it may take as argument: ``box`` (the documents of a container made with the check's
``box=`` options), ``other`` (a second container beside it), ``host``, ``after`` (the host when
every container is gone), ``profile``, ``statuses``. It returns a ``Finding``, or uses ``assert``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.verdict import Finding

AREAS = {
    "A": "namespaces",
    "B": "privilege",
    "C": "seccomp",
    "D": "masks",
    "E": "devices",
    "F": "cgroups",
    "I": "network",
    "M": "lifecycle",
    "R": "host",
}
SEVERITIES = ("critical", "high", "medium", "low")
ARGUMENTS = ("box", "other", "host", "after", "profile", "statuses")
PLAIN = BoxSpec()


class Judge(Protocol):
    """A check's function."""

    def __call__(self, **arguments: Any) -> Finding | None:
        """Judge what was gathered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What is known about a check before it runs.

    ``on`` is ``A`` (any runtime), ``E`` (engines) or ``O`` (raw OCI runtimes). ``tier`` 0 reads
    facts of the default container; 1 starts a throw-away one.
    """

    id: str
    area: str
    tier: int
    severity: str
    on: str
    box: BoxSpec
    title: str
    arguments: tuple[str, ...]
    judge: Judge = field(repr=False, compare=False)

    @property
    def subject(self) -> str:
        """The area's name, which is the folder's too."""
        return AREAS[self.area]

    @property
    def needs_box(self) -> bool:
        """Whether it is about a runtime; otherwise it is about the host alone."""
        return set(self.arguments) != {"host"}


def check(
    id: str,  # noqa: A002 - what the catalogue calls it
    *,
    area: str,
    tier: int | None = None,
    severity: str = "high",
    on: str = "A",
    box: BoxSpec = PLAIN,
) -> Callable[[Callable[..., Finding | None]], Callable[..., Finding | None]]:
    """Mark a function as the check ``id``; its docstring's first line is its title."""

    def mark(judge: Callable[..., Finding | None]) -> Callable[..., Finding | None]:
        code = judge.__code__
        arguments = code.co_varnames[: code.co_argcount]
        unknown = [name for name in arguments if name not in ARGUMENTS]
        if area not in AREAS or severity not in SEVERITIES or on not in "AEO" or unknown:
            raise ValueError(f"check {id}: {area=} {severity=} {on=} {unknown=}")
        about = Check(
            id=id,
            area=area,
            tier=(0 if box == PLAIN else 1) if tier is None else tier,
            severity=severity,
            on=on,
            box=box,
            title=(judge.__doc__ or "").partition("\n")[0].rstrip("."),
            arguments=arguments,
            judge=judge,
        )
        judge.check = about  # type: ignore[attr-defined]  # how pytest and load() find it
        return judge

    return mark
