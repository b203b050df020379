"""One JSON object a line: events as they come, then the recaps' sums."""

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from toolkit.playbook.results import Event, Recap, to_data


class JsonOutput:
    """For programs: every line has a ``kind``."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._raw = write
        self._lock = threading.Lock()

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """``{"kind": "play", "play": …, "hosts": […]}``."""
        self._write({"kind": "play", "play": title, "hosts": list(hosts)})

    def event(self, event: Event) -> None:
        """The event's fields."""
        self._write(to_data(event))

    def note(self, text: str) -> None:
        """``{"kind": "note", "text": …}``."""
        self._write({"kind": "note", "text": text})

    def recap(self, recaps: Iterable[Recap]) -> None:
        """``{"kind": "recap", "hosts": [{…}]}``, the last line."""
        hosts = [
            {key: value for key, value in to_data(recap).items() if key != "kind"}
            for recap in recaps
        ]
        self._write({"kind": "recap", "hosts": hosts})

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, data: dict[str, Any]) -> None:
        with self._lock:
            self._raw(json.dumps(data) + "\n")
