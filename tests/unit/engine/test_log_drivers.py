"""Where what a container says goes: files that are set aside, the system's journal, nowhere."""

import json
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, UnavailableError, UnsupportedError
from toolkit.engine.config import ContainerConfig
from toolkit.engine.journald import read_journal
from toolkit.engine.logplan import LogPlan, plan
from toolkit.engine.logs import ALL, Span, read_log
from toolkit.runtime.journal import Journal
from toolkit.runtime.logfile import JsonLog


def asked(driver: str, *options: str) -> LogPlan:
    config = ContainerConfig(image="box", log_driver=driver, log_options=options)
    return plan(config, "0123456789abcdef", "web")


def test_drivers_and_their_options() -> None:
    assert asked("") == asked("json-file") == LogPlan()
    assert asked("json-file", "max-size=10m", "max-file=3") == LogPlan(size=10 << 20, files=3)
    assert asked("none") == LogPlan(kept=False)
    fields = asked("journald", "tag={{.Name}}/{{.ID}}").journal
    assert "CONTAINER_ID_FULL=0123456789abcdef" in fields
    assert "CONTAINER_TAG=web/0123456789ab" in fields


@pytest.mark.parametrize(
    ("driver", "option", "error"),
    [
        ("syslog", "", UnsupportedError),
        ("json-file", "max-sise=1m", InvalidInputError),
        ("json-file", "max-file=none", InvalidInputError),
        ("json-file", "max-size=much", InvalidInputError),
        ("none", "max-size=1m", InvalidInputError),
        ("json-file", "mode=non-blocking", UnsupportedError),
        ("journald", "tag={{.Frob}}", UnsupportedError),
    ],
)
def test_what_is_refused(driver: str, option: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        asked(driver, *((option,) if option else ()))


def test_a_number_of_files_without_a_size_changes_nothing() -> None:
    assert asked("json-file", "max-file=3").size == 0


def test_a_line_of_the_file_is_cut_as_docker_cuts_it(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    log = JsonLog(str(path))
    log.write("stdout", b"x" * 40000 + b"\nnext\n" + b"y" * 20000)
    log.close()
    assert [len(text) for text in texts(path)] == [16384, 16384, 7233, 5, 16384, 3616]


def texts(path: Path, span: Span = ALL) -> list[str]:
    return [line.text for line in read_log(str(path), span)]


def test_a_log_is_set_aside_before_it_grows_too_large(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    log = JsonLog(str(path), size=500, files=3)
    for start in range(0, 40, 10):
        log.write("stdout", b"".join(b"line %d\n" % number for number in range(start, start + 10)))
    log.close()
    assert sorted(os.listdir(tmp_path)) == ["log.json", "log.json.1", "log.json.2"]
    assert all(one.stat().st_size <= 500 for one in tmp_path.iterdir())
    kept = texts(path)
    assert kept == [f"line {number}\n" for number in range(40 - len(kept), 40)]
    assert 12 <= len(kept) < 40
    assert texts(path, Span(tail=10)) == kept[-10:]
    again = JsonLog(str(path), size=500, files=3)  # a restart goes on where it was
    again.write("stdout", b"more\n")
    again.close()
    assert texts(path)[-2:] == ["line 39\n", "more\n"]


def test_with_one_file_what_was_there_goes(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    log = JsonLog(str(path), size=200)
    log.write("stdout", b"one\ntwo\nthree\nfour\n")
    log.close()
    assert os.listdir(tmp_path) == ["log.json"]
    assert texts(path)[-1] == "four\n"


def test_a_reader_that_follows_misses_nothing_when_the_log_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    log = JsonLog(str(path), size=300, files=2)
    log.write("stdout", b"line 0\n")
    steps = iter(range(1, 20))

    def more() -> bool:
        number = next(steps, None)
        if number is not None:
            log.write("stdout", b"line %d\n" % number)
        return number is not None

    seen = [line.text for line in read_log(str(path), more=more)]
    log.close()
    assert seen == [f"line {number}\n" for number in range(20)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "journal"))
        sock.settimeout(30)
        yield sock


def test_lines_go_to_the_journal_with_their_fields(journal: socket.socket, tmp_path: Path) -> None:
    log = Journal(("CONTAINER_NAME=web", "ODD=a\nb"), path=str(tmp_path / "journal"))
    log.write("stdout", b"whole\nbeg")
    log.write("stdout", b"un\n")
    log.write("stderr", b"left")
    log.close()
    odd = b"ODD\n" + struct.pack("<Q", 3) + b"a\nb\n"
    said = [journal.recv(4096) for _ in range(3)]
    assert said == [
        b"MESSAGE=" + text + b"\nPRIORITY=" + level + b"\nCONTAINER_NAME=web\n" + odd
        for text, level in ((b"whole", b"6"), (b"begun", b"6"), (b"left", b"3"))
    ]


def test_a_line_too_long_comes_in_parts(journal: socket.socket, tmp_path: Path) -> None:
    log = Journal((), path=str(tmp_path / "journal"))
    log.write("stdout", b"x" * 20000 + b"\n")
    log.close()
    first, second = journal.recv(1 << 16), journal.recv(1 << 16)
    assert b"x" * 16384 + b"\n" in first
    assert first.endswith(b"CONTAINER_PARTIAL_MESSAGE=true\n")
    assert b"PARTIAL" not in second


def test_no_journal_is_a_clear_refusal(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="journal does not answer"):
        Journal((), path=str(tmp_path / "nothing"))


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``journalctl("script")`` is what stands for the program of that name."""

    def put(script: str) -> None:
        path = tmp_path / "bin/journalctl"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    return put


def entry(text: object, second: int, **more: str) -> str:
    found = {"MESSAGE": text, "__REALTIME_TIMESTAMP": str(second * 10**6), "PRIORITY": "6", **more}
    return json.dumps(found)


def test_the_journal_is_read_as_a_log(tmp_path: Path, journalctl: Callable[[str], None]) -> None:
    entries = (
        entry("one", 1),
        entry("two", 2, PRIORITY="3"),
        entry(list(b"three"), 3, CONTAINER_PARTIAL_MESSAGE="true"),
    )
    (tmp_path / "entries").write_text("\n".join(entries) + "\n")
    journalctl(f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/entries')
    found = list(read_journal("abc", Span(tail=5)))
    assert [(line.text, line.stream) for line in found] == [
        ("one\n", "stdout"),
        ("two\n", "stderr"),
        ("three", "stdout"),
    ]
    assert found[0].time == "1970-01-01T00:00:01.000000000Z"
    words = (tmp_path / "asked").read_text().split()
    assert words == ["-o", "json", "--no-pager", "CONTAINER_ID_FULL=abc", "-n", "5"]
    since, until = "1970-01-01T00:00:02.000000000Z", "1970-01-01T00:00:02.500000000Z"
    assert [line.text for line in read_journal("abc", Span(since=since, until=until))] == ["two\n"]


def test_following_the_journal_ends_with_the_container(
    tmp_path: Path, journalctl: Callable[[str], None]
) -> None:
    (tmp_path / "entries").write_text(entry("one", 1) + "\n")
    journalctl(f"cat {tmp_path}/entries; exec sleep 1000")
    going = iter((True, True, False, False, False, False, False))
    found = read_journal("abc", ALL, more=lambda: next(going, False))
    assert [line.text for line in found] == ["one\n"]


def test_no_journalctl_is_a_clear_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="there is no 'journalctl'"):
        list(read_journal("abc", ALL))
