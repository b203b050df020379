"""The C half of ``signal``: the module makes an enum of its numbers, 5 ms that no start needs."""

TYPE_CHECKING = False
if TYPE_CHECKING:
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


__all__ = ["Held", "signal"]
