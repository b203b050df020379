"""How Go sees values: what is true, what is equal, how each is printed."""

import json
from functools import cmp_to_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_LARGE, _SMALL = 1e21, 1e-4  # beyond these Go prints a float with an exponent


class Nothing:
    """The value of a key that a map does not have."""

    def __bool__(self) -> bool:
        return False


NOTHING = Nothing()


class Failure(Exception):  # noqa: N818 - never leaves the package: the runner adds the place
    """A value that cannot be used like this; ``hint`` says what could."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def kind(value: object) -> str:
    """What a value is called in messages."""
    if value is None or value is NOTHING:
        return "nothing"
    names = ((bool, "true or false"), (str, "text"), (int, "a number"), (float, "a number"))
    for one, name in (*names, (dict, "a map"), (list | tuple, "a list")):
        if isinstance(value, one):
            return name
    return "a function"


def shown(value: object) -> str:
    """What ``{{.}}`` prints: Go's ``%v``."""
    if value is None or value is NOTHING:
        return "<no value>"
    return inner(value)


def inner(value: object) -> str:
    """The same for a part of something."""
    if value is None or value is NOTHING:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):
        return f"map[{' '.join(f'{inner(key)}:{inner(value[key])}' for key in ordered(value))}]"
    if isinstance(value, list | tuple):
        return f"[{' '.join(inner(item) for item in value)}]"
    return str(value)


def number(value: float) -> str:
    """The shortest text that is this number."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return {"inf": "+Inf", "-inf": "-Inf"}.get(repr(value), "NaN")
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        text = repr(value)
        return (f"{value:.0f}" if "e" in text else text).removesuffix(".0")
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        mantissa, _, exponent = f"{value:.16e}".partition("e")
        mantissa = mantissa.rstrip("0")
    return f"{mantissa.removesuffix('.0').rstrip('.')}e{int(exponent):+03d}"


def ordered(keys: "Iterable[Any]") -> "list[Any]":
    """The keys of a map as Go goes through them: sorted."""
    return sorted(keys, key=cmp_to_key(lambda one, two: -1 if less(one, two) else 1))


def less(one: object, two: object) -> bool:
    """Whether one comes before two; ``Failure`` where they cannot be compared."""
    if _comparable(one, two):
        return bool(one < two)  # type: ignore[operator] # both are texts or numbers
    raise Failure(f"{kind(one)} and {kind(two)} cannot be ordered")


def equal(one: object, two: object) -> bool:
    """Whether they are the same; ``Failure`` where they cannot be compared."""
    if one is None or two is None or one is NOTHING or two is NOTHING:
        return (one is None or one is NOTHING) == (two is None or two is NOTHING)
    both = isinstance(one, bool) and isinstance(two, bool)
    if both or _comparable(one, two):
        return one == two
    raise Failure(f"{kind(one)} and {kind(two)} cannot be compared")


def _comparable(one: object, two: object) -> bool:
    def plain(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    return (isinstance(one, str) and isinstance(two, str)) or (plain(one) and plain(two))


def to_json(value: object) -> str:
    """Compact JSON, as Docker's ``json`` prints it; a function in the data is left out."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not callable(item)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if value is NOTHING else value


def called(value: "object | Callable[..., object]", arguments: "tuple[object, ...]") -> object:
    """What a field of the data is: a function there is called, with what follows it."""
    if callable(value):
        try:
            return value(*arguments)
        except TypeError:
            raise Failure(f"it does not take {len(arguments)} arguments") from None
    if arguments:
        raise Failure("it takes no arguments")
    return value
