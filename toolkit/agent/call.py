"""One request as a method sees it, and what it may answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from toolkit.core.errors import InvalidInputError, UnsupportedError

T = TypeVar("T")
REQUIRED: Any = object()
_NAMES = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


def _nobody(what: Mapping[str, Any], body: bytes = b"") -> Any:
    del body
    raise UnsupportedError(f"nobody is there to answer '{what.get('do')}'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request: its parameters, its bytes, the files that it brought by digest."""

    method: str
    params: Mapping[str, Any]
    body: bytes = field(default=b"", repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    send: Callable[[Mapping[str, Any]], None] = field(default=lambda _: None, repr=False)
    ask: Callable[..., Any] = field(default=_nobody, repr=False)
    """``ask(what, body=b"")`` has the controller answer in the middle of the request."""

    def get(self, name: str, kind: type[T], default: T = REQUIRED) -> T:
        """A parameter, checked: ``InvalidInputError`` names the method, the place and the type."""
        value: Any = self.params.get(name, default)
        if value is REQUIRED:
            raise InvalidInputError(f"{self.method}: '{name}' is missing")
        fits = value is default or (
            isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        )
        if not fits:
            said = _NAMES.get(kind, kind.__name__)
            raise InvalidInputError(f"{self.method}: '{name}': expected {said}, not {value!r}")
        return cast("T", value)

    def argv(self, name: str = "argv") -> tuple[str, ...]:
        """A parameter that is a program and its arguments."""
        words = self.get(name, list)
        if not words or not all(isinstance(word, str) for word in words):
            raise InvalidInputError(f"{self.method}: '{name}': expected a list of texts: {words!r}")
        return tuple(words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A result with bytes beside it."""

    result: Any
    body: bytes = field(default=b"", repr=False)
