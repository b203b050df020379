"""The C half of ``signal``: the module makes an enum of its numbers, 5 ms that no start needs."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    import signal
else:
    import _signal as signal

_ALL = signal.valid_signals()


class Held:
    """A context manager inside which no signal is delivered; they come at its end."""

    def __enter__(self) -> None:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
        except BaseException:  # of a signal that came just before
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
            raise

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)


_POLLIN = 1
_NOBODY = -1
# The pipe that wakes this process's main thread: both ends, and the process. A fork has it too,
# whose signals are not ours, nor its looks.
_wake = [_NOBODY, _NOBODY, 0]


def wait(poll: "select.poll", milliseconds: float | None = None) -> dict[int, int]:
    """``poll.poll``, which any signal ends: then what is ready may be nothing.

    Python runs a handler between two of its own steps, so a signal that comes just before a call
    blocks would wait for the call. But the kernel's side of every handler writes to a pipe at once
    (``set_wakeup_fd``), and that is polled too. In a thread that handles no signals nothing is.
    """
    fd = _wake_fd()
    if fd < 0:
        return dict(poll.poll(milliseconds))
    poll.register(fd, _POLLIN)
    ready = dict(poll.poll(milliseconds))
    if ready.pop(fd, 0):
        os.read(fd, 4096)
    return ready


def _wake_fd() -> int:
    """The pipe's end to poll, made when it is first asked for; negative where there is none."""
    if _wake[2] == os.getpid():
        return _wake[0]
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    except ValueError:  # not the main thread
        os.close(reader)
        os.close(writer)
        return _NOBODY
    if before in (_NOBODY, _wake[1]):
        _wake[:] = [reader, writer, os.getpid()]
        return reader
    signal.set_wakeup_fd(before)  # somebody else's, as asyncio's, stays
    os.close(reader)
    os.close(writer)
    return _NOBODY


def forget_wake() -> None:
    """For a fork that closes what it does not know: its signals wake nobody."""
    if _wake[2]:
        signal.set_wakeup_fd(_NOBODY)
        _wake[:] = [_NOBODY, _NOBODY, 0]


__all__ = ["Held", "forget_wake", "signal", "wait"]
