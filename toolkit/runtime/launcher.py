"""The process that starts containers: one thread, everything imported, never waits for a client.

Runs as ``python -I -S`` from an executable that nobody can write through (``toolkit.runtime.spawn``
starts it so). Requests come as packets, each with four descriptors: stdin, stdout, stderr and the
socket on which the answer goes.

A container whose stdio is its client's own needs nobody to carry bytes: the launcher itself is its
shim (``Keeping``), which saves a process and the copying of its memory. All others, and execs, get
a process of their own (``worker``). What is killed with the launcher is what a killed shim takes
along: the exit status of those that it keeps, not their life.

The inits of those that it keeps are forked by its ``Nursery``, a process made while nobody asks.
"""

from __future__ import annotations

import gc
import os
import select
import sys

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.linux.process import pidfd_open, set_dumpable, set_name
from toolkit.linux.signals import signal
from toolkit.runtime import groups, messages, worker
from toolkit.runtime.job import Job
from toolkit.runtime.keeping import Keeping, suits
from toolkit.runtime.nursery import Nursery
from toolkit.runtime.nursery import suits as suits_nursery
from toolkit.runtime.request import StartRequest, from_data
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.runtime.messages import Socket
    from toolkit.runtime.request import ExecRequest

STARTED_FOR_TESTS = "--faults"
STAYING = b"staying"
"""Said to the private client that leaves while containers are kept: it need not wait."""

_NURSERIES = 16  # one after the other, each killed by somebody
_TIDY_AFTER = 64  # containers that ended; then what refers to itself is looked for


class Launcher:
    """Serves clients until the private one (if any) has left and no container is kept any more."""

    def __init__(
        self, *, private: Socket | None, listener: Socket | None, nurseries: int, faults: bool
    ) -> None:
        self._private = private
        self._listener = listener
        self._nurseries = nurseries
        self._faults = faults
        self._epoll = select.epoll()
        self._calls: dict[int, Callable[[int, int], None]] = {}
        self._kept = 0
        self._ended = 0
        self._nursery: Nursery | None = None

    def serve(self) -> None:
        """Take requests, one after the other."""
        if self._listener is not None:
            self.watch(self._listener.fileno(), self._accept)
        if self._private is not None:
            self._welcome(self._private)
        alone = self._private is None
        while alone or self._private is not None or self._kept:
            ready = self._epoll.poll(0, 1)
            if not ready:
                self._rest()
                ready = self._epoll.poll(-1, 1)
            for fd, events in ready:
                self._calls[fd](fd, events)
        if self._nursery is not None:
            self._nursery.close()  # reaped here: whoever adopts it may not reap

    def watch(self, fd: int, call: Callable[[int, int], None]) -> None:
        """Call ``call(fd, events)`` when there is something to read."""
        self._calls[fd] = call
        self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Before ``fd`` is closed: a fork may hold the same file open for a while."""
        del self._calls[fd]
        self._epoll.unregister(fd)

    def gone(self) -> None:
        """A kept container is over."""
        self._kept -= 1
        self._ended += 1

    def _rest(self) -> None:
        """Nobody wants anything: prepare for the next one."""
        if self._nursery is None and self._nurseries:
            self._nurseries -= 1
            self._nursery = Nursery(faults=self._faults, once=not self._nurseries)
            self.watch(self._nursery.fileno(), self._lose_nursery)
        if self._ended >= _TIDY_AFTER:
            self._ended = 0
            gc.collect()

    def _lose_nursery(self, fd: int, _events: int) -> None:
        """It has ended; another one is made when there is time, but not for ever."""
        assert self._nursery is not None
        self.forget(fd)
        self._nursery.close()
        self._nursery = None

    def _accept(self, _fd: int, _events: int) -> None:
        assert self._listener is not None
        accepted, _ = self._listener._accept()  # type: ignore[attr-defined] # C half
        self._welcome(messages.from_fd(accepted))

    def _welcome(self, client: Socket) -> None:
        self.watch(client.fileno(), lambda *_: self._hear(client))

    def _hear(self, client: Socket) -> None:
        data, fds = messages.receive_bytes(client)
        if not data:
            self._leave(client)
        elif len(fds) == worker.DESCRIPTORS:
            self._serve(data, fds)
        for fd in fds:
            os.close(fd)

    def _leave(self, client: Socket) -> None:
        self.forget(client.fileno())
        if client is self._private:
            self._private = None
            if self._kept:
                worker.send_if_heard(client, STAYING)
        client.close()

    def _serve(self, data: bytes, fds: list[int]) -> None:
        """Here, or by a child forked for it."""
        session = messages.from_fd(os.dup(fds[3]))
        steps = Steps()
        try:
            steps.enter("request")
            request = from_data(messages.decode(data.decode()))
            steps = Steps(request.fault if self._faults else "")
            job = Job(
                request=request,
                raw=data,
                stdio=(fds[0], fds[1], fds[2]),
                session=session,
                steps=steps,
                faults=self._faults,
            )
            self._begin(job, request)
        except BaseException as error:  # noqa: BLE001 - one request's failure is not the launcher's
            worker.refuse(session, error, steps)
            session.close()

    def _begin(self, job: Job, request: StartRequest | ExecRequest) -> None:
        if isinstance(request, StartRequest) and suits(request):
            if suits_nursery(request.spec):
                job = replace(job, nursery=self._nursery)
            Keeping(self, job).begin()
            self._kept += 1
            return
        pid = os.fork()
        if not pid:
            worker.serve(job)
        job.session.close()

        def reap(pidfd: int, _events: int) -> None:
            self.forget(pidfd)
            os.close(pidfd)
            os.waitpid(pid, 0)

        self.watch(pidfd_open(pid), reap)


def main(arguments: list[str]) -> None:
    """``[--faults] [private=FD] [listen=PATH] [nurseries=N]``: become a launcher."""
    options = dict(item.split("=", 1) for item in arguments if "=" in item)
    if not options:
        raise InvalidInputError("a launcher needs a descriptor or a path to serve")
    set_dumpable(on=False)
    set_name("dockyard-launch")
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups.layout()
    private = messages.from_fd(int(options["private"])) if "private" in options else None
    listener = messages.listen(options["listen"]) if "listen" in options else None
    launcher = Launcher(
        private=private,
        listener=listener,
        nurseries=int(options.get("nurseries", _NURSERIES)),
        faults=STARTED_FOR_TESTS in arguments,
    )
    gc.disable()
    gc.freeze()
    os.dup2(0, 2)  # a shim must not hold its client's stderr open
    launcher.serve()
    os._exit(0)  # taking the interpreter down would cost 3 ms and free nothing of worth


if __name__ == "__main__":
    main(sys.argv[1:])
