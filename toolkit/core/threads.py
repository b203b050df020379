"""Threads that work side by side on one thing."""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOOK = 1.0  # seconds: a signal that comes just before a wait begins is seen after it


def run_together(threads: "Sequence[threading.Thread]", give_up: "Callable[[], None]") -> None:
    """Start all and wait until all have ended.

    An interrupt, and whatever else is raised meanwhile, calls ``give_up``, which makes them end,
    waits for those that have begun, and is raised again.
    """
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK)
    except BaseException:
        give_up()
        for thread in threads:
            if thread.ident:  # an interrupt may come before all of them have begun
                thread.join()
        raise
