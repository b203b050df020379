"""Run one task's plan on a host, real or planned: the only loop that applies changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a task did: ``values`` is what Ansible would register, without ``changed``."""

    changes: tuple[Change, ...]
    values: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Did it do anything?"""
        return any(change.counts for change in self.changes)

    def registered(self) -> dict[str, Any]:
        """The values with Ansible's ``changed`` and ``failed``."""
        return {"changed": self.changed, "failed": False, **self.values}


def perform(
    task: Task,
    host: Host,
    *,
    before: Callable[[Change], None] | None = None,
    applied: list[Change] | None = None,
) -> Outcome:
    """Apply what the task plans, change by change.

    ``before`` sees each change just before it is applied, so that a journal knows of a step that
    dies half way; ``applied`` is filled as they succeed, so that a failure leaves them known.
    Give a planned host for check mode.
    """
    changes = [] if applied is None else applied
    plan = task.plan(host)
    answer: object = None
    while True:
        try:
            change = plan.send(answer)
        except StopIteration as end:
            return Outcome(changes=tuple(changes), values=dict(end.value or {}))
        if before:
            before(change)
        answer = change.apply(host)
        changes.append(change)
