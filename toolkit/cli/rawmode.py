"""The caller's terminal, raw while a container holds it, and the bytes between the two."""

import atexit
import errno
import os
import select
import termios
import tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from toolkit.cli.terminal import Process

_BLOCK = 1 << 16
_DRAIN = 200  # milliseconds that output may come after the end


class RawTerminal:
    """Raw mode on a descriptor, given back on every way out of the process."""

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


def relay(
    process: "Process", master: int, *, interactive: bool, stdio: tuple[int, int] = (0, 1)
) -> None:
    """Carry bytes between the caller's ``stdio`` and a container's terminal until it has ended."""
    stdin, stdout = stdio
    poll = select.poll()
    poll.register(master, select.POLLIN)
    poll.register(process.fileno(), select.POLLIN)
    if interactive:
        poll.register(stdin, select.POLLIN)
    with RawTerminal(stdin if interactive else -1):
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if stdin in ready and interactive and not _carry(stdin, master):
                poll.unregister(stdin)
            if master in ready and not _carry(master, stdout):
                return
            if process.fileno() in ready:
                _drain(master, stdout)
                return


def _drain(master: int, stdout: int) -> None:
    """What the container wrote before its end."""
    poll = select.poll()
    poll.register(master, select.POLLIN)
    while poll.poll(_DRAIN):
        if not _carry(master, stdout):
            return


def _carry(source: int, target: int) -> bool:
    """Move one block; False at the end of ``source``."""
    try:
        data = os.read(source, _BLOCK)
    except OSError as error:
        if error.errno == errno.EIO:  # the last process of the terminal is gone, pty(7)
            return False
        raise
    rest = data
    while rest:
        rest = rest[os.write(target, rest) :]
    return bool(data)
