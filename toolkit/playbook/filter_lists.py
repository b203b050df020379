"""Filters of lists and mappings."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError


def _combine(*mappings: Any, recursive: bool = False, list_merge: str = "replace") -> Any:
    result: dict[str, Any] = {}
    for mapping in mappings:
        for part in mapping if isinstance(mapping, list | tuple) else [mapping]:
            if not isinstance(part, Mapping):
                raise InvalidInputError(f"combine expects mappings, not {part!r}")
            for key, value in part.items():
                result[key] = _merged(result.get(key), value, recursive, list_merge)
    return result


def _merged(old: Any, value: Any, recursive: bool, list_merge: str) -> Any:
    if recursive and isinstance(old, Mapping) and isinstance(value, Mapping):
        return _combine(old, value, recursive=True, list_merge=list_merge)
    if isinstance(old, list) and isinstance(value, list):
        return _merged_lists(old, value, list_merge)
    return value


def _merged_lists(old: list[Any], new: list[Any], how: str) -> list[Any]:
    if how == "keep":
        return old
    if how == "append":
        return [*old, *new]
    if how == "prepend":
        return [*new, *old]
    if how == "append_rp":
        return [*(each for each in old if each not in new), *new]
    if how == "prepend_rp":
        return [*new, *(each for each in old if each not in new)]
    return new


def _dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"dict2items requires a mapping, not {value!r}")
    return [{key_name: key, value_name: inner} for key, inner in value.items()]


def _items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    return {item[key_name]: item[value_name] for item in value}


def _flatten(value: Iterable[Any], levels: int | None = None, skip_nulls: bool = True) -> Any:
    result: list[Any] = []
    for item in value:
        if skip_nulls and item in (None, "None", "null"):
            continue
        if isinstance(item, list | tuple) and levels != 0:
            inner = None if levels is None else levels - 1
            result += _flatten(item, inner, skip_nulls)
        else:
            result.append(item)
    return result


def _union(one: Iterable[Any], other: Iterable[Any]) -> list[Any]:
    return _unique([*one, *other])


def _unique(values: Iterable[Any], case_sensitive: bool = True, attribute: Any = None) -> list[Any]:
    seen: list[Any] = []
    found: list[Any] = []
    for value in values:
        key = value[attribute] if attribute is not None else value
        key = key.lower() if isinstance(key, str) and not case_sensitive else key
        if key not in seen:
            seen.append(key)
            found.append(value)
    return found


def _intersect(one: Iterable[Any], other: Any) -> list[Any]:
    return [item for item in _unique(one) if item in other]


def _difference(one: Iterable[Any], other: Any) -> list[Any]:
    return [item for item in _unique(one) if item not in other]


def _symmetric(one: Any, other: Any) -> list[Any]:
    return [*_difference(one, other), *_difference(other, one)]


def _zip(*lists: Iterable[Any]) -> list[list[Any]]:
    return [list(row) for row in zip(*lists, strict=False)]


def _zip_longest(*lists: Iterable[Any], fillvalue: Any = None) -> list[list[Any]]:
    return [list(row) for row in itertools.zip_longest(*lists, fillvalue=fillvalue)]


def _extract(key: Any, container: Any, more: Any = None) -> Any:
    """``container[key]``, and then what lies below it by the keys in ``more``."""
    value = container[key]
    for each in [] if more is None else [more] if isinstance(more, str | int) else more:
        value = value[each]
    return value


def _subelements(value: Any, path: Any, skip_missing: bool = False) -> list[Any]:
    parts = path.split(".") if isinstance(path, str) else list(path)
    found = []
    for item in value.values() if isinstance(value, Mapping) else value:
        inner: Any = item
        for part in parts:
            inner = inner.get(part) if isinstance(inner, Mapping) else None
        if inner is None and not skip_missing:
            raise InvalidInputError(f"could not find '{path}' in {item!r}")
        found += [[item, each] for each in inner or ()]
    return found


def _rekey(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for item in value.values() if isinstance(value, Mapping) else value:
        if item[key] in found and duplicates == "error":
            raise InvalidInputError(f"the key {item[key]!r} is not unique")
        found[item[key]] = item
    return found


def _combinations(value: Iterable[Any], size: int) -> list[list[Any]]:
    return [list(each) for each in itertools.combinations(value, size)]


def _permutations(value: Iterable[Any], size: int | None = None) -> list[list[Any]]:
    return [list(each) for each in itertools.permutations(value, size)]


def _product(*lists: Iterable[Any], repeat: int = 1) -> list[list[Any]]:
    return [list(each) for each in itertools.product(*lists, repeat=repeat)]


FILTERS: dict[str, Callable[..., Any]] = {
    "combinations": _combinations,
    "combine": _combine,
    "dict2items": _dict2items,
    "difference": _difference,
    "extract": _extract,
    "flatten": _flatten,
    "intersect": _intersect,
    "items2dict": _items2dict,
    "permutations": _permutations,
    "product": _product,
    "rekey_on_member": _rekey,
    "subelements": _subelements,
    "symmetric_difference": _symmetric,
    "union": _union,
    "unique": _unique,
    "zip": _zip,
    "zip_longest": _zip_longest,
}
