from dataclasses import dataclass
from enum import Enum, StrEnum

import pytest

from toolkit.core.decode import decode, encode
from toolkit.core.errors import InvalidInputError


class State(Enum):
    """A choice for these tests."""

    PRESENT = "present"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    """Nested."""

    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Outer."""

    key: str
    value: str | None = None
    inner: Inner | None = None
    env: dict[str, str] | None = None
    ratio: float = 1.0
    state: State = State.PRESENT
    force: bool = False


def test_plain_data_becomes_a_dataclass_and_back() -> None:
    data = {"key": "a", "inner": {"numbers": [1, 2]}, "state": "absent", "ratio": 2}
    made = decode(Sample, data)
    assert made == Sample(key="a", inner=Inner(numbers=(1, 2)), state=State.ABSENT, ratio=2.0)
    assert encode(made)["state"] == "absent"


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        ({"key": "a", "valu": "1"}, "f.yml:4.valu: unknown key", "did you mean 'value'?"),
        ({"key": 1}, "f.yml:4.key: expected text, not a whole number (1)", ""),
        ({}, "f.yml:4: 'key' is missing", ""),
        (
            {"key": "a", "inner": {"numbers": [1, "2"]}},
            "f.yml:4.inner.numbers[1]: expected a whole number, not text ('2')",
            "",
        ),
        ({"key": "a", "value": 3}, "f.yml:4.value: expected text, not a whole number (3)", ""),
        ([], "f.yml:4: expected a mapping, not a list", ""),
        (
            {"key": "a", "force": "yes"},
            "f.yml:4.force: expected true or false, not text ('yes')",
            "",
        ),
        (
            {"key": "a", "state": "gone"},
            "f.yml:4.state: expected one of present, absent, not text ('gone')",
            "",
        ),
        (
            {"key": "a", "ratio": True},
            "f.yml:4.ratio: expected a number, not true or false (True)",
            "",
        ),
    ],
)
def test_a_fault_is_named_by_its_place(data: object, message: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode(Sample, data, at="f.yml:4")
    assert (caught.value.message, caught.value.hint) == (message, hint)


class Word(StrEnum):
    ONE = "one"


def test_an_enum_of_texts_takes_its_own_values_only() -> None:
    assert decode(Word, "one") is Word.ONE
    for kind in (Word, Word | None):
        with pytest.raises((InvalidInputError, TypeError), match="expected one of one"):
            decode(kind, "two")  # type: ignore[arg-type]
