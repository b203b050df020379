"""The process that forks containers: one thread, everything imported, never waits for a client.

Runs as ``python -I -S`` from an executable that nobody can write through (``toolkit.runtime.spawn``
starts it so). Requests come as packets, each with four descriptors: stdin, stdout, stderr and the
socket on which the shim answers. It reads none of them: a child does (``worker``), the spare one if
it is there. The kernel reaps the children (SIGCHLD is ignored).
"""

from __future__ import annotations

import gc
import os
import select
import sys

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.linux.process import set_dumpable, set_name
from toolkit.linux.signals import signal
from toolkit.runtime import groups, messages, politeness, worker
from toolkit.runtime.rehearse import rehearse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.messages import Socket

STARTED_FOR_TESTS = "--faults"
# The first spare serves whoever asks once; who asks again gets one after each start.
_REGULAR = 2


@record
class Spare:
    """A child that waits for a request, and our end of the line to it.

    ``polite``: it was made while containers start, which it must not hold up.
    """

    pid: int
    link: Socket
    polite: bool


class Launcher:
    """Serves clients until the private one (if any) has left."""

    def __init__(self, *, private: Socket | None, listener: Socket | None, faults: bool) -> None:
        self._private = private
        self._listener = listener
        self._clients = [] if private is None else [private]
        self._faults = faults
        self._served = 0
        self._spare: Spare | None = None
        self._busy: list[Socket] = []  # of spares at work; closed by them when it is time for more

    def serve(self) -> None:
        """Take requests, one after the other."""
        self._make_spare(polite=False)
        worker.import_filters()
        rehearse()
        gc.freeze()
        while self._private is None or self._private in self._clients:
            poll = select.poll()
            for sock in (self._listener, *self._clients, *self._busy):
                if sock is not None:
                    poll.register(sock.fileno(), select.POLLIN)
            for fd, _ in poll.poll():
                self._turn(fd)

    def _turn(self, fd: int) -> None:
        if self._listener is not None and fd == self._listener.fileno():
            accepted, _ = self._listener._accept()  # type: ignore[attr-defined] # C half
            self._clients.append(messages.from_fd(accepted))
            return
        for client in tuple(self._clients):
            if client.fileno() == fd:
                self._hear(client)
        for spare in tuple(self._busy):
            if spare.fileno() == fd:
                spare.close()
                self._busy.remove(spare)
                if self._served >= _REGULAR and self._spare is None:
                    self._make_spare(polite=True)

    def _hear(self, client: Socket) -> None:
        data, fds = messages.receive_bytes(client)
        if not data:
            client.close()
            self._clients.remove(client)
        elif len(fds) == worker.DESCRIPTORS:
            self._served += 1
            self._pass_on(data, fds)
        for fd in fds:
            os.close(fd)

    def _pass_on(self, data: bytes, fds: list[int]) -> None:
        """To the spare, or to a child forked for it."""
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                if spare.polite:
                    politeness.end(spare.pid)
                messages.send_bytes(spare.link, data, tuple(fds))
            except OSError:
                spare.link.close()  # somebody killed it
            else:
                self._busy.append(spare.link)
                return
        if not os.fork():
            worker.serve(data, fds, faults=self._faults)
        if self._served >= _REGULAR and not self._busy:
            self._make_spare(polite=True)

    def _make_spare(self, *, polite: bool) -> None:
        ours, theirs = messages.pair()
        pid = os.fork()
        if not pid:
            worker.wait(theirs, faults=self._faults, polite=polite)
        theirs.close()
        self._spare = Spare(pid=pid, link=ours, polite=polite)


def main(arguments: list[str]) -> None:
    """``[--faults] [private=FD] [listen=PATH]``: become a launcher."""
    options = dict(item.split("=", 1) for item in arguments if "=" in item)
    if not options:
        raise InvalidInputError("a launcher needs a descriptor or a path to serve")
    set_dumpable(on=False)
    set_name("dockyard-launch")
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups.layout()
    private = messages.from_fd(int(options["private"])) if "private" in options else None
    listener = messages.listen(options["listen"]) if "listen" in options else None
    launcher = Launcher(private=private, listener=listener, faults=STARTED_FOR_TESTS in arguments)
    gc.disable()
    gc.freeze()
    os.dup2(0, 2)  # a shim must not hold its client's stderr open
    launcher.serve()
    os._exit(0)  # taking the interpreter down would cost 3 ms and free nothing of worth


if __name__ == "__main__":
    main(sys.argv[1:])
