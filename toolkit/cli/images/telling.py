"""Shows how far a pull, push, load or save is: bars on a terminal, plain lines, or JSON.

All of it goes to stderr but JSON, which is a program's to read and goes to stdout.
"""

import json
import sys
from contextlib import contextmanager

from toolkit.cli.verb import Flag
from toolkit.core.errors import InvalidInputError
from toolkit.images.progress import Step, nobody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from toolkit.cli.verb import Call
    from toolkit.images.progress import Report

KINDS = ("auto", "tty", "plain", "json", "none")
PROGRESS = Flag(
    names=("--progress",),
    metavar="|".join(KINDS),
    help="How to show what happens (auto: bars on a terminal)",
)
_BUSY = ("Downloading", "Extracting", "Pushing", "Compressing")


@contextmanager
def telling(call: "Call", *, quiet: bool = False) -> "Iterator[Report]":
    """Where steps are told for the time of one command."""
    kind = call.text("progress") or "auto"
    if kind not in KINDS:
        raise InvalidInputError(f"progress: '{kind}' is none of {', '.join(KINDS)}")
    if quiet or kind == "none":
        yield nobody
    elif kind == "json":
        yield _json
    elif kind == "tty" or (kind == "auto" and sys.stderr.isatty()):
        with _bars() as report:
            yield report
    else:
        yield _Plain().tell


def is_json(call: "Call") -> bool:
    """Whether stdout is for JSON lines, so that nothing else may be printed there."""
    return call.text("progress") == "json"


def _json(step: Step) -> None:
    data: dict[str, Any] = {"status": step.status}
    if step.id:
        data["id"] = step.id
    if step.total:
        data["progressDetail"] = {"current": step.current, "total": step.total}
    print(json.dumps(data), flush=True)


class _Plain:
    """One line for each thing that begins or ends; how far it is in between is left out."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def tell(self, step: Step) -> None:
        """Print it, if it is news."""
        if step.id and self._last.get(step.id) == step.status:
            return
        self._last[step.id] = step.status
        if step.status not in _BUSY:
            print(f"{step.id}: {step.status}" if step.id else step.status, file=sys.stderr)


@contextmanager
def _bars() -> "Iterator[Report]":
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.fields[id]}:"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, Any] = {}

        def report(step: Step) -> None:
            if not step.id or (step.id not in tasks and step.status.startswith("Pulling from")):
                text = f"{step.id}: {step.status}" if step.id else step.status
                progress.console.print(text, markup=False)
                return
            if step.id not in tasks:
                tasks[step.id] = progress.add_task(step.status, total=None, id=step.id)
            values: dict[str, Any] = {"description": step.status}
            if step.total:
                values |= {"total": step.total, "completed": step.current}
            elif step.status.endswith(("complete", "exists", "Pushed", "Mounted")):
                known = progress.tasks[tasks[step.id]].total or 1
                values |= {"total": known, "completed": known}
            progress.update(tasks[step.id], **values)

        yield report
