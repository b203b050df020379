"""Filters and tests that Jinja2 lacks and playbooks use, by Ansible's names and meanings."""

import base64
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

_TRUE = frozenset({"yes", "on", "true", "1", "y", "t", "1.0"})
_FALSE = frozenset({"no", "off", "false", "0", "n", "f", "0.0"})


def _bool(value: Any) -> bool:
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"'{value}' is neither true nor false")


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **options)


def _to_nice_json(value: Any, indent: int = 4) -> str:
    return json.dumps(value, indent=indent, sort_keys=True)


def _combine(*mappings: Mapping[str, Any], recursive: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            old = result.get(key)
            if recursive and isinstance(old, Mapping) and isinstance(value, Mapping):
                result[key] = _combine(old, value, recursive=True)
            else:
                result[key] = value
    return result


def _ternary(value: Any, if_true: Any, if_false: Any, if_none: Any = None) -> Any:
    if value is None and if_none is not None:
        return if_none
    return if_true if value else if_false


def _regex_replace(value: Any, pattern: str, replacement: str = "") -> str:
    return re.sub(pattern, replacement, str(value))


def _regex_search(value: Any, pattern: str, *groups: str) -> Any:
    found = re.search(pattern, str(value))
    if found is None:
        return None
    if not groups:
        return found.group()
    return [found.group(_group(group)) for group in groups]


def _group(reference: str) -> str | int:
    """A group as Ansible writes it: ``\\1`` or ``\\g<name>``."""
    named = re.fullmatch(r"\\g<(\w+)>", reference)
    if named:
        return named[1]
    return int(reference.removeprefix("\\"))


def _dict2items(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": inner} for key, inner in value.items()]


def _items2dict(value: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in value}


def _flatten(value: list[Any], levels: int | None = None) -> list[Any]:
    result: list[Any] = []
    for item in value:
        if isinstance(item, list | tuple) and levels != 0:
            result += _flatten(list(item), None if levels is None else levels - 1)
        else:
            result.append(item)
    return result


def _b64encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _b64decode(value: str) -> str:
    return base64.b64decode(value).decode()


def _zip(*lists: list[Any]) -> list[list[Any]]:
    return [list(row) for row in zip(*lists, strict=False)]


def _union(one: list[Any], other: list[Any]) -> list[Any]:
    both = [*one, *other]
    return [item for number, item in enumerate(both) if item not in both[:number]]


def _intersect(one: list[Any], other: list[Any]) -> list[Any]:
    return [item for item in _union(one, []) if item in other]


def _difference(one: list[Any], other: list[Any]) -> list[Any]:
    return [item for item in _union(one, []) if item not in other]


def _extract(key: Any, container: Any, more: Any = None) -> Any:
    """``container[key]``, and then what lies below it by the keys in ``more``."""
    value = container[key]
    for each in [] if more is None else [more] if isinstance(more, str | int) else more:
        value = value[each]
    return value


FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "basename": os.path.basename,
    "bool": _bool,
    "combine": _combine,
    "difference": _difference,
    "dict2items": _dict2items,
    "dirname": os.path.dirname,
    "extract": _extract,
    "flatten": _flatten,
    "from_json": json.loads,
    "intersect": _intersect,
    "items2dict": _items2dict,
    "quote": shlex.quote,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "ternary": _ternary,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
    "union": _union,
    "zip": _zip,
}


def _changed(result: Mapping[str, Any]) -> bool:
    return bool(result.get("changed"))


def _failed(result: Mapping[str, Any]) -> bool:
    return bool(result.get("failed"))


def _skipped(result: Mapping[str, Any]) -> bool:
    return bool(result.get("skipped"))


def _succeeded(result: Mapping[str, Any]) -> bool:
    return not _failed(result)


def _match(value: Any, pattern: str) -> bool:
    return re.match(pattern, str(value)) is not None


def _search(value: Any, pattern: str) -> bool:
    return re.search(pattern, str(value)) is not None


TESTS: dict[str, Callable[..., bool]] = {
    "changed": _changed,
    "change": _changed,
    "failed": _failed,
    "failure": _failed,
    "match": _match,
    "regex": _search,
    "search": _search,
    "skipped": _skipped,
    "skip": _skipped,
    "succeeded": _succeeded,
    "success": _succeeded,
}
