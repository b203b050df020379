import pickle
import subprocess
import sys

import pytest

from toolkit.core.record import as_dict, record, replace


@record
class Point:
    """A point for these tests."""

    x: int
    y: int = 0

    def moved(self, by: int) -> "Point":
        return replace(self, x=self.x + by)


def test_fields_are_keywords_with_defaults() -> None:
    assert as_dict(Point(x=1)) == {"x": 1, "y": 0}
    assert repr(Point(x=1, y=2)) == "Point(x=1, y=2)"


def test_a_missing_or_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match="Point needs 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Point has no 'z'"):
        Point(x=1, z=3)  # type: ignore[call-arg]


def test_records_are_frozen_and_have_no_dict() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError, match="Point is frozen: 'x' cannot be set"):
        point.x = 2  # type: ignore[misc]
    assert not hasattr(point, "__dict__")


def test_records_compare_hash_and_pickle_by_value() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert Point(x=1) != Point(x=2)
    assert len({Point(x=1), Point(x=1)}) == 1
    assert pickle.loads(pickle.dumps(Point(x=5))) == Point(x=5)


def test_a_changed_copy_leaves_the_original() -> None:
    first = Point(x=1)
    assert first.moved(2) == Point(x=3)
    assert first == Point(x=1)


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad\.names: a default must be immutable"):

        @record
        class Bad:
            names: list[str] = []  # noqa: RUF012 - the mistake that is tested


def test_importing_it_imports_nothing_expensive() -> None:
    code = (
        "import sys; sys.path[:0] = eval(sys.argv[1]); import toolkit.core.record;"
        "print([m for m in ('dataclasses', 'typing', 'inspect', 're') if m in sys.modules])"
    )
    argv = [sys.executable, "-I", "-S", "-c", code, repr(sys.path)]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "[]\n"
