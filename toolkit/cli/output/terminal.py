"""Colours and a live table of what goes on now, for people in front of a terminal."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from toolkit.cli.output.text import TextOutput, harmless
from toolkit.playbook.results import Event, Recap, Status, TaskDone, TaskStarted

_STYLES = {
    "head": "bold",
    "ok": "green",
    "changed": "yellow",
    "failed": "bold red",
    "skipped": "cyan",
    "note": "magenta",
    "detail": "dim",
    "add": "green",
    "remove": "red",
}
SHOWN_HOSTS = 8
_BAD = (Status.FAILED, Status.UNREACHABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """One host of the play that runs: its task, since when, and what it did so far."""

    task: str = ""
    since: float = 0.0
    ended: int = 0
    changed: int = 0
    failed: int = 0


class Board:
    """The hosts of the play that runs; rich draws it anew several times a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._hosts = 0

    def play(self, hosts: tuple[str, ...]) -> None:
        """Begin with these hosts, none of which has done anything."""
        with self._lock:
            self._rows, self._hosts = {}, len(hosts)

    def event(self, event: Event) -> None:
        """Something happened on one host."""
        with self._lock:
            row = self._rows.get(event.host, _Row())
            if isinstance(event, TaskStarted):
                row = replace(row, task=event.task, since=self._clock())
            elif isinstance(event, Recap):
                row = replace(row, task="")
            elif isinstance(event, TaskDone) and event.item is None:
                bad = event.status in _BAD and not event.ignored
                changed = event.status is Status.CHANGED
                row = replace(
                    row,
                    task="" if event.index < 0 else row.task,
                    ended=row.ended + 1,
                    changed=row.changed + changed,
                    failed=row.failed + bad,
                )
            self._rows[event.host] = row

    def __rich__(self) -> RenderableType:
        """A line a host that is busy, the slowest first, and what there is beside them."""
        with self._lock:
            rows, now = dict(self._rows), self._clock()
        busy = sorted((row.since, host) for host, row in rows.items() if row.task)
        table = Table.grid(padding=(0, 2))
        for _, host in busy[:SHOWN_HOSTS]:
            row = rows[host]
            style = "red" if row.failed else ""
            seconds = f"{now - row.since:.0f}s"
            counts = f"{row.ended} done, {row.changed} changed"
            table.add_row(
                Text(harmless(host), style=style),
                Text(harmless(row.task)),
                Text(seconds, style="dim"),
                Text(counts, style="dim"),
            )
        left = len(busy) - SHOWN_HOSTS
        ended = sum(not row.task for row in rows.values())
        failed = sum(bool(row.failed) for row in rows.values())
        words = [f"and {left} more"] if left > 0 else []
        words += [f"{ended} of {self._hosts} hosts done"] if self._hosts > 1 else []
        words += [f"{failed} failed"] if failed else []
        if words:
            table.add_row(Text(" · ".join(words), style="dim"))
        return table


class TerminalOutput:
    """The plain output's lines in colour, above the live table."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = TextOutput(self._write)
        self._board = Board()
        self._status = console.status(self._board, spinner="line", speed=0.5)

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """See ``TextOutput.play``."""
        self._text.play(title, hosts)
        self._board.play(hosts)
        self._status.start()

    def event(self, event: Event) -> None:
        """Show the event's lines and what runs now."""
        self._board.event(event)
        self._text.event(event)

    def note(self, text: str) -> None:
        """See ``TextOutput.note``."""
        self._text.note(text)

    def recap(self, recaps: Iterable[Recap]) -> None:
        """See ``TextOutput.recap``."""
        self._status.stop()
        self._text.recap(recaps)

    def close(self) -> None:
        """Take the live table away."""
        self._status.stop()
        self._text.close()

    def _write(self, text: str, style: str) -> None:
        self._console.print(Text(text, style=_STYLES[style]), soft_wrap=True)
