"""A log as the API reads it: whole, its end, set aside in parts while it is followed."""

import json
import os
from pathlib import Path

import pytest

from toolkit.api.following import Reader, Selection, moment

BOTH: dict[str, int | None] = {"stdout": None, "stderr": None}


def put(path: Path, *texts: str, stamp: str = "2024-01-01T00:00:00Z") -> None:
    with path.open("a") as file:
        for text in texts:
            file.write(json.dumps({"log": f"{text}\n", "stream": "stdout", "time": stamp}) + "\n")


def rest(reader: Reader) -> bytes:
    """All that there is now."""
    found = b""
    while (piece := reader.piece()) is not None:
        found += piece
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log in three parts: ``log.2`` is the oldest."""
    path = tmp_path / "log"
    for name, texts in (("log.2", ("a", "b")), ("log.1", ("c", "d")), ("log", ("e", "f"))):
        put(tmp_path / name, *texts)
    return path


@pytest.mark.parametrize(
    ("tail", "text"),
    [
        (-1, b"a\nb\nc\nd\ne\nf\n"),
        (0, b""),
        (1, b"f\n"),
        (3, b"d\ne\nf\n"),
        (9, b"a\nb\nc\nd\ne\nf\n"),
    ],
)
def test_the_last_lines_of_all_parts(log: Path, tail: int, text: bytes) -> None:
    reader = Reader(str(log), Selection(streams=BOTH, tail=tail))
    assert rest(reader) == text
    reader.close()


def test_nothing_is_lost_when_a_followed_log_is_set_aside(log: Path) -> None:
    reader = Reader(str(log), Selection(streams=BOTH, tail=0))
    assert rest(reader) == b""
    put(log, "g")
    for number in range(3):  # faster than anybody looks
        os.rename(f"{log}.1", f"{log}.2")
        os.rename(log, f"{log}.1")
        put(log, str(number))
        if number == 0:
            put(Path(f"{log}.1"), "late")
            assert rest(reader) == b"g\nlate\n0\n"
    assert rest(reader) == b"1\n2\n"
    reader.close()


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    log = tmp_path / "log"
    put(log, "one")
    whole = json.dumps({"log": "two\n", "stream": "stdout", "time": "x"})
    with log.open("a") as file:
        file.write(whole[:20])
    reader = Reader(str(log), Selection(streams=BOTH))
    assert rest(reader) == b"one\n"
    with log.open("a") as file:
        file.write(whole[20:] + "\n")
    assert rest(reader) == b"two\n"
    reader.close()


def test_moments_bound_what_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    put(log, "old", stamp="2024-01-01T00:00:00.000000000Z")
    put(log, "new", stamp="2024-01-03T00:00:00.000000000Z")
    since = Reader(str(log), Selection(streams=BOTH, since="1704153600", timestamps=True))
    assert rest(since) == b"2024-01-03T00:00:00.000000000Z new\n"
    until = Reader(str(log), Selection(streams={"stdout": 1}, until="1704153600.5"))
    assert rest(until) == b"\x01\0\0\0\0\0\0\x04old\n"
    assert until.beyond
    for reader in (since, until):
        reader.close()
    assert moment("0") == ""


def test_a_log_that_is_not_there_yet_says_nothing(tmp_path: Path) -> None:
    reader = Reader(str(tmp_path / "log"), Selection(streams=BOTH))
    assert reader.piece() is None
    put(tmp_path / "log", "one")
    assert rest(reader) == b"one\n"
    reader.close()
