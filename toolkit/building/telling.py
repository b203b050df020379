"""What a build tells, in the order and the words of ``docker build``."""

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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class InOrder:
    """Hands events on one stage after the other, the first unfinished one as it happens.

    Stages run side by side: what later ones tell is held back.
    """

    def __init__(self, show: "Callable[[Event], None]") -> None:
        self._show = show
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

    def flush(self) -> None:
        """Show what is held back, stage by stage."""
        for stage in sorted(self._held):
            for event in self._held[stage]:
                self._show(event)
        self._held.clear()


def classic(event: Event) -> bytes:
    """The event as ``docker build`` prints it; empty for what it does not."""
    if isinstance(event, Output):
        return event.data
    text = ""
    if isinstance(event, StepStarted):
        text = f"Step {event.number}/{event.total} : {event.text}\n"
    elif isinstance(event, StepCached):
        text = " ---> Using cache\n"
    elif isinstance(event, Running):
        text = f" ---> Running in {event.container[:12]}\n"
    elif isinstance(event, StepDone):
        text = f" ---> {event.image[:12]}\n"
    elif isinstance(event, Note):
        text = f"[Warning] {event.text}\n" if event.warning else f"{event.text}\n"
    return text.encode(errors="surrogateescape")


def farewell(image: str, names: "tuple[str, ...]") -> "list[str]":
    """The last lines: the image and what it is called."""
    short = [name.removeprefix("docker.io/").removeprefix("library/") for name in names]
    return [
        f"Successfully built {image.partition(':')[2][:12]}\n",
        *(f"Successfully tagged {name}\n" for name in short),
    ]
