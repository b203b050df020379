"""A process that the command line stays with to its end, its terminal included."""

import os
import select

from toolkit.cli.terminal import window_size
from toolkit.linux.process import pidfd_open, pidfd_send_signal
from toolkit.linux.signals import wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.runtime.relay import Relay


class Foreground:
    """A child of this process, as ``toolkit.cli.terminal.follow`` wants it.

    ``elsewhere`` takes the terminal, if somebody else is to have it.
    """

    def __init__(self, elsewhere: "Callable[[int], None] | None" = None) -> None:
        self.master: int | None = None
        self._elsewhere = elsewhere
        self._pid = 0
        self._pidfd = -1

    def take_terminal(self, master: int) -> None:
        """Get the terminal's master."""
        if self._elsewhere is not None:
            self._elsewhere(master)
        else:
            self.master = master

    def began(self, pid: int) -> None:
        """Its program runs."""
        self._pid, self._pidfd = pid, pidfd_open(pid)
        rows, columns = window_size()
        if self.master is not None and rows and columns:
            self.resize(rows, columns)

    def wait(self) -> int:
        """Carry its terminal's bytes until it ends; 128+n for a death by signal n."""
        if self.master is not None:
            self._carry(self.master)
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        while not wait(poll):
            pass  # a signal came, and its handler has passed it on
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return code if code >= 0 else 128 - code

    def signal(self, number: int, /) -> None:
        """Send it a signal."""
        try:
            pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    def resize(self, rows: int, columns: int, /) -> None:
        """Size its terminal."""
        from toolkit.runtime.terminal import set_size  # noqa: PLC0415 - only with a terminal

        if self.master is not None:
            set_size(self.master, rows, columns)

    def close(self) -> None:
        """Close what is open."""
        for fd in (self._pidfd, self.master):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._pidfd, self.master = -1, None

    def _carry(self, master: int) -> None:
        from toolkit.runtime.relay import Relay  # noqa: PLC0415 - only with a terminal

        relay = Relay()
        relay.terminal(master, (0, 1), lambda _: None)
        while self._pidfd not in (ready := self._poll(relay)):
            for fd, events in ready.items():
                relay.turn(fd, events)
        relay.finish()

    def _poll(self, relay: "Relay") -> dict[int, int]:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        for fd, events in relay.interests().items():
            poll.register(fd, events)
        return wait(poll)
