import pytest

from toolkit.cli.containers.tables import shortened, table
from toolkit.engine.stamps import stamp
from toolkit.engine.words import ago


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (800 * 86400, "2 years"),
    ],
)
def test_spans_in_dockers_words(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_columns() -> None:
    assert table([("A", "LONG NAME", "END"), ("x", "y", "z")]) == (
        "A         LONG NAME   END\nx         y           z"
    )


def test_shortened() -> None:
    assert shortened("x" * 20, 20) == "x" * 20
    assert shortened("x" * 21, 20) == "x" * 19 + "…"


def test_stamps() -> None:
    assert stamp(0) == "0001-01-01T00:00:00Z"
    assert stamp(1.5) == "1970-01-01T00:00:01.500000Z"
