"""The journal of one run on a host: what was changed, written down before and after each step.

One JSON object a line in ``<root>/<run id>.jsonl``, mode 0600, each flushed to disk before the step
that it announces: after a crash it tells which steps are done and which one may be half done.

``{"run", "play", "host", "started"}`` opens a play; ``{"step", "task", "place", "does",
"inverse"}`` announces a change (``inverse`` is ``null`` where none exists); ``{"done": step}`` or
``{"failed": step}``, and later ``{"undone": step}``, follow it. A run that changes nothing leaves
no journal. Under ``no_log`` a step keeps neither its description nor its inverse, so that a secret
is never on disk twice.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.core.errors import InvalidInputError, NotFoundError

ROOT = "/var/lib/dockyard/journal"
HIDDEN = "(hidden by no_log)"


def usual_root() -> str:
    """Root's folder, or one in the home of a user who may not write there."""
    return ROOT if os.geteuid() == 0 else os.path.expanduser("~/.local/state/dockyard/journal")


def new_run_id() -> str:
    """A name that sorts by time: ``20260131-235959-1f3a``."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + os.urandom(2).hex()


class Journal(Protocol):
    """What the runner tells about its changes."""

    def open_play(self, head: Mapping[str, Any]) -> None:
        """A play begins; nothing is written until it changes something."""

    def begin(self, entry: Mapping[str, Any]) -> None:
        """A change is about to be applied; the one before it, if any, is done."""

    def settle(self) -> None:
        """The last announced change is done."""

    def fail(self) -> None:
        """The last announced change was refused; it may have left something behind."""

    def path(self) -> str:
        """The file, or ``""`` while there is none."""


class FileJournal:
    """Appends to the run's file, which several plays of one run share."""

    def __init__(self, run: str, *, root: str = ROOT) -> None:
        self._root = root
        self._path = journal_path(run, root)
        self._fd = -1
        self._head: Mapping[str, Any] = {}
        self._step = 0
        self._open_step = 0

    def open_play(self, head: Mapping[str, Any]) -> None:
        """Remember the line that goes before the play's first change."""
        self._head = head

    def begin(self, entry: Mapping[str, Any]) -> None:
        """Write the announcement to disk, and that the change before it is done."""
        lines = self._settled()
        if self._fd < 0:
            self._step = self._open()
        if self._head:
            lines.append(dict(self._head))
            self._head = {}
        self._step += 1
        self._open_step = self._step
        self._append([*lines, {"step": self._step, **entry}])

    def settle(self) -> None:
        """Write that the last change is done."""
        lines = self._settled()
        if lines:
            self._append(lines)

    def fail(self) -> None:
        """Write that the last change was refused."""
        if self._open_step:
            self._append([{"failed": self._open_step}])
        self._open_step = 0

    def path(self) -> str:
        """The file, or ``""`` while nothing was changed."""
        return self._path if self._fd >= 0 else ""

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _settled(self) -> list[dict[str, Any]]:
        lines = [{"done": self._open_step}] if self._open_step else []
        self._open_step = 0
        return lines

    def _open(self) -> int:
        # The folder above is the engine's data root, so it gets the mode that the engine gives it.
        os.makedirs(os.path.dirname(self._root), mode=0o711, exist_ok=True)
        os.makedirs(self._root, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        return max((entry.step for entry in read(self._path)), default=0)

    def _append(self, lines: list[dict[str, Any]]) -> None:
        append(self._fd, lines)


def append(fd: int, lines: list[dict[str, Any]]) -> None:
    """Write lines at the end of a journal and wait until the disk has them."""
    os.write(fd, "".join(json.dumps(line) + "\n" for line in lines).encode())
    os.fsync(fd)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change of a journal.

    ``failed`` is true for one that was refused; without that and without ``done``, a crash came
    in its middle.
    """

    step: int
    task: str
    does: str
    inverse: Mapping[str, Any] | None
    done: bool
    failed: bool
    undone: bool


def journal_path(run: str, root: str = ROOT) -> str:
    """The file of a run; a name that could leave the folder is refused."""
    if not run or "/" in run or run.startswith("."):
        raise InvalidInputError(f"'{run}' is no name of a run")
    return os.path.join(root, f"{run}.jsonl")


def runs(root: str = ROOT) -> tuple[str, ...]:
    """The runs that have a journal, oldest first."""
    try:
        found = [name for name in os.listdir(root) if name.endswith(".jsonl")]
    except FileNotFoundError:
        return ()
    return tuple(sorted(name.removesuffix(".jsonl") for name in found))


def last_run(root: str = ROOT) -> str:
    """The latest run that has something left to undo."""
    for run in reversed(runs(root)):
        if any(not step.undone for step in read(journal_path(run, root))):
            return run
    raise NotFoundError("there is nothing to undo", hint=f"no run left a journal in '{root}'")


def read(path: str) -> tuple[Step, ...]:
    """The steps of a journal in order; a last line torn by a crash is left out.

    Raises ``NotFoundError`` where there is no such journal.
    """
    announced: dict[int, Mapping[str, Any]] = {}
    marks: dict[str, set[int]] = {"done": set(), "failed": set(), "undone": set()}
    for line in _lines(path):
        if "step" in line:
            announced[line["step"]] = line
        for mark, steps in marks.items():
            if mark in line:
                steps.add(line[mark])
    return tuple(
        Step(
            step=number,
            task=line["task"],
            does=line["does"],
            inverse=line["inverse"],
            done=number in marks["done"],
            failed=number in marks["failed"],
            undone=number in marks["undone"],
        )
        for number, line in sorted(announced.items())
    )


def _lines(path: str) -> Iterator[dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        name = os.path.basename(path).removesuffix(".jsonl")
        raise NotFoundError(f"there is no journal of the run '{name}' on this host") from None
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except ValueError:
            if number != len(lines):
                raise InvalidInputError(f"{path}:{number}: not a line of a journal") from None
