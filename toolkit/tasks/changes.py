"""One step from what is to what should be: data that can be shown, applied, undone and stored.

The kinds of change live beside this file (``file_changes``, ``net_changes``,
``system_changes``); this one holds what they share and their form in the journal.
"""

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import Record, record
from toolkit.tasks.host import Host

_KINDS: dict[str, type[Any]] = {}
T = TypeVar("T")


@record
class Difference:
    """What ``--diff`` shows of one change; text, never bytes."""

    before: str
    after: str
    before_header: str = "before"
    after_header: str = "after"

    def unified(self) -> str:
        """The difference as ``diff -u`` writes it; ``""`` where there is none."""
        import difflib  # noqa: PLC0415 - only --diff needs it

        lines = difflib.unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            self.before_header,
            self.after_header,
            lineterm="",
        )
        return "".join(f"{line}\n" for line in lines)


class Change(ABC):
    """One step. Applying it twice is not asked for; its inverse leads back exactly."""

    __slots__ = ()

    counts: bool = True
    """Does it make the task ``changed``? Not where it only helps another change along."""

    @abstractmethod
    def describe(self) -> str:
        """What it does, in one line: ``write /etc/motd (12 bytes)``."""

    @abstractmethod
    def apply(self, host: Host) -> object:
        """Do it, on a real or planned host; what it returns goes back to the task's plan."""

    @abstractmethod
    def inverse(self) -> "Change | None":
        """The change that undoes it; ``None`` where nothing can."""

    def kept(self) -> "Change":
        """What a journal keeps of it: all but what should be written down nowhere."""
        return self

    def difference(self) -> Difference | None:
        """What it changes, as text; ``None`` where the description says it all."""
        return None


def change_kind(name: str) -> Callable[[type[T]], type[T]]:
    """Register a class of change, or a value inside one, under its name in the journal."""

    def register(cls: type[T]) -> type[T]:
        _KINDS[name] = cls
        cls.KIND = name  # type: ignore[attr-defined] # a class attribute, beside the slots
        return cls

    return register


def to_data(change: Change) -> dict[str, Any]:
    """The change as a JSON object; bytes are in base64."""
    packed: dict[str, Any] = _pack(change.kept())
    return packed


def from_data(data: dict[str, Any]) -> Change:
    """The change that ``to_data`` made an object of."""
    _load_kinds()
    change = _unpack(data)
    if not isinstance(change, Change):
        raise InvalidInputError(f"{data.get('kind')!r} is no kind of change")
    return change


def as_text(data: bytes | None) -> str:
    """Content for a diff: itself if it is text, else its size and digest."""
    if data is None:
        return ""
    try:
        shown = data.decode()
    except UnicodeDecodeError:
        shown = "\0"
    if "\0" in shown:
        digest = hashlib.sha256(data).hexdigest()[:12]
        return f"(binary, {len(data)} bytes, sha256 {digest})\n"
    return shown


def _load_kinds() -> None:
    # Imported here because each of them imports this module for its base class.
    from toolkit.tasks import (  # noqa: F401, PLC0415 - see above
        account_changes,
        file_changes,
        net_changes,
        system_changes,
        web_changes,
    )


def _pack(value: Any) -> Any:
    if type(value) in _KINDS.values():
        names = value._fields if isinstance(value, Record) else value.__dataclass_fields__
        return {"kind": type(value).KIND, **{name: _pack(getattr(value, name)) for name in names}}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return [_pack(item) for item in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "base64" in value:
        return base64.b64decode(value["base64"])
    fields = dict(value)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise InvalidInputError(
            f"the journal holds a change of the unknown kind {kind!r}",
            hint="it was written by another version of dockyard",
        )
    return _KINDS[kind](**{name: _unpack(item) for name, item in fields.items()})
