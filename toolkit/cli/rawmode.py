"""The caller's terminal, raw while a container's terminal stands behind it.

The shim carries the bytes; this process only hands its terminal over and takes it back.
"""

import atexit
import os
import termios
import tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self


class RawTerminal:
    """Raw mode on a descriptor, given back on every way out; nothing where it is no terminal."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before: list[Any] | None = None

    def __enter__(self) -> "Self":
        if os.isatty(self._fd):
            self._before = termios.tcgetattr(self._fd)
            atexit.register(self.restore)
            tty.setraw(self._fd, termios.TCSANOW)
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()
        atexit.unregister(self.restore)

    def restore(self) -> None:
        """Put the terminal back as it was; once is enough."""
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
            self._before = None
