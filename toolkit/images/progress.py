"""What is told while images are fetched, sent, read and written."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_PAUSE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that happened, in Docker's words.

    ``id`` is a layer's short digest or a tag, empty for what concerns the whole. ``total`` is 0
    where there is no bar to draw; ``current`` and ``total`` count bytes.
    """

    status: str
    id: str = ""
    current: int = 0
    total: int = 0


Report = Callable[[Step], None]


def nobody(step: Step) -> None:
    """Tell nobody."""
    del step


class Meter:
    """Tells how far one thing is, a few times a second."""

    def __init__(self, report: Report, name: str, status: str, total: int) -> None:
        self._report = report
        self._name = name
        self._status = status
        self._total = total
        self._next = 0.0

    def at(self, current: int) -> None:
        """Tell it, unless that was done just now."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE
            self._report(
                Step(status=self._status, id=self._name, current=current, total=self._total)
            )


def short(digits: str) -> str:
    """A digest as Docker shows it."""
    return digits[:12]
