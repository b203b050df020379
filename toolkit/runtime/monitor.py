"""The shim's loop: one process, whoever wants to know about it, and what passes in and out.

Messages to a client: ``{"event": "started", "pid": n}`` (with the terminal's master beside it),
``{"event": "held", "pid": n}``, ``{"event": "error", …}`` as ``failures`` makes it, and last
``{"event": "exit", …}``. From a client: ``{"signal": n}``, ``{"resize": [rows, columns]}``,
``{"begin": true}``, ``{"attach": true}`` with three descriptors beside it, ``{"detach": true}``.
"""

from __future__ import annotations

import errno
import os
import select

from toolkit.core.record import record
from toolkit.linux.process import pidfd_open, pidfd_send_signal
from toolkit.linux.signals import signal
from toolkit.runtime import messages, terminal
from toolkit.runtime.failures import DIED_EARLY
from toolkit.runtime.keeper import keep
from toolkit.runtime.relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.runtime.messages import Socket


@record
class Child:
    """The process that is watched: its pid, and the socket on which it reports until exec."""

    pid: int
    link: Socket
    stdio: tuple[int, int, int]
    note: Callable[[str, bytes], None]
    relay: Relay


class Monitor:
    """Watches one child from its fork to its exit; ``run`` returns its wait status.

    ``on_held`` and ``on_running`` are called before the clients hear of it. Who has a loop of its
    own asks for ``interests``, calls ``turn`` and, at the end, ``reap`` and ``close``;
    ``before_close`` tells of each descriptor that is closed meanwhile.
    """

    def __init__(self, child: Child, sessions: list[Socket]) -> None:
        self.failure: dict[str, Any] | None = None
        self.on_held: Callable[[], None] = lambda: None
        self.on_running: Callable[[], None] = lambda: None
        self.before_close: Callable[[int], None] = lambda _: None
        self._child = child
        self._pidfd = pidfd_open(child.pid)
        self._link: Socket | None = child.link
        self._sessions = list(sessions)
        self._first = sessions[0] if sessions else None
        self._listener: Socket | None = None
        self._announced: dict[str, Any] | None = None
        self._final = False  # the child said that only the exec is left
        self._master = -1

    def serve(self, listener: Socket) -> None:
        """Let later clients in through ``listener``."""
        self._listener = listener

    def run(self) -> int:
        """Watch until the child has ended; 128+n for a death by signal n."""
        while self._pidfd not in (ready := self._poll()):
            for fd, events in ready.items():
                self.turn(fd, events)
        return self.reap()

    def interests(self) -> tuple[int, ...]:
        """The descriptors to read from, but those of the relay."""
        socks = (self._link, self._listener, *self._sessions)
        return (self._pidfd, *(sock.fileno() for sock in socks if sock is not None))

    def is_end(self, fd: int) -> bool:
        """Whether ``fd`` tells of the child's end."""
        return fd == self._pidfd

    def reap(self) -> int:
        """Hear the child's last words and take its status."""
        while self._link is not None:
            self._hear()
        _, status = os.waitpid(self._child.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self._child.relay.finish()
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        """Close all that is open."""
        for fd in self.interests():
            self.before_close(fd)
        os.close(self._pidfd)
        for sock in (self._link, self._listener, *self._sessions):
            if sock is not None:
                sock.close()

    def tell(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Send every client the same."""
        for session in tuple(self._sessions):
            self._send(session, message, fds)

    def _poll(self) -> dict[int, int]:
        poll = select.poll()
        for own in self.interests():
            poll.register(own, select.POLLIN)
        for fd, events in self._child.relay.interests().items():
            poll.register(fd, events)
        return dict(poll.poll())

    def turn(self, fd: int, events: int) -> None:
        """Do what is possible with ``fd`` now."""
        if self._child.relay.turn(fd, events):
            return
        if self._link is not None and fd == self._link.fileno():
            self._hear()
        elif self._listener is not None and fd == self._listener.fileno():
            self._welcome(self._listener)
        else:
            for session in tuple(self._sessions):
                if session.fileno() == fd:
                    self._listen_to(session)

    def _hear(self) -> None:
        """One message of the child."""
        assert self._link is not None
        message, fds = messages.receive(self._link)
        if message is None:
            self.before_close(self._link.fileno())
            self._link.close()
            self._link = None
            if self.failure is None and self._final:
                self.on_running()
                self._announce("started")
            elif self.failure is None:
                self.failure = dict(DIED_EARLY)
        elif "terminal" in message:
            self._take_terminal(fds[0])
        elif "ready" in message:
            self.on_held()
            self._announce("held")
        elif "final" in message:
            self._final = True
        elif "error" in message:
            self.failure = message["error"]

    def _announce(self, event: str) -> None:
        self._announced = {"event": event, "pid": self._child.pid}
        self.tell(self._announced, self._beside())

    def _beside(self) -> tuple[int, ...]:
        return (self._master,) if self._master >= 0 else ()

    def _take_terminal(self, master: int) -> None:
        self._master = master
        keep(master, self._pidfd)
        stdin, stdout, _ = self._child.stdio
        note = self._child.note
        self._child.relay.terminal(master, (stdin, stdout), lambda data: note("stdout", data))
        for fd in self._child.stdio:  # a client that leaves takes its terminal along
            os.close(fd)

    def _welcome(self, listener: Socket) -> None:
        fd, _ = listener._accept()  # type: ignore[attr-defined] # typeshed leaves it out
        session = messages.from_fd(fd)
        self._sessions.append(session)
        if self._announced is not None:
            self._send(session, self._announced, self._beside())

    def _listen_to(self, session: Socket) -> None:
        """One message of a client; one that makes no sense ends its session."""
        try:
            message, fds = messages.receive(session)
            try:
                if message is None:
                    self._drop(session)
                elif "attach" in message or "detach" in message:
                    self._attach(session, message, fds)
                else:
                    self._obey(message)
            finally:
                for fd in fds:
                    os.close(fd)
        except (ValueError, TypeError, KeyError):
            self._drop(session)

    def _attach(self, session: Socket, message: dict[str, Any], fds: list[int]) -> None:
        """Let a client hear and speak, or no longer."""
        if "attach" in message:
            stdin, stdout, stderr = fds
            self._child.relay.attach(session, (stdin, stdout, stderr))
            self._send(session, {"event": "attached"}, ())
        else:
            self._child.relay.detach(None if session is self._first else session)

    def _obey(self, message: dict[str, Any]) -> None:
        if "signal" in message:
            self._signal(int(message["signal"]))
        elif "resize" in message and self._master >= 0:
            rows, columns = message["resize"]
            terminal.set_size(self._master, int(rows), int(columns))
        elif "begin" in message and self._link is not None:
            messages.send(self._link, {"begin": True})

    def _signal(self, number: int) -> None:
        try:
            pidfd_send_signal(self._pidfd, number)
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EINVAL):  # ended by itself; no such signal
                raise

    def _send(self, session: Socket, message: dict[str, Any], fds: tuple[int, ...]) -> None:
        try:
            messages.send(session, message, fds)
        except OSError:
            self._drop(session)  # a client may leave at any time; the container goes on

    def _drop(self, session: Socket) -> None:
        if session is not self._first:
            self._child.relay.detach(session)
        self.before_close(session.fileno())
        session.close()
        self._sessions.remove(session)


def end(pid: int) -> None:
    """Kill a child and reap it; nothing where it is reaped already."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
