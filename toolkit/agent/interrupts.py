"""Interrupts of the agent's main thread, and the moments in which they have to wait.

A program that was started but is not yet known to whoever would end it must not be lost: Python
raises ``KeyboardInterrupt`` anywhere, even inside ``Popen``, so a signal that comes there is held.
"""

import signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Held:
    """A context in which an interrupt waits; it is raised at the end."""

    def __init__(self) -> None:
        self._depth = 0
        self._came = False

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._came and not self._depth:
            self._came = False
            raise KeyboardInterrupt

    def on_signal(self, *_: object) -> None:
        """The handler: interrupt now, or when nothing holds it any more."""
        if not self._depth:
            raise KeyboardInterrupt
        self._came = True


HELD = Held()


def listen() -> None:
    """Take the signals that end a process as interrupts; for the main thread only."""
    for number in ENDING:
        signal.signal(number, HELD.on_signal)
