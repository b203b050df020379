import io
import json
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.events import JsonSink, ListSink, NullSink


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """An event for these tests."""

    kind: ClassVar[str] = "task.started"
    task: str


def test_a_json_sink_writes_a_line_an_event() -> None:
    stream = io.StringIO()
    sink = JsonSink(stream)
    sink.send(Started(task="one"))
    sink.send(Started(task="two"))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines == [{"kind": "task.started", "task": name} for name in ("one", "two")]


def test_a_list_sink_keeps_and_a_null_sink_drops() -> None:
    kept, event = ListSink(), Started(task="one")
    kept.send(event)
    NullSink().send(event)
    assert kept.events == [event]
