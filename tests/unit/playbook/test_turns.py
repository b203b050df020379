"""One run at a time on a host."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError
from toolkit.playbook import turns

HOLD = """\
import sys
from toolkit.playbook import turns
turns.take(sys.argv[1], sys.argv[2])
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def mine() -> Iterator[None]:
    yield
    turns.give_back()


def other(folder: Path, run: str) -> "subprocess.Popen[str]":
    """Another agent, which has the turn until its stdin ends."""
    argv = (sys.executable, "-c", HOLD, str(folder), run)
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "taken\n"
    return child


def test_another_run_is_refused_until_its_process_ends(tmp_path: Path) -> None:
    with other(tmp_path, "r1") as child:
        with pytest.raises(ConflictError, match="the run r1 is being applied here"):
            turns.take(str(tmp_path), "r2")
        child.kill()
    turns.take(str(tmp_path), "r2")
    assert not (tmp_path / "r1.turn").exists()


def test_agents_of_one_run_share_it_and_the_last_one_ends_it(tmp_path: Path) -> None:
    with other(tmp_path, "r1") as first, other(tmp_path, "r1") as second:
        turns.take(str(tmp_path), "r1")
        turns.take(str(tmp_path), "r1")
        turns.give_back()
        first.communicate()
        with pytest.raises(ConflictError):
            turns.take(str(tmp_path), "r2")
        second.communicate()
    turns.take(str(tmp_path), "r2")


def test_it_waits_and_says_for_whom(tmp_path: Path) -> None:
    told: list[str] = []
    with other(tmp_path, "r1") as child:

        def seen(run: str) -> None:
            told.append(run)
            child.communicate()

        turns.take(str(tmp_path), "r2", wait=60, told=seen)
    assert told == ["r1"]


def test_the_wait_has_an_end(tmp_path: Path) -> None:
    with other(tmp_path, "r1") as child:
        with pytest.raises(ConflictError, match="did not begin"):
            turns.take(str(tmp_path), "r2", wait=0.3)
        child.communicate()
