"""Does a plain value have a type? What ``decode`` asks of each field, without ``cattrs``.

``cattrs`` takes 25 ms to import: nothing beside reading a file, a lot for an agent that answers a
play in 80 ms. Who checks single values, as the tasks do with their arguments, asks here.
"""

import types
from enum import Enum
from typing import Any, get_args, get_origin

from toolkit.core.suggest import did_you_mean

NAMES = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}


def fit(kind: Any, value: Any) -> Any:
    """``value`` as a ``kind``: a scalar, an enum, a tuple, or a union of them with ``None``.

    Nothing is converted but an enum's value to its member and a list to a tuple. ``TypeError``
    says what was expected.
    """
    if isinstance(kind, types.UnionType):
        return _one_of(get_args(kind), value)
    if get_origin(kind) is tuple:
        return _items(get_args(kind)[0], value)
    if get_origin(kind) is dict and not isinstance(value, dict):
        raise TypeError(f"expected a mapping, not {describe(value)}")
    if isinstance(kind, type) and issubclass(kind, Enum):
        return choice(value, kind)
    if kind is float:
        return number(value)
    if kind in NAMES and type(value) is not kind:
        raise TypeError(f"expected {NAMES[kind]}, not {describe(value)}")
    return value


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in kinds:
        return None
    real = [kind for kind in kinds if kind is not type(None)]
    for kind in real[:-1]:
        try:
            return fit(kind, value)
        except TypeError:
            continue
    return fit(real[-1], value)


def _items(kind: Any, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, not {describe(value)}")
    return tuple(fit(kind, item) for item in value)


def describe(value: object) -> str:
    """What a person calls a value: ``text ('x')``, ``a mapping``."""
    kind = {dict: "a mapping", list: "a list", type(None): "nothing", **NAMES}.get(type(value))
    return f"{kind} ({value!r})" if isinstance(value, str | int | float) else kind or repr(value)


def number(value: Any) -> float:
    """A number that is no truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, not {describe(value)}")
    return float(value)


def choice(value: Any, kind: type[Enum]) -> Enum:
    """The member of an enum that has this value; ``TypeError`` lists them."""
    for member in kind:
        if member.value == value:
            return member
    known = [str(member.value) for member in kind]
    hint = did_you_mean(str(value), known)
    raise TypeError(
        f"expected one of {', '.join(known)}, not {describe(value)}"
        + (f" ({hint})" if hint else "")
    )
