"""Single values against types."""

from enum import StrEnum
from typing import Any

import pytest

from toolkit.core.fit import fit


class Word(StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (bool, True, True),
        (float, 3, 3.0),
        (Word, "one", Word.ONE),
        (Word | None, "one", Word.ONE),
        (str | None, None, None),
        (tuple[str, ...], ["a", "b"], ("a", "b")),
        (tuple[Word, ...], ["one"], (Word.ONE,)),
        (int | str, "a", "a"),
        (Any, {"x": 1}, {"x": 1}),
    ],
)
def test_what_fits_is_taken(kind: Any, value: Any, found: Any) -> None:
    assert fit(kind, value) == found


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, 1, r"expected text, not a whole number \(1\)"),
        (int, True, r"expected a whole number, not true or false \(True\)"),
        (bool, "yes", r"expected true or false, not text \('yes'\)"),
        (float, True, "expected a number"),
        (str | None, [], "expected text, not a list"),
        (Word, "onee", r"expected one of one, not text \('onee'\) \(did you mean 'one'\?\)"),
        (tuple[str, ...], "a", "expected a list, not text"),
        (tuple[str, ...], [1], "expected text"),
        (int | str, {}, "expected text, not a mapping"),
    ],
)
def test_what_does_not_is_told(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        fit(kind, value)
