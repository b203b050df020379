"""What happened to containers, volumes, networks and images: one log for whoever acts or looks.

A file of JSON lines below the run root, because there need not be a daemon: a ``dockyard run`` in
one terminal shows in ``dockyard system events`` in another, and in the API. The end of a container
is noted by its shim, everything else by the engine that did it.
"""

import time

from toolkit.engine.tailing import PAUSE, is_aside, open_lines, whole
from toolkit.runtime.eventlog import append, make
from toolkit.runtime.messages import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, BinaryIO

    Event = dict[str, Any]

_NANO = 10**9


class EventLog:
    """The log of one run root."""

    def __init__(self, run_root: str) -> None:
        self.path = f"{run_root}/.events.jsonl"

    def emit(
        self, kind: str, action: str, actor: str, attributes: "Mapping[str, str] | None" = None
    ) -> None:
        """Note that it happened now."""
        append(self.path, make(kind, action, actor, attributes or {}))

    def read(
        self,
        *,
        since: float = 0.0,
        until: float | None = None,
        going: "Callable[[], bool] | None" = None,
    ) -> "Iterator[Event]":
        """Events from ``since`` to ``until``, in seconds since 1970.

        With ``going`` it waits for more, as long as that is true and ``until`` has not come;
        without, it hands out what is there.
        """
        for line in self._lines(going, until):
            event = _parse(line)
            if event is None or event["timeNano"] < since * _NANO:
                continue
            if until is not None and event["timeNano"] > until * _NANO:
                return
            yield event

    def _lines(self, going: "Callable[[], bool] | None", until: float | None) -> "Iterator[bytes]":
        try:
            with open(f"{self.path}.1", "rb") as older:
                yield from older
        except FileNotFoundError:
            pass  # it has not grown that far
        file: BinaryIO | None = None
        try:
            while True:
                wanted = going is not None and going() and (until is None or time.time() < until)
                file = file or open_lines(self.path)
                if file is not None:
                    yield from whole(file)
                    if is_aside(file, self.path, if_gone=True):
                        yield from whole(file)
                        file.close()
                        file = None
                        continue
                if not wanted:
                    return
                time.sleep(PAUSE)
        finally:
            if file is not None:
                file.close()


def matches(event: "Event", filters: "Mapping[str, list[str]]") -> bool:
    """Whether an event meets ``--filter``: values of a key are alternatives, keys all count."""
    actor = event["Actor"]
    attributes = actor["Attributes"]
    tests: dict[str, Callable[[str], bool]] = {
        "event": lambda value: event["Action"].partition(":")[0] == value.partition(":")[0],
        "type": lambda value: event["Type"] == value,
        "scope": lambda value: event["scope"] == value,
        "image": lambda value: (
            attributes.get("image") == value
            or (event["Type"] == "image" and value in (actor["ID"], attributes.get("name")))
        ),
        "label": lambda value: _has_label(attributes, value),
    }
    for kind in ("container", "volume", "network"):
        tests[kind] = _actor_test(event, kind)
    for key, values in filters.items():
        each = all if key == "label" else any
        if not each(tests[key](value) for value in values):
            return False
    return True


FILTER_KEYS = ("container", "event", "image", "label", "network", "scope", "type", "volume")


def _actor_test(event: "Event", kind: str) -> "Callable[[str], bool]":
    return lambda value: _is_actor(event, kind, value)


def _is_actor(event: "Event", kind: str, value: str) -> bool:
    actor = event["Actor"]
    attributes = actor["Attributes"]
    if event["Type"] != kind:
        return kind == "container" and value != "" and attributes.get("container") == value
    return bool(value) and (attributes.get("name") == value or actor["ID"].startswith(value))


def _has_label(attributes: "Mapping[str, str]", wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in attributes and (not equals or attributes[name] == value)


def _parse(line: bytes) -> "Event | None":
    try:
        event = decode(line.decode())
        return event if isinstance(event["timeNano"], int) else None
    except (ValueError, KeyError, TypeError):
        return None  # torn by a full disk
