"""Short forms for tests of tasks."""

from typing import Any

from toolkit.tasks import registry
from toolkit.tasks.perform import Outcome, perform


def run(host: Any, task: str, /, **arguments: object) -> Outcome:
    """Perform a task on a host, as a runner does."""
    return perform(registry.build(task, arguments), host)


def described(outcome: Outcome) -> list[str]:
    """What it did, a line each."""
    return [change.describe() for change in outcome.changes]
