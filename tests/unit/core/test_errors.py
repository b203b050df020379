import pickle

import pytest

from toolkit.core.errors import (
    CommandError,
    ConflictError,
    InvalidInputError,
    MissingInputError,
    NotFoundError,
    ToolkitError,
    UnavailableError,
    UnsupportedError,
)


@pytest.mark.parametrize(
    ("kind", "exit_status", "http_status"),
    [
        (ToolkitError, 1, 500),
        (InvalidInputError, 2, 400),
        (MissingInputError, 2, 400),
        (NotFoundError, 1, 404),
        (ConflictError, 1, 409),
        (UnsupportedError, 2, 501),
        (UnavailableError, 4, 503),
    ],
)
def test_each_error_knows_its_statuses(
    kind: type[ToolkitError], exit_status: int, http_status: int
) -> None:
    error = kind("message", hint="do this")
    assert (error.exit_status, error.http_status) == (exit_status, http_status)
    assert (str(error), error.hint) == ("message", "do this")


def test_a_command_error_shows_the_last_ten_lines() -> None:
    stderr = "\n".join(f"line {number}" for number in range(30))
    error = CommandError(("apt-get", "update"), 100, stderr)
    assert str(error).startswith("'apt-get update' ended with status 100: line 20\n")
    assert str(error).endswith("line 29")
    assert error.stderr == stderr


def test_a_command_error_crosses_to_another_process_whole() -> None:
    error = CommandError(("apt-get", "update"), 100, "E: locked", hint="wait")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.hint, again.argv, again.status) == (
        str(error),
        "wait",
        ("apt-get", "update"),
        100,
    )
