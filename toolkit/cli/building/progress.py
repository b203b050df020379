"""How a build shows what it does: Docker's classic lines, JSON lines, or nothing."""

import sys

from toolkit.building.events import Event, Output
from toolkit.building.telling import InOrder, classic, farewell
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
        self._order = InOrder(_write)

    def __call__(self, event: Event) -> None:
        """Show it, or hold it back until the stages before are over."""
        self._order(event)
        sys.stdout.flush()

    def flush(self) -> None:
        """Show what is held back, stage by stage."""
        self._order.flush()
        sys.stdout.flush()

    def finish(self, image: str, names: tuple[str, ...]) -> None:
        """Docker's last lines."""
        self.flush()
        print(*farewell(image, names), sep="", end="")


def _write(event: Event) -> None:
    sys.stdout.buffer.write(classic(event))
    sys.stdout.buffer.flush()


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
