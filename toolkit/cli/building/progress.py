"""How a build shows what it does: Docker's classic lines, JSON lines, or nothing.

Stages run side by side; their lines are shown one stage after the other, the first unfinished one
as it happens.
"""

import sys

from toolkit.building.events import (
    Event,
    Note,
    Output,
    Running,
    StageDone,
    StepCached,
    StepDone,
    StepStarted,
)
from toolkit.core.errors import InvalidInputError
from toolkit.core.record import as_dict
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Printer(Protocol):
        """Shows a build."""

        def __call__(self, event: Event, /) -> None:
            """Something happened."""

        def flush(self) -> None:
            """Show what is still held back."""

        def finish(self, image: str, names: tuple[str, ...], /) -> None:
            """The image is there."""


PROGRESS = ("auto", "plain", "json", "quiet")


def printer_for(how: str) -> "Printer":
    """The printer that ``--progress`` asks for."""
    if how not in PROGRESS:
        raise InvalidInputError(
            f"--progress is one of {', '.join(PROGRESS)}, not '{how}'",
            hint=did_you_mean(how, PROGRESS),
        )
    if how == "json":
        return JsonLines()
    return Quiet() if how == "quiet" else Classic()


class Classic:
    """The lines of ``docker build``."""

    def __init__(self) -> None:
        self._held: dict[int, list[Event]] = {}
        self._over: set[int] = set()
        self._now = -1

    def __call__(self, event: Event) -> None:
        """Show it, or hold it back until the stages before are over."""
        self._held.setdefault(event.stage, []).append(event)
        if isinstance(event, StageDone):
            self._over.add(event.stage)
        if self._now < 0 or event.stage < self._now:
            self._now = event.stage
        if event.stage == self._now:
            self._drain()

    def _drain(self) -> None:
        while True:
            for event in self._held.pop(self._now, []):
                self._show(event)
            if self._now not in self._over or not self._held:
                break
            self._now = min(self._held)
        sys.stdout.flush()

    def _show(self, event: Event) -> None:
        if isinstance(event, Output):
            sys.stdout.flush()
            sys.stdout.buffer.write(event.data)
        elif isinstance(event, StepStarted):
            print(f"Step {event.number}/{event.total} : {event.text}")
        elif isinstance(event, StepCached):
            print(" ---> Using cache")
        elif isinstance(event, Running):
            print(f" ---> Running in {event.container[:12]}")
        elif isinstance(event, StepDone):
            print(f" ---> {event.image[:12]}")
        elif isinstance(event, Note):
            print(f"[Warning] {event.text}" if event.warning else event.text)

    def flush(self) -> None:
        """Show what is held back, stage by stage."""
        for stage in sorted(self._held):
            for event in self._held[stage]:
                self._show(event)
        self._held.clear()
        sys.stdout.flush()

    def finish(self, image: str, names: tuple[str, ...]) -> None:
        """Docker's last lines."""
        self.flush()
        print(f"Successfully built {image.partition(':')[2][:12]}")
        for name in names:
            print(f"Successfully tagged {name.removeprefix('docker.io/').removeprefix('library/')}")


class Quiet:
    """Only the id at the end."""

    def __call__(self, event: Event) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing is held back."""

    def finish(self, image: str, names: tuple[str, ...]) -> None:
        """The id."""
        del names
        print(image)


class JsonLines:
    """One JSON object a line: ``event`` is its kind, the rest its fields."""

    def __call__(self, event: Event) -> None:
        """Write it."""
        import json  # noqa: PLC0415 - other printers need it not

        fields = as_dict(event)
        if isinstance(event, Output):
            fields["data"] = event.data.decode(errors="replace")
        print(json.dumps({"event": _snake(type(event).__name__), **fields}), flush=True)

    def flush(self) -> None:
        """Nothing is held back."""

    def finish(self, image: str, names: tuple[str, ...]) -> None:
        """The image."""
        import json  # noqa: PLC0415 - as above

        print(json.dumps({"event": "built", "image": image, "names": list(names)}))


def _snake(name: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")
