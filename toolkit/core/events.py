"""What happens, as values: frozen dataclasses that a sink renders, stores or sends.

Output is what a command was asked for; logs are for whoever debugs; events are neither. Rooms
define their own event classes and send them to an ``EventSink``.
"""

import dataclasses
import json
import sys
from typing import Any, ClassVar, Protocol, TextIO, runtime_checkable


@runtime_checkable
class Event(Protocol):
    """A frozen dataclass with a ``kind`` that names it on the wire, as in ``task.done``."""

    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


class EventSink(Protocol):
    """Where events go."""

    def send(self, event: Event) -> None:
        """Take one event; must not raise for its content."""


class NullSink:
    """Drops every event."""

    def send(self, event: Event) -> None:
        """Drop it."""


class ListSink:
    """Keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


class JsonSink:
    """Writes one JSON object a line: the event's fields and its ``kind``."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def send(self, event: Event) -> None:
        """Write it and flush."""
        self._stream.write(json.dumps(as_data(event)) + "\n")
        self._stream.flush()


def as_data(event: Event) -> dict[str, Any]:
    """The event as plain data."""
    return {"kind": event.kind, **dataclasses.asdict(event)}
