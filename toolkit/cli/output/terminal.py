"""Colours and a line that says what is going on now, for people in front of a terminal."""

import threading
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from toolkit.cli.output.text import TextOutput
from toolkit.playbook.results import Event, Recap, TaskDone, TaskStarted

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
SHOWN_HOSTS = 3


class TerminalOutput:
    """The plain output's lines in colour, above a live line of the tasks that run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = TextOutput(self._write)
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()
        self._status = console.status("")

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """See ``TextOutput.play``."""
        self._text.play(title, hosts)
        self._status.start()

    def event(self, event: Event) -> None:
        """Show the event's lines and what runs now."""
        with self._lock:
            if isinstance(event, TaskStarted):
                self._running[event.host] = event.task
            elif isinstance(event, Recap) or (isinstance(event, TaskDone) and event.item is None):
                self._running.pop(event.host, None)
            self._status.update(_summary(self._running))
        self._text.event(event)

    def note(self, text: str) -> None:
        """See ``TextOutput.note``."""
        self._text.note(text)

    def recap(self, recaps: Iterable[Recap]) -> None:
        """See ``TextOutput.recap``."""
        self._status.stop()
        self._text.recap(recaps)

    def close(self) -> None:
        """Take the live line away."""
        self._status.stop()
        self._text.close()

    def _write(self, text: str, style: str) -> None:
        self._console.print(Text(text, style=_STYLES[style]), soft_wrap=True)


def _summary(running: dict[str, str]) -> Text:
    """``web1: install packages · web2: … · and 7 more``."""
    shown = [f"{host}: {task}" for host, task in list(running.items())[:SHOWN_HOSTS]]
    if len(running) > SHOWN_HOSTS:
        shown.append(f"and {len(running) - SHOWN_HOSTS} more")
    return Text(" · ".join(shown))
