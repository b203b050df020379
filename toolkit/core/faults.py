"""A ``ToolkitError`` as plain data, to cross a link, and back as the same class.

``{"type", "kinds", "message", "hint", "status", "more"}``: ``kinds`` are the names of the class and
of its parents, so that a side that never imported the class falls back to the nearest parent
that it knows; ``more`` holds the attributes that a subclass added (``CommandError.stderr``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.core.errors import ToolkitError

_PLAIN = (str, int, float, bool, type(None))


def to_data(error: ToolkitError) -> dict[str, Any]:
    """What ``from_data`` needs to make the same error on the other side."""
    kinds = [cls.__name__ for cls in type(error).__mro__ if issubclass(cls, ToolkitError)]
    own = {name: value for name, value in vars(error).items() if name not in ("message", "hint")}
    return {
        "type": kinds[0],
        "kinds": kinds,
        "message": error.message,
        "hint": error.hint,
        "status": error.exit_status,
        "more": {name: value for name, value in own.items() if _is_plain(value)},
    }


def from_data(data: Mapping[str, Any]) -> ToolkitError:
    """The error that ``data`` describes, made without calling its class's own ``__init__``."""
    known = {cls.__name__: cls for cls in _classes(ToolkitError)}
    names = (name for name in data.get("kinds", ()) if name in known)
    cls = known[next(names, "ToolkitError")]
    error = cls.__new__(cls)
    ToolkitError.__init__(error, str(data["message"]), hint=str(data.get("hint", "")))
    for name, value in data.get("more", {}).items():
        setattr(error, name, tuple(value) if isinstance(value, list) else value)
    if error.exit_status != data.get("status", error.exit_status):
        error.exit_status = data["status"]
    return error


def _classes(cls: type[ToolkitError]) -> Iterator[type[ToolkitError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from _classes(below)


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN)
