"""Moves a container's input and output between it, its client and its log.

Nothing here waits: the shim polls. A slow client holds its stream back (as a pipe would), a client
that is gone is forgotten, and the log gets everything either way. Clients that attach later hold
nobody back, and the first does not either once there are others: who is too slow loses its line.
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
_BACKLOG = 4 << 20  # bytes that one who attached may be behind


class Listener:
    """One who attached later: gets the same bytes, as far as it keeps up."""

    def __init__(self, sink: int, key: object) -> None:
        self.sink = sink
        self.key = key
        self._pending = bytearray()

    @property
    def waits(self) -> bool:
        """Whether it has not taken all yet."""
        return bool(self._pending)

    def give(self, data: bytes) -> None:
        """Hand on, or keep for later; too far behind, it is let go."""
        if self.sink >= 0:
            self._pending += data
            self.flush()
            if len(self._pending) > _BACKLOG:
                self.close()

    def flush(self) -> None:
        """Write what it takes now."""
        try:
            while self._pending and self.sink >= 0:
                del self._pending[: os.write(self.sink, self._pending)]
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in _ENDED:
                raise
            self.close()

    def close(self) -> None:
        """Let it go."""
        if self.sink >= 0:
            os.close(self.sink)
        self.sink = -1
        self._pending.clear()


class Flow:
    """One direction: bytes from ``source`` to ``sink``; -1 is an end that is closed.

    ``note`` sees every chunk that the container says; a flow without it is input, which is no
    longer read once its sink is closed. ``keep_sink`` leaves the sink open when the source ends: a
    terminal is not closed by the end of its input. ``stream`` is 1 or 2 for what the container
    says, 0 for what it hears; ``key`` is whose input it is, ``None`` for the first client's.
    """

    def __init__(
        self,
        source: int,
        sink: int,
        *,
        note: Callable[[bytes], None] | None = None,
        keep_sink: bool = False,
        stream: int = 0,
    ) -> None:
        self.source = source
        self.sink = sink
        self._note = note
        self._keep_sink = keep_sink
        self._pending = b""
        self.stream = stream
        self.key: object = None
        self.listeners: list[Listener] = []

    def interests(self) -> list[tuple[int, int]]:
        """The (descriptor, events) to poll for now."""
        found = []
        if self.source >= 0 and len(self._pending) < (_BACKLOG if self._is_shared() else _CHUNK):
            found.append((self.source, select.POLLIN))
        if self.sink >= 0:
            found.append((self.sink, select.POLLOUT if self._pending else 0))
        found += [
            (one.sink, select.POLLOUT if one.waits else 0)
            for one in self.listeners
            if one.sink >= 0
        ]
        return found

    def owns(self, fd: int) -> bool:
        """Whether ``fd`` is one of its ends."""
        return fd in (self.source, self.sink) or any(one.sink == fd for one in self.listeners)

    def turn(self, fd: int, events: int) -> None:
        """Do what a poll found possible on ``fd``."""
        if fd == self.sink:
            if events & select.POLLOUT:
                self._flush()
            elif events & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                self._drop_sink()
        if fd == self.source:
            self._fill()
        for listener in self.listeners:
            if listener.sink == fd:
                if events & select.POLLOUT:
                    listener.flush()
                else:
                    listener.close()

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
        for listener in self.listeners:
            _finish(listener)

    def close(self) -> None:
        """End it, whatever is still on its way."""
        self._drop_sink()

    def release(self) -> None:
        """Let the client go; what the container says is noted all the same."""
        if self.stream:
            self._drop_sink()
        elif self.source >= 0:
            self._end()

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
        for listener in self.listeners:
            listener.give(data)
        if self.sink >= 0:
            self._pending += data
            self._flush()
            if len(self._pending) >= _BACKLOG:  # it does not read, and others wait
                self._drop_sink()
        return True

    def _is_shared(self) -> bool:
        """Whether others hear the same, whom the first client must not hold back."""
        return any(one.sink >= 0 for one in self.listeners)

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
        self._hears = -1  # where those who attach later speak to, if the container listens

    def add(self, flow: Flow) -> None:
        """Take over a flow and its descriptors."""
        self._flows.append(flow)

    def output(
        self, source: int, client: int, note: Callable[[bytes], None], *, stream: int = 1
    ) -> None:
        """From the container to the client and the log."""
        self.add(Flow(source, nonblocking_copy(client), note=note, stream=stream))

    def input(self, client: int, sink: int, *, stays: bool = False) -> None:
        """From the client to the container, whose input ends when the client's does.

        Unless it ``stays`` open for those who attach later.
        """
        set_nonblocking(sink)
        if stays:
            self._hears = os.dup(sink)
        self.add(Flow(os.dup(client), sink))

    def terminal(self, master: int, client: tuple[int, int], note: Callable[[bytes], None]) -> None:
        """Both directions of a terminal."""
        set_nonblocking(master)
        self._hears = os.dup(master)
        self.add(Flow(os.dup(client[0]), os.dup(master), keep_sink=True))
        self.add(Flow(os.dup(master), nonblocking_copy(client[1]), note=note, stream=1))

    def attach(self, key: object, client: tuple[int, int, int]) -> None:
        """Let one more client hear and speak, until ``detach`` with the same ``key``."""
        for flow in self._flows:
            if flow.stream:
                listener = Listener(nonblocking_copy(client[flow.stream]), key)
                flow.listeners.append(listener)
        if self._hears >= 0:
            speaking = Flow(os.dup(client[0]), os.dup(self._hears), keep_sink=True)
            speaking.key = key
            self.add(speaking)

    def detach(self, key: object) -> None:
        """Let a client go; ``None`` is the first one."""
        for flow in self._flows:
            if key is None and flow.key is None:
                flow.release()
            elif key is not None and flow.key is key:
                flow.close()
            for listener in flow.listeners:
                if listener.key is key and key is not None:
                    listener.flush()
                    listener.close()
            flow.listeners = [one for one in flow.listeners if one.sink >= 0]
        self._flows = [flow for flow in self._flows if flow.key is not key or key is None]

    def interests(self) -> dict[int, int]:
        """Descriptor → events of all flows."""
        wanted: dict[int, int] = {}
        for flow in self._flows:
            for fd, events in flow.interests():
                wanted[fd] = wanted.get(fd, 0) | events
        return wanted

    def turn(self, fd: int, events: int) -> bool:
        """Let the flow of ``fd`` go on; False where ``fd`` belongs to none."""
        mine = [flow for flow in self._flows if flow.owns(fd)]
        for flow in mine:
            flow.turn(fd, events)
        return bool(mine)

    def finish(self) -> None:
        """The process has ended: take what it still said and hand it on."""
        for flow in self._flows:
            flow.drain()
        for flow in self._flows:
            flow.finish()


def _finish(listener: Listener) -> None:
    """Hand on the rest, as long as it takes any."""
    while listener.waits and listener.sink >= 0:
        poll = select.poll()
        poll.register(listener.sink, select.POLLOUT)
        if not poll.poll(_PATIENCE):
            break
        listener.flush()
    listener.close()
