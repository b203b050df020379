import pytest

from toolkit.core.errors import CommandError, NotFoundError
from toolkit.core.process import run


def test_a_program_is_run_to_its_end() -> None:
    done = run(("cat",), stdin="hello")
    assert (done.status, done.stdout, done.stderr) == (0, "hello", "")


def test_an_unexpected_status_is_an_error_with_its_stderr() -> None:
    with pytest.raises(CommandError, match="ended with status 3: gone wrong"):
        run(("sh", "-c", "echo gone wrong >&2; exit 3"))
    assert run(("sh", "-c", "exit 3"), ok=(3,)).status == 3
    assert run(("sh", "-c", "exit 9"), ok=()).status == 9


def test_a_missing_program_is_named() -> None:
    with pytest.raises(NotFoundError, match="'no-such-program' is not installed"):
        run(("no-such-program",))
