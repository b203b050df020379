"""Lines as Ansible writes them, made once; where they go and in what colour others decide."""

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest

from toolkit.cli.output.ordering import InOrder
from toolkit.playbook.results import ChangeUndone, Event, Recap, Status, TaskDone, UndoDone

Line = tuple[str, str]
"""A text and the name of its style: ``head ok changed failed skipped note detail add remove``."""

WIDTH = 80
_WORDS = {
    Status.OK: "ok",
    Status.CHANGED: "changed",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipping",
    Status.UNREACHABLE: "unreachable",
}
_STYLES = {
    Status.OK: "ok",
    Status.CHANGED: "changed",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.UNREACHABLE: "failed",
}


class TextOutput:
    """Turns what happens into lines and hands each to ``write``."""

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._raw = write
        self._lock = threading.Lock()
        self._head: tuple[int, bool] | None = None
        self._order = InOrder()

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """``PLAY [title] ****``."""
        with self._lock:
            self._flush()
            self._head = None
            self._order = InOrder()
            self._lines(((rule(f"PLAY [{title}]"), "head"),))
            if not hosts:
                self._write("skipping: no hosts matched", "skipped")

    def event(self, event: Event) -> None:
        """The lines of one event, below the heading of its task."""
        with self._lock:
            for done in self._order.take(event):
                self._task(done)
            if isinstance(event, ChangeUndone):
                self._lines(undone(event))
            elif isinstance(event, UndoDone):
                self._write(undo_sum(event), "failed" if event.failed else "head")

    def note(self, text: str) -> None:
        """The text as it is."""
        with self._lock:
            self._write(text, "note")

    def recap(self, recaps: Iterable[Recap]) -> None:
        """``PLAY RECAP ****`` and one line a host, aligned."""
        found = list(recaps)
        width = max((len(recap.host) for recap in found), default=0)
        with self._lock:
            self._flush()
            self._lines(((rule("PLAY RECAP"), "head"),))
            self._lines((counts(recap, width), _STYLES[recap.status]) for recap in found)
            for recap in found:
                if recap.pending:
                    names = ", ".join(recap.pending)
                    self._write(f"{recap.host}: notified, but did not run: {names}", "note")

    def close(self) -> None:
        """Tell what was held back, where a run is given up."""
        with self._lock:
            self._flush()

    def _write(self, text: str, style: str) -> None:
        for line in text.split("\n"):
            self._raw(harmless(line), style)

    def _flush(self) -> None:
        for done in self._order.rest():
            self._task(done)

    def _task(self, event: TaskDone) -> None:
        head = (event.index, event.handler)
        if head != self._head:
            self._head = head
            kind = "RUNNING HANDLER" if event.handler else "TASK"
            self._lines(((rule(f"{kind} [{event.task}]"), "head"),))
        self._lines(task_lines(event))

    def _lines(self, lines: Iterable[Line]) -> None:
        for text, style in lines:
            if style == "head":
                self._write("", "head")
            self._write(text, style)


def harmless(text: str) -> str:
    """The text without what a terminal would obey: a host's file names are not to be trusted."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == "\t" else repr(sign)[1:-1] for sign in text
    )


def rule(title: str) -> str:
    """The title and stars up to the usual width."""
    return f"{title} ".ljust(WIDTH - 1, "*") if len(title) < WIDTH - 5 else f"{title} ***"


def task_lines(event: TaskDone) -> Iterator[Line]:
    """Status, host and item; then what changed; then the difference."""
    if event.items and event.item is None and event.status is not Status.SKIPPED:
        if event.ignored:
            yield "...ignoring", "skipped"
        return
    word, style = _WORDS[event.status], _STYLES[event.status]
    item = f" => (item={event.item})" if event.item is not None else ""
    message = f": {event.message}" if event.message else ""
    yield f"{word}: [{event.host}]{item}{message}", style
    if event.hint:
        yield f"  hint: {event.hint}", "note"
    if event.status in (Status.FAILED, Status.UNREACHABLE) and event.place:
        yield f"  at {event.place}", "detail"
    for change, difference in zip_longest(event.changes, event.diff, fillvalue=""):
        yield f"  {change}", "detail"
        yield from _difference(difference)
    if event.ignored:
        yield "...ignoring", "skipped"


def _difference(text: str) -> Iterator[Line]:
    for line in text.splitlines():
        style = {"+": "add", "-": "remove"}.get(line[:1], "detail")
        yield line, style


def undone(event: ChangeUndone) -> Iterator[Line]:
    """One step of an undo."""
    word = {Status.OK: "undone", Status.SKIPPED: "kept"}.get(event.status, "failed")
    message = f": {event.message}" if event.message else ""
    yield f"{word}: [{event.host}] {event.change}{message}", _STYLES[event.status]


def undo_sum(event: UndoDone) -> str:
    """How an undo ended."""
    kept = f", {event.kept} kept" if event.kept else ""
    failed = f", {event.failed} failed" if event.failed else ""
    return f"{event.host}: run {event.run}: {event.undone} undone{kept}{failed}"


def counts(recap: Recap, width: int) -> str:
    """``host : ok=3 changed=1 …`` with Ansible's columns, the seconds after them."""
    names = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
    numbers = " ".join(f"{name}={getattr(recap, name):<4}" for name in names)
    return f"{recap.host:<{width}} : {numbers} {recap.seconds:.2f}s"
