import os
import signal
from collections.abc import Iterator

import pytest

from toolkit.cli.terminal import Interrupted, Signals, Stdio, check_terminal, follow
from toolkit.core.errors import InvalidInputError
from toolkit.linux.process import is_child_subreaper


class Process:
    """Ends when asked; remembers what it was told."""

    def __init__(self) -> None:
        self.master: int | None = None
        self.told: list[int] = []
        self.closed = False

    def wait(self) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 5

    def signal(self, number: int) -> None:
        self.told.append(number)

    def resize(self, rows: int, columns: int) -> None:
        self.told.append(rows * columns)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def process() -> Iterator[Process]:
    before = signal.getsignal(signal.SIGTERM)
    yield Process()
    assert signal.getsignal(signal.SIGTERM) == before


def test_signals_go_to_the_process(process: Process) -> None:
    assert follow(lambda: process, interactive=False) == 5
    assert process.told == [signal.SIGTERM]
    assert process.closed


def test_orphans_are_taken_in_only_meanwhile(process: Process) -> None:
    def start() -> Process:
        seen.append(is_child_subreaper())
        return process

    seen: list[bool] = []
    follow(start, interactive=False)
    assert [*seen, is_child_subreaper()] == [True, False]


def test_signals_during_the_start_are_kept(process: Process) -> None:
    def start() -> Process:
        signal.raise_signal(signal.SIGUSR1)
        return process

    follow(start, interactive=False)
    assert process.told == [signal.SIGUSR1, signal.SIGTERM]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_start_can_be_interrupted(process: Process, number: signal.Signals) -> None:
    def start() -> Process:
        signal.raise_signal(number)
        return process

    with pytest.raises(Interrupted) as caught:
        follow(start, interactive=False)
    assert caught.value.number == number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_may_run_already_gets_the_signal(process: Process, number: signal.Signals) -> None:
    signals = Signals()

    def start() -> Process:
        signals.hold()
        signal.raise_signal(number)
        return process

    follow(start, interactive=False, signals=signals)
    assert process.told[0] == number  # before what the fake sends itself while it is waited for


def test_a_second_signal_interrupts_a_start_that_hangs(process: Process) -> None:
    signals = Signals()

    def start() -> Process:
        signals.hold()
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        return process

    with pytest.raises(Interrupted):
        follow(start, interactive=False, signals=signals)


def test_what_is_thrown_away_is_killed(process: Process) -> None:
    follow(lambda: process, interactive=False, signals=Signals(throw_away=True))
    assert process.told == [signal.SIGKILL]


def test_a_start_that_fails_gives_the_signals_back(process: Process) -> None:
    def start() -> Process:
        raise InvalidInputError("no")

    with pytest.raises(InvalidInputError):
        follow(start, interactive=False)
    del process


def test_a_new_size_is_for_terminals_only(process: Process) -> None:
    signals = Signals()
    signals.forward_to(process)
    signal.raise_signal(signal.SIGWINCH)
    signals.restore()
    assert process.told == []


def test_a_terminal_is_needed_only_with_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.isatty", lambda fd: False)
    check_terminal(tty=True, interactive=False)
    check_terminal(tty=False, interactive=True)
    with pytest.raises(InvalidInputError, match="the input device is not a TTY"):
        check_terminal(tty=True, interactive=True)


def test_stdin_is_nothing_unless_asked() -> None:
    with Stdio.own(interactive=True) as stdio:
        assert stdio.fds == (0, 1, 2)
    with Stdio.own(interactive=False) as stdio:
        assert stdio.fds[1:] == (1, 2)
        assert os.read(stdio.fds[0], 1) == b""
    with Stdio.nothing() as stdio:
        assert len(set(stdio.fds)) == 1
