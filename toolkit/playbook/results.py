"""What a run reports: statuses, events and the recap. All are values; no one here prints."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, ClassVar


class Status(Enum):
    """How a task or a host ended, from best to worst."""

    SKIPPED = "skipped"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


_ORDER = tuple(Status)


def reason(error: Exception) -> str:
    """Why something failed, in one line: a kernel's refusal with its path, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": '{error.filename}'" if error.filename else "")
    return str(error)


def worst(statuses: Iterable[Status]) -> Status:
    """The status that speaks for all of them; ``SKIPPED`` for none."""
    return max(statuses, key=_ORDER.index, default=Status.SKIPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayStarted:
    """A host begins a play."""

    kind: ClassVar[str] = "play.started"
    host: str
    play: str
    run: str
    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskStarted:
    """A host begins a task; ``index`` counts tasks of the play, handlers after them."""

    kind: ClassVar[str] = "task.started"
    host: str
    task: str
    index: int
    handler: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDone:
    """A task has ended, or one item of its loop.

    ``items`` counts the items that were reported before a loop's own event. ``diff``, where it
    was asked for, holds a text for each of the ``changes``, empty where there is none.
    """

    kind: ClassVar[str] = "task.done"
    host: str
    task: str
    index: int
    module: str
    place: str
    status: Status
    item: str | None = None
    items: int = 0
    changes: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()
    message: str = ""
    hint: str = ""
    seconds: float = 0.0
    ignored: bool = False
    handler: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Recap:
    """The counts of one host, as Ansible counts: a changed task is also ok, an ignored one too."""

    kind: ClassVar[str] = "play.done"
    host: str
    run: str = ""
    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    seconds: float = 0.0
    journal: str = ""
    proves: tuple[str, ...] = ()
    pending: tuple[str, ...] = field(default=())
    ended: str = ""
    """``host`` or ``play`` where the play asked for the end of one or the other."""
    forgiven: bool = False
    """Whether its failures do not count any more (``meta: clear_host_errors``)."""

    @property
    def status(self) -> Status:
        """The host's status in one word."""
        if self.unreachable:
            return Status.UNREACHABLE
        if self.failed:
            return Status.FAILED
        return Status.CHANGED if self.changed else Status.OK

    def plus(self, other: "Recap") -> "Recap":
        """The counts of both: a host that went through two plays."""
        counts = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
        names = (*counts, "seconds")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Recap(
            **sums,
            host=self.host,
            run=other.run or self.run,
            journal=other.journal or self.journal,
            proves=tuple(dict.fromkeys((*self.proves, *other.proves))),
            pending=(*self.pending, *other.pending),
        )


def told(event: TaskDone) -> Recap:
    """What one task adds to its host's counts; items are counted with their loop."""
    if event.item is not None or event.index < 0:
        return Recap(host=event.host)
    good = event.status in (Status.OK, Status.CHANGED) or event.ignored
    return Recap(
        host=event.host,
        ok=int(good),
        changed=int(event.status is Status.CHANGED),
        skipped=int(event.status is Status.SKIPPED),
        failed=int(event.status is Status.FAILED and not event.ignored),
        ignored=int(event.ignored),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeUndone:
    """One step of an undo: ``ok`` undone, ``skipped`` has no inverse, ``failed`` says why."""

    kind: ClassVar[str] = "change.undone"
    host: str
    change: str
    status: Status
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoDone:
    """An undo has ended: ``kept`` steps have no inverse or left nothing, ``failed`` ones remain."""

    kind: ClassVar[str] = "undo.done"
    host: str
    run: str
    undone: int
    kept: int
    failed: int


Event = PlayStarted | TaskStarted | TaskDone | Recap | ChangeUndone | UndoDone
_KINDS: dict[str, type[Any]] = {
    cls.kind: cls for cls in (PlayStarted, TaskStarted, TaskDone, Recap, ChangeUndone, UndoDone)
}


def to_data(event: Event) -> dict[str, Any]:
    """The event as JSON: its fields and its ``kind``."""
    data = asdict(event)
    if "status" in data:
        data["status"] = data["status"].value
    return {"kind": event.kind, **data}


def from_data(data: Mapping[str, Any]) -> Event:
    """The event that ``to_data`` made the data of."""
    fields = dict(data)
    cls = _KINDS[fields.pop("kind")]
    if "status" in fields:
        fields["status"] = Status(fields["status"])
    lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    event: Event = cls(**{**fields, **lists})
    return event
