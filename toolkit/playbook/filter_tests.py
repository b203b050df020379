"""Tests of values: ``is changed``, ``is match``, ``is version`` and their kin."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError

_SIGNS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_WORDS = {
    **dict.fromkeys(("=", "eq"), "=="),
    **dict.fromkeys(("<>", "ne"), "!="),
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
}
_PARTS = re.compile(r"\d+|[a-z]+|\.")


def _result(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"expected a task's result, not {value!r}")
    return value


def _changed(result: Any) -> bool:
    found = _result(result)
    if "results" in found and "changed" not in found:
        return any(each.get("changed") for each in found["results"])
    return bool(found.get("changed"))


def _failed(result: Any) -> bool:
    return bool(_result(result).get("failed"))


def _skipped(result: Any) -> bool:
    return bool(_result(result).get("skipped"))


def _succeeded(result: Any) -> bool:
    return not _failed(result)


def _unreachable(result: Any) -> bool:
    return bool(_result(result).get("unreachable"))


def _finished(result: Any) -> bool:
    return bool(_result(result).get("finished", 1))


def _started(result: Any) -> bool:
    return bool(_result(result).get("started", 1))


def _regex(how: Callable[..., Any]) -> Callable[..., bool]:
    def test(
        value: Any,
        pattern: str,
        ignorecase: bool = False,
        multiline: bool = False,
    ) -> bool:
        flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
        return how(pattern, str(value), flags) is not None

    return test


def compare_versions(one: str, other: str) -> int:
    """Below, at or above zero; in Ansible's loose order ``2.0rc1`` comes after ``2.0``."""
    mine, theirs = _parts(one), _parts(other)
    if mine == theirs:
        return 0
    try:
        return -1 if mine < theirs else 1
    except TypeError:
        raise InvalidInputError(f"version: '{one}' cannot be compared with '{other}'") from None


def _parts(text: str) -> list[Any]:
    words = [word for word in _PARTS.findall(str(text).lower()) if word != "."]
    return [int(word) if word.isdigit() else word for word in words]


def _version(
    value: Any,
    version: Any,
    operator: str = "eq",
    strict: Any = None,
    version_type: Any = None,
) -> bool:
    del strict, version_type
    sign = _WORDS.get(operator, operator)
    if sign not in _SIGNS:
        raise InvalidInputError(f"version: there is no operator '{operator}'")
    if not str(value):
        raise InvalidInputError("version: the value to compare is empty")
    return _SIGNS[sign](compare_versions(str(value), str(version)))


def _subset(one: Any, other: Any) -> bool:
    return all(each in other for each in one)


def _superset(one: Any, other: Any) -> bool:
    return _subset(other, one)


def _contains(one: Any, value: Any) -> bool:
    return value in one


def _truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, str):
        return value.lower() in ("yes", "on", "true", "1")
    return bool(value)


def _falsy(value: Any, convert_bool: bool = False) -> bool:
    return not _truthy(value, convert_bool)


def _nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - the one value so


def _url(value: Any, schemes: Any = None) -> bool:
    from urllib.parse import urlsplit  # noqa: PLC0415 - hardly any play needs it

    found = urlsplit(str(value))
    return bool(found.scheme and found.netloc) and (not schemes or found.scheme in schemes)


TESTS: dict[str, Callable[..., bool]] = {
    "all": all,
    "any": any,
    "change": _changed,
    "changed": _changed,
    "contains": _contains,
    "failed": _failed,
    "failure": _failed,
    "falsy": _falsy,
    "finished": _finished,
    "issubset": _subset,
    "issuperset": _superset,
    "match": _regex(re.match),
    "nan": _nan,
    "reachable": lambda result: not _unreachable(result),
    "regex": _regex(re.search),
    "search": _regex(re.search),
    "skip": _skipped,
    "skipped": _skipped,
    "started": _started,
    "subset": _subset,
    "succeeded": _succeeded,
    "success": _succeeded,
    "successful": _succeeded,
    "superset": _superset,
    "truthy": _truthy,
    "unreachable": _unreachable,
    "uri": _url,
    "url": _url,
    "version": _version,
    "version_compare": _version,
}
