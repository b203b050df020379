"""Frozen value types without the price of ``dataclasses``.

A container's start has a budget of milliseconds and ``import dataclasses`` alone takes eight of
them (it imports ``inspect``). ``@record`` gives the same shape: keyword-only arguments, slots,
frozen, equality and a repr. Rooms that are not on the path of a start (tasks, playbook,
inventory, conformance) use ``dataclasses``.
"""

TYPE_CHECKING = False  # type checkers take this name as true; importing typing costs 4 ms
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")

else:

    def dataclass_transform(**_options):
        """Tell type checkers only."""
        return lambda function: function


class Record:
    """What a ``@record`` class can do; ``_fields`` names its fields in order."""

    __slots__ = ()
    _fields: "tuple[str, ...]" = ()
    _defaults: "dict[str, Any]" = {}  # noqa: RUF012 - typing.ClassVar would import typing
    _known: "frozenset[str]" = frozenset()

    def __init__(self, **values: "Any") -> None:
        put = object.__setattr__
        whole = {**self._defaults, **values}
        if len(whole) != len(self._fields) or not whole.keys() <= self._known:
            self._refuse(values)
        for name, value in whole.items():
            put(self, name, value)

    def _refuse(self, values: "dict[str, Any]") -> None:
        for name in self._fields:
            if name not in values and name not in self._defaults:
                raise TypeError(f"{type(self).__name__} needs '{name}'")
        odd = next(name for name in values if name not in self._known)
        raise TypeError(f"{type(self).__name__} has no '{odd}'")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: '{name}' cannot be set")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self._fields)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> "tuple[Any, ...]":
        return _rebuild, (type(self), as_dict(self))


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: "type[T]") -> "type[T]":
    """Turn annotated class attributes into the fields of a frozen, slotted ``Record``.

    Defaults are shared between instances, so they must be immutable.
    """
    names = tuple(cls.__dict__.get("__annotations__", ()))  # noqa: RUF063 - inspect costs 8 ms
    defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
    for name, value in defaults.items():
        if isinstance(value, list | dict | set):
            raise TypeError(f"{cls.__name__}.{name}: a default must be immutable")
    left_out = {*names, "__dict__", "__weakref__"}
    body = {key: value for key, value in cls.__dict__.items() if key not in left_out}
    body.update(
        __slots__=names,
        _fields=names,
        _defaults=defaults,
        _known=frozenset(names),
        __qualname__=cls.__qualname__,
    )
    bases = tuple(base for base in cls.__bases__ if base is not object)
    return type(cls.__name__, (*bases, Record), body)


def _rebuild(cls: "type[T]", values: "dict[str, Any]") -> "T":
    return cls(**values)


def as_dict(value: "Record | Any") -> "dict[str, Any]":
    """The fields of a record, one level deep."""
    return {name: getattr(value, name) for name in value._fields}


def replace(value: "T", **changes: "Any") -> "T":
    """A copy of a record with some fields changed."""
    return type(value)(**{**as_dict(value), **changes})
