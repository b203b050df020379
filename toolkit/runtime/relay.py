"""Moves a container's input and output between it, its client and its log.

Nothing here waits: the shim polls. A slow client holds its stream back (as a pipe would), a client
that is gone is forgotten, and the log gets everything either way.
"""

from __future__ import annotations

import errno
import os
import select

from toolkit.runtime.descriptors import nonblocking_copy, set_nonblocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 64 * 1024
_ENDED = (errno.EIO, errno.EPIPE, errno.ECONNRESET, errno.EBADF)
_PATIENCE = 10_000  # ms that a client may take to accept the last bytes, without any progress


class Flow:
    """One direction: bytes from ``source`` to ``sink``; -1 is an end that is closed.

    ``note`` sees every chunk that the container says; a flow without it is input, which is no
    longer read once its sink is closed. ``keep_sink`` leaves the sink open when the source ends: a
    terminal is not closed by the end of its input.
    """

    def __init__(
        self,
        source: int,
        sink: int,
        *,
        note: Callable[[bytes], None] | None = None,
        keep_sink: bool = False,
    ) -> None:
        self.source = source
        self.sink = sink
        self._note = note
        self._keep_sink = keep_sink
        self._pending = b""

    def interests(self) -> list[tuple[int, int]]:
        """The (descriptor, events) to poll for now."""
        found = []
        if self.source >= 0 and len(self._pending) < _CHUNK:
            found.append((self.source, select.POLLIN))
        if self.sink >= 0:
            found.append((self.sink, select.POLLOUT if self._pending else 0))
        return found

    def turn(self, fd: int, events: int) -> None:
        """Do what a poll found possible on ``fd``."""
        if fd == self.sink:
            if events & select.POLLOUT:
                self._flush()
            elif events & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                self._drop_sink()
        if fd == self.source:
            self._fill()

    def drain(self) -> None:
        """Take what is there, up to the end or to where it would wait."""
        while self._note is not None and self.source >= 0 and self._fill():
            self._flush()

    def finish(self) -> None:
        """Hand on the rest, as long as the client takes any."""
        while self._pending and self.sink >= 0:
            poll = select.poll()
            poll.register(self.sink, select.POLLOUT)
            if not poll.poll(_PATIENCE):
                break
            self._flush()
        self._drop_sink()

    def _fill(self) -> bool:
        """Read once; whether more may follow."""
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _ENDED:  # a terminal without any slave reads as EIO
                raise
            data = b""
        if not data:
            self._end()
            return False
        if self._note is not None:
            self._note(data)
        if self.sink >= 0:
            self._pending += data
            self._flush()
        return True

    def _flush(self) -> None:
        try:
            while self._pending and self.sink >= 0:
                written = os.write(self.sink, self._pending)
                self._pending = self._pending[written:]
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in _ENDED:
                raise
            self._drop_sink()
        if self.source < 0 and not self._pending and not self._keep_sink:
            self._drop_sink()

    def _end(self) -> None:
        os.close(self.source)
        self.source = -1
        if not self._pending and not self._keep_sink:
            self._drop_sink()

    def _drop_sink(self) -> None:
        if self.sink >= 0:
            os.close(self.sink)
        self.sink, self._pending = -1, b""
        if self._note is None and self.source >= 0:
            os.close(self.source)
            self.source = -1


class Relay:
    """All flows of one process."""

    def __init__(self) -> None:
        self._flows: list[Flow] = []

    def add(self, flow: Flow) -> None:
        """Take over a flow and its descriptors."""
        self._flows.append(flow)

    def output(self, source: int, client: int, note: Callable[[bytes], None]) -> None:
        """From the container to the client and the log."""
        self.add(Flow(source, nonblocking_copy(client), note=note))

    def input(self, client: int, sink: int) -> None:
        """From the client to the container, whose input ends when the client's does."""
        set_nonblocking(sink)
        self.add(Flow(os.dup(client), sink))

    def terminal(self, master: int, client: tuple[int, int], note: Callable[[bytes], None]) -> None:
        """Both directions of a terminal."""
        set_nonblocking(master)
        self.add(Flow(os.dup(client[0]), os.dup(master), keep_sink=True))
        self.add(Flow(os.dup(master), nonblocking_copy(client[1]), note=note))

    def interests(self) -> dict[int, int]:
        """Descriptor → events of all flows."""
        wanted: dict[int, int] = {}
        for flow in self._flows:
            for fd, events in flow.interests():
                wanted[fd] = wanted.get(fd, 0) | events
        return wanted

    def turn(self, fd: int, events: int) -> bool:
        """Let the flow of ``fd`` go on; False where ``fd`` belongs to none."""
        mine = [flow for flow in self._flows if fd in (flow.source, flow.sink)]
        for flow in mine:
            flow.turn(fd, events)
        return bool(mine)

    def finish(self) -> None:
        """The process has ended: take what it still said and hand it on."""
        for flow in self._flows:
            flow.drain()
        for flow in self._flows:
            flow.finish()
