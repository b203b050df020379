"""Records from JSON and back, on a container's start budget.

``cattrs`` does this for the files that people write; it costs more to import than a container
costs to start. Here the annotation of a record's field is the schema: ``str``, ``int``, ``bool``,
``Mapping[str, str]``, ``Mapping[str, object]`` (taken as it is), ``Mapping[str, X]``,
``tuple[X, ...]``, another record and ``X | None``; a module with records therefore says
``from __future__ import annotations``. A name is camelCase in JSON and snake_case in Python.

As the specification demands, unknown properties are ignored; ``null`` counts as absent, because
Go's encoders write it for an empty list.
"""

import sys

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")
    Convert = Callable[[Any], Any]

# Names that the rule does not give.
_IRREGULAR = {
    "block_io": "blockIO",
    "class_": "class",
    "class_id": "classID",
    "container_id": "containerID",
    "disable_oom_killer": "disableOOMKiller",
    "exec_cpu_affinity": "execCPUAffinity",
    "host_id": "hostID",
    "kernel_tcp": "kernelTCP",
    "throttle_read_iops_device": "throttleReadIOPSDevice",
    "throttle_write_iops_device": "throttleWriteIOPSDevice",
}


def json_name(field: str) -> str:
    """``no_new_privileges`` → ``noNewPrivileges``."""
    if field in _IRREGULAR:
        return _IRREGULAR[field]
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


_AS_IT_IS = (str, int, float, type(None))
_LISTS = (tuple, list)
_encodings: "dict[type, tuple[tuple[str, str, bool, Any], ...]]" = {}
_plans: "dict[type, tuple[tuple[str, str, Convert, object], ...]]" = {}
_MISSING = object()
_put = object.__setattr__


class _WrongError(Exception):
    """A fault on its way up; each level puts its name before ``where``."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.where = ""

    def below(self, name: str) -> "_WrongError":
        joint = "." if self.where and not self.where.startswith("[") else ""
        self.where = f"{name}{joint}{self.where}"
        return self


def decode(kind: "type[T]", data: object, at: str) -> "T":
    """A ``kind`` from plain data; an error says ``at: process.args[1]: expected text, …``."""
    try:
        return _decode(kind, data)
    except _WrongError as error:
        where = f"{at}{'.' if ': ' in at else ': '}{error.where}" if error.where else at
        raise InvalidInputError(f"{where}: {error}") from None


def _decode(kind: "type[T]", data: object) -> "T":
    if not isinstance(data, dict):
        raise _wrong("an object", data)
    # A record's own way of being made takes keywords apart; here the fields are known one by one.
    made = object.__new__(kind)
    missing = ""
    for field, name, convert, default in _plans.get(kind) or _plan(kind):
        value = data.get(name)
        if value is not None:
            try:
                value = convert(value)
            except _WrongError as error:
                raise error.below(name) from None
        elif default is _MISSING:
            missing = missing or name
        else:
            value = default
        _put(made, field, value)
    if missing:
        raise _WrongError("missing").below(missing)
    return made


def _plan(kind: type) -> "tuple[tuple[str, str, Convert, object], ...]":
    """Field, JSON name, converter and default of each field; worked out once a class."""
    if kind not in _plans:
        names = vars(sys.modules[kind.__module__])
        defaults: dict[str, object] = getattr(kind, "_defaults", {})
        _plans[kind] = tuple(
            (field, json_name(field), _converter(hint, names), defaults.get(field, _MISSING))
            for field, hint in kind.__annotations__.items()
        )
    return _plans[kind]


def _converter(hint: str, names: "Mapping[str, Any]") -> "Convert":
    hint = hint.removesuffix(" | None")
    if hint == "tuple[str, ...]":
        return _texts
    if hint.startswith("Mapping[str, ") and hint not in _PLAIN:
        return _objects(_converter(hint[len("Mapping[str, ") : -1], names))
    if hint.startswith("tuple["):
        return _sequence(_converter(hint[len("tuple[") : -len(", ...]")], names))
    if hint in _PLAIN:
        return _PLAIN[hint]
    kind = names[hint]
    return lambda value: _decode(kind, value)


def encode(value: "Any") -> "Any":
    """Plain data for a record; fields that hold their default are left out."""
    if isinstance(value, _AS_IT_IS):
        return value
    if isinstance(value, Record):
        made = {}
        for field, name, optional, default in _encoding(type(value)):
            held = getattr(value, field)
            if held is None or (optional and (held is default or held == default)):
                continue
            made[name] = encode(held)
        return made
    if isinstance(value, _LISTS):
        return [encode(item) for item in value]
    return {key: encode(item) for key, item in value.items()}


def _encoding(kind: "type[Record]") -> "tuple[tuple[str, str, bool, Any], ...]":
    """Field, JSON name, whether there is a default, and the default; worked out once a class."""
    if kind not in _encodings:
        defaults = kind._defaults
        _encodings[kind] = tuple(
            (field, json_name(field), field in defaults, defaults.get(field))
            for field in kind._fields
        )
    return _encodings[kind]


def _sequence(convert: "Convert") -> "Convert":
    def read(value: object) -> "tuple[Any, ...]":
        made = []
        for index, item in enumerate(_list(value)):
            try:
                made.append(convert(item))
            except _WrongError as error:
                raise error.below(f"[{index}]") from None
        return tuple(made)

    return read


def _objects(convert: "Convert") -> "Convert":
    def read(value: object) -> "Mapping[str, Any]":
        made = {}
        for key, item in _object(value).items():
            try:
                made[key] = convert(item)
            except _WrongError as error:
                raise error.below(key) from None
        return made

    return read


def _list(value: object) -> "list[Any]":
    if not isinstance(value, list):
        raise _wrong("a list", value)
    return value


def _texts(value: object) -> "tuple[str, ...]":
    """As ``_sequence(_text)``, but fast: most of a specification is lists of text."""
    for index, item in enumerate(_list(value)):
        if type(item) is not str or "\0" in item:
            try:
                _text(item)
            except _WrongError as error:
                raise error.below(f"[{index}]") from None
    return tuple(_list(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong("text", value)
    if "\0" in value:
        raise _WrongError("a zero byte cannot be passed to the kernel")
    return value


def _whole(value: object) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():  # 1e3 is a whole number in JSON
        return int(value)
    raise _wrong("a whole number", value)


def _truth(value: object) -> bool:
    if value is True or value is False:
        return value
    raise _wrong("true or false", value)


def _object(value: object) -> "Mapping[str, Any]":
    if not isinstance(value, dict):
        raise _wrong("an object", value)
    return value


def _mapping(value: object) -> "Mapping[str, str]":
    for key, item in _object(value).items():
        try:
            _text(item)
        except _WrongError as error:
            raise error.below(key) from None
    return _object(value)


_PLAIN: "dict[str, Convert]" = {
    "str": _text,
    "int": _whole,
    "bool": _truth,
    "Mapping[str, str]": _mapping,
    "Mapping[str, object]": _object,
}


def _wrong(wanted: str, value: object) -> _WrongError:
    return _WrongError(f"expected {wanted}, not {_kind(value)}")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "null"
