import signal

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine.signals import parse_signal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("TERM", signal.SIGTERM),
        ("SIGTERM", signal.SIGTERM),
        ("sigusr1", signal.SIGUSR1),
        ("9", 9),
        ("RTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
        ("RTMIN", signal.SIGRTMIN),
    ],
)
def test_signals(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["0", "65", "TREM", "", "RTMIN+99", "RTMAX+1", "-9"])
def test_what_is_no_signal(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_signal(text)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_signal("SIGTREM")
    assert caught.value.hint == "did you mean 'TERM'?"
