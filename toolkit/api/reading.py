"""Values of the JSON that clients send, by type; null is what is left out."""

from collections.abc import Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError, UnsupportedError


class Reader:
    """One object; ``at`` is its place in the body, for messages."""

    def __init__(self, data: Mapping[str, Any], at: str = "") -> None:
        self.data = data
        self.at = at

    def _get(self, key: str, kind: "type[Any]", what: str) -> Any:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InvalidInputError(f"{self.at}{key}: expected {what}, not {value!r}")
        return value

    def refuse_all_but(self, fine: Mapping[str, tuple[object, ...]]) -> None:
        """Refuse what is asked for and not built: for each key what asks for nothing."""
        for key, values in fine.items():
            value = self.data.get(key)
            if value is not None and value not in values:
                raise UnsupportedError(f"{self.at}{key} is not built: {value!r} was asked for")

    def text(self, key: str) -> str:
        """A text, empty where it is left out."""
        return self._get(key, str, "text") or ""

    def number(self, key: str, default: int = 0) -> int:
        """A whole number."""
        found = self._get(key, int, "a whole number")
        return default if found is None else int(found)

    def flag(self, key: str) -> bool:
        """True or false."""
        return bool(self._get(key, bool, "true or false"))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text alone is a list of one."""
        value = self.data.get(key)
        if isinstance(value, str):
            return (value,)
        found = self._get(key, list, "a list of texts") or []
        for item in found:
            if not isinstance(item, str):
                raise InvalidInputError(f"{self.at}{key}: expected a list of texts, not {found!r}")
        return tuple(found)

    def pairs(self, key: str) -> tuple[str, ...]:
        """An object of texts, as ``K=V``."""
        return tuple(f"{name}={value}" for name, value in self.table(key).items())

    def table(self, key: str) -> dict[str, Any]:
        """An object."""
        return self._get(key, dict, "an object") or {}

    def part(self, key: str) -> "Reader":
        """An object, to be read like this one."""
        return Reader(self.table(key), f"{self.at}{key}.")

    def items(self, key: str) -> "list[Reader]":
        """A list of objects."""
        found = self._get(key, list, "a list of objects") or []
        for item in found:
            if not isinstance(item, dict):
                raise InvalidInputError(f"{self.at}{key}: expected a list of objects")
        return [Reader(item, f"{self.at}{key}[{place}].") for place, item in enumerate(found)]
