import pytest

from toolkit.core import faults
from toolkit.core.errors import (
    CommandError,
    InvalidInputError,
    NotFoundError,
    ToolkitError,
    UnavailableError,
)


class FarError(UnavailableError):
    def __init__(self, where: str) -> None:
        super().__init__(f"far away: {where}", hint="walk")
        self.exit_status = 77
        self.where = where


@pytest.mark.parametrize("kind", [ToolkitError, InvalidInputError, NotFoundError])
def test_an_error_comes_back_as_its_own_class(kind: type[ToolkitError]) -> None:
    back = faults.from_data(faults.to_data(kind("no such box", hint="look again")))
    assert type(back) is kind
    assert (back.message, back.hint, str(back)) == ("no such box", "look again", "no such box")


def test_what_a_subclass_added_comes_back_too() -> None:
    back = faults.from_data(faults.to_data(CommandError(("ip", "link"), 2, "no\nsuch\n")))
    assert isinstance(back, CommandError)
    assert (back.argv, back.status, back.stderr) == (("ip", "link"), 2, "no\nsuch\n")


def test_an_instance_keeps_its_own_exit_status() -> None:
    back = faults.from_data(faults.to_data(FarError("moon")))
    assert isinstance(back, FarError)
    assert (back.exit_status, back.where) == (77, "moon")


def test_an_unknown_class_becomes_the_nearest_known_parent() -> None:
    data = {**faults.to_data(FarError("moon")), "kinds": ["NearError", "UnavailableError"]}
    assert type(faults.from_data(data)) is UnavailableError


def test_without_a_known_parent_it_is_the_root_with_the_status() -> None:
    back = faults.from_data({"kinds": ["X"], "message": "odd", "status": 3})
    assert type(back) is ToolkitError
    assert back.exit_status == 3


def test_what_is_not_plain_stays_behind() -> None:
    error = ToolkitError("odd")
    error.cause = object()  # type: ignore[attr-defined] # any attribute may be there
    assert faults.to_data(error)["more"] == {}
