"""Typed decoding of what people and programs write; the only home of ``cattrs``.

``decode(Sysctl, {"key": "a", "valu": "1"}, at="site.yml:4")`` raises ``InvalidInputError`` with the
path of the fault and the nearest known name. Types are dataclasses; no silent coercion: a
string is never taken for a number, nor a number for a string.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar

from cattrs import Converter
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from toolkit.core.errors import InvalidInputError
from toolkit.core.fit import describe, fit
from toolkit.core.suggest import did_you_mean

T = TypeVar("T")


def _strict(value: Any, kind: Any) -> Any:
    return fit(kind, value)


def _converter() -> Converter:
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (str, int, bool, float):
        made.register_structure_hook(kind, _strict)
    made.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _strict
    )
    made.register_unstructure_hook(PurePath, str)
    return made


_CONVERTER = _converter()


def decode(kind: type[T], data: object, *, at: str = "") -> T:
    """Build a ``kind`` from plain data; ``at`` is the place that an error names first."""
    if dataclasses.is_dataclass(kind) and not isinstance(data, Mapping):
        raise InvalidInputError(_join(at, "") + f"expected a mapping, not {describe(data)}")
    try:
        return _CONVERTER.structure(data, kind)
    except BaseValidationError as error:
        where, message, hint = _first_fault(error, kind)
        raise InvalidInputError(_join(at, where) + message, hint=hint) from None


def encode(value: object) -> Any:
    """Plain data (mappings, lists, text, numbers) for a dataclass."""
    return _CONVERTER.unstructure(value)


def _join(at: str, where: str) -> str:
    place = f"{at}.{where}" if at and where and not where.startswith("[") else f"{at}{where}"
    return f"{place}: " if place else ""


def _first_fault(error: BaseException, kind: Any) -> tuple[str, str, str]:
    """The path of the first fault inside a tree of cattrs errors, its message and a hint."""
    if isinstance(error, ClassValidationError):
        return _first_in_class(error)
    if isinstance(error, IterableValidationError):
        inner, item = error.group_exceptions()[0][0]
        where, message, hint = _first_fault(inner, item.type)
        return _below(f"[{item.index}]", where), message, hint
    if isinstance(error, ForbiddenExtraKeysError):
        extra = sorted(error.extra_fields)[0]
        known = [field.name for field in dataclasses.fields(error.cl)]
        return extra, "unknown key", did_you_mean(extra, known)
    if isinstance(error, KeyError):
        return "", f"'{error.args[0]}' is missing", ""
    return "", str(error), ""


def _first_in_class(error: ClassValidationError) -> tuple[str, str, str]:
    with_notes, without = error.group_exceptions()
    if not with_notes:
        return _first_fault(without[0], error.cl)
    inner, note = with_notes[0]
    where, message, hint = _first_fault(inner, note.type)
    return where if isinstance(inner, KeyError) else _below(note.name, where), message, hint


def _below(name: str, where: str) -> str:
    return f"{name}.{where}" if where and not where.startswith("[") else f"{name}{where}"
