"""Puts what many hosts tell at once into the order of the tasks, so that a task has one heading.

Hosts run freely; only the telling waits. An event of the task that is being shown passes at once;
one of a later task waits until every host that has begun has left that task behind or has ended.
"""

from collections.abc import Iterator

from toolkit.playbook.results import Event, Recap, TaskDone, TaskStarted


class InOrder:
    """The events of one play. A host begins with its first ``TaskStarted``."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._waiting: list[TaskDone] = []

    def take(self, event: Event) -> Iterator[TaskDone]:
        """Take one event; yields those of tasks whose turn has come."""
        if isinstance(event, TaskStarted):
            self._at[event.host] = event.index
        elif isinstance(event, Recap):
            self._at.pop(event.host, None)
        elif isinstance(event, TaskDone):
            self._waiting.append(event)
            if event.index < 0:  # no task: the host could not be asked, or was lost
                self._at.pop(event.host, None)
        yield from self._due(min(self._at.values(), default=None))

    def rest(self) -> Iterator[TaskDone]:
        """What still waits, at the end of a run."""
        yield from self._due(None)

    def _due(self, front: int | None) -> Iterator[TaskDone]:
        """Everything up to the task at which the slowest host is."""
        ready = [event for event in self._waiting if front is None or event.index <= front]
        if ready:
            left = {id(event) for event in ready}
            self._waiting = [event for event in self._waiting if id(event) not in left]
            yield from sorted(ready, key=lambda event: event.index)
