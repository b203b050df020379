"""Signals come when what is being done is whole."""

import signal

import pytest

from toolkit.linux.signals import Held


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
