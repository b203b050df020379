"""Signals come when what is being done is whole."""

import operator
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from support.fork import in_child
from toolkit.linux.signals import Held, forget_wake, wait


def test_a_signal_waits_for_the_end() -> None:
    seen: list[str] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append("signal"))
    try:
        with Held():
            signal.raise_signal(signal.SIGUSR1)
            seen.append("inside")
        assert seen == ["inside", "signal"]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_it_raises_is_raised_after_the_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), Held():  # noqa: PT012 - both in one is the point
        signal.raise_signal(signal.SIGINT)
        done.append("all")
    assert done == ["all"]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


class Late:
    """A poll before which a signal comes: so late that no step of Python is left to handle it."""

    def __init__(self, number: int) -> None:
        self._poll = select.poll()
        self.register = self._poll.register
        self._kill = partial(os.kill, os.getpid(), number)

    def poll(self, milliseconds: float | None) -> list[tuple[int, int]]:
        # One call of C, which does both without going back to the interpreter.
        both: list[Any] = [self._kill, partial(self._poll.poll, milliseconds)]
        call: Callable[[Any], Any] = operator.call
        ready: list[tuple[int, int]] = list(map(call, both))[1]
        return ready


@pytest.fixture
def seen() -> Iterator[list[int]]:
    """The signals that were handled; the pipe that wakes is this test's own."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: numbers.append(number))
    forget_wake()
    yield numbers
    forget_wake()
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_comes_just_before_a_wait_ends_it(seen: list[int]) -> None:
    started = time.monotonic()
    assert wait(Late(signal.SIGUSR1), 60_000) == {}  # type: ignore[arg-type] # all that is used
    assert seen == [signal.SIGUSR1]
    assert time.monotonic() - started < 30


def test_without_it_the_wait_would_go_on(seen: list[int]) -> None:
    assert Late(signal.SIGUSR1).poll(100) == []
    assert seen == [signal.SIGUSR1]  # only now


def test_what_is_ready_is_told_and_a_past_signal_is_not(seen: list[int]) -> None:
    reader, writer = os.pipe()
    try:
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        assert wait(poll, 0) == {}
        signal.raise_signal(signal.SIGUSR1)
        assert wait(poll, 60_000) == {}
        assert wait(poll, 0) == {}
        os.write(writer, b"x")
        assert wait(poll) == {reader: select.POLLIN}
    finally:
        os.close(reader)
        os.close(writer)
    assert seen == [signal.SIGUSR1]


def test_a_handler_that_raises_ends_the_wait(seen: list[int]) -> None:
    def refuse(_number: int, _frame: object) -> None:
        raise InterruptedError

    signal.signal(signal.SIGUSR1, refuse)
    with pytest.raises(InterruptedError):
        wait(Late(signal.SIGUSR1), 60_000)  # type: ignore[arg-type] # all that is used


def test_another_thread_is_not_woken(seen: list[int]) -> None:
    answers: list[dict[int, int]] = []
    thread = threading.Thread(target=lambda: answers.append(wait(select.poll(), 10)))
    thread.start()
    thread.join()
    assert answers == [{}]


def test_a_pipe_that_is_somebody_elses_stays(seen: list[int]) -> None:
    reader, writer = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    try:
        assert wait(select.poll(), 10) == {}
    finally:
        assert signal.set_wakeup_fd(-1) == writer
        os.close(reader)
        os.close(writer)


def test_a_fork_has_a_pipe_of_its_own(seen: list[int]) -> None:
    wait(select.poll(), 0)

    def inside() -> list[int]:
        wait(Late(signal.SIGUSR1), 60_000)  # type: ignore[arg-type] # all that is used
        return seen

    assert in_child(inside) == [signal.SIGUSR1]
    started = time.monotonic()
    assert wait(select.poll(), 50) == {}  # the child's signal has not woken us
    assert time.monotonic() - started >= 0.05
