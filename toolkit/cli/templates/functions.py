"""The functions of a template: Go's own, and those that Docker adds."""

import html
import re
from urllib.parse import quote_plus

from toolkit.cli.templates import values
from toolkit.cli.templates.printf import printf
from toolkit.cli.templates.values import NOTHING, Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Failure(f"expected text, not {values.kind(value)}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Failure(f"expected a number, not {values.kind(value)}")
    return value


def _index(value: object, *keys: object) -> object:
    for key in keys:
        value = _item(value, key)
    return value


def _item(value: object, key: object) -> object:
    if isinstance(value, dict):
        found = value.get(key, NOTHING)
        return values.called(found, ())
    if isinstance(value, list | tuple | str):
        place = _whole(key)
        if not 0 <= place < len(value):
            raise Failure(f"index {place} is out of range: there are {len(value)}")
        return ord(value[place]) if isinstance(value, str) else value[place]
    raise Failure(f"{values.kind(value)} has no index")


def _slice(value: object, *bounds: object) -> object:
    if not isinstance(value, list | tuple | str):
        raise Failure(f"{values.kind(value)} cannot be sliced")
    if len(bounds) > 2:
        raise Failure("it takes a beginning and an end")
    low, high = [*map(_whole, bounds), *(0, len(value))[len(bounds) :]]
    if not 0 <= low <= high <= len(value):
        raise Failure(f"{low} to {high} is out of range: there are {len(value)}")
    return value[low:high]


def _length(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list | tuple | dict):
        return len(value)
    raise Failure(f"{values.kind(value)} has no length")


def _equal(value: object, *others: object) -> bool:
    if not others:
        raise Failure("nothing is given to compare with")
    return any(values.equal(value, other) for other in others)


def _join(items: object, between: object = "") -> str:
    if not isinstance(items, list | tuple):
        raise Failure(f"expected a list, not {values.kind(items)}")
    return _text(between).join(_text(item) for item in items)


def _truncate(text: object, length: object) -> str:
    return _text(text)[: max(0, _whole(length))]


def _pad(text: object, before: object, after: object) -> str:
    word = _text(text)
    return f"{' ' * _whole(before)}{word}{' ' * _whole(after)}" if word else word


def _title(text: object) -> str:
    return re.sub(r"(?:^|(?<=\s))\w", lambda match: match.group().upper(), _text(text))


def _split(text: object, between: object) -> list[str]:
    word, mark = _text(text), _text(between)
    return word.split(mark) if mark else list(word)


def _print(*words: object) -> str:
    """Blanks stand between two that are no texts, as in Go."""
    text = ""
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        gap = place > 0 and not isinstance(word, str) and not isinstance(before, str)
        text += f"{' ' if gap else ''}{values.inner(word)}"
    return text


def _println(*words: object) -> str:
    return " ".join(values.inner(word) for word in words) + "\n"


FUNCTIONS: "dict[str, Callable[..., object]]" = {
    "eq": _equal,
    "ge": lambda one, two: not values.less(one, two),
    "gt": lambda one, two: values.less(two, one),
    "html": lambda *words: html.escape(_print(*words)),
    "index": _index,
    "join": _join,
    "js": lambda *words: values.to_json(_print(*words))[1:-1],
    "json": values.to_json,
    "le": lambda one, two: not values.less(two, one),
    "len": _length,
    "lower": lambda text: _text(text).lower(),
    "lt": values.less,
    "ne": lambda one, two: not values.equal(one, two),
    "not": lambda value: not value,
    "pad": _pad,
    "print": _print,
    "printf": lambda text, *rest: printf(_text(text), *rest),
    "println": _println,
    "slice": _slice,
    "split": _split,
    "title": _title,
    "truncate": _truncate,
    "upper": lambda text: _text(text).upper(),
    "urlquery": lambda *words: quote_plus(_print(*words)),
    # These two look at no more arguments than they need: see ``template``.
    "and": lambda *words: words[-1],
    "or": lambda *words: words[-1],
}

HEADER: "dict[str, Callable[..., object]]" = {
    **FUNCTIONS,
    **dict.fromkeys(("json", "lower", "title", "upper"), lambda text: text),
    "join": lambda items, _between="": items[0] if isinstance(items, list) else items,
    "split": lambda text, _between: [text],
    "truncate": lambda text, _length: text,
}
"""For the line above a table: what shapes a cell leaves its heading alone."""
