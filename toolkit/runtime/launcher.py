"""The process that forks containers: one thread, everything imported, never waits for a client.

Runs as ``python -I -S`` from an executable that nobody can write through (``toolkit.runtime.spawn``
starts it so). Requests come as packets, each with four descriptors: stdin, stdout, stderr and the
socket on which the shim answers. The kernel reaps the shims (SIGCHLD is ignored).
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.linux.process import set_dumpable, set_name
from toolkit.runtime import executing, groups, messages, shim
from toolkit.runtime.cgroupfs import cgroup_steps
from toolkit.runtime.failures import describe
from toolkit.runtime.joins import check_namespaces
from toolkit.runtime.plan import plan
from toolkit.runtime.request import StartRequest, from_data
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.messages import Socket

_DESCRIPTORS = 4
_FILTERS = ".filters"  # no name of a container begins with a dot
STARTED_FOR_TESTS = "--faults"


class Launcher:
    """Serves clients until the private one (if any) has left."""

    def __init__(self, *, private: Socket | None, listener: Socket | None, faults: bool) -> None:
        self._private = private
        self._listener = listener
        self._clients = [] if private is None else [private]
        self._faults = faults

    def serve(self) -> None:
        """Take requests, one after the other."""
        while self._private is None or self._private in self._clients:
            poll = select.poll()
            for sock in (self._listener, *self._clients):
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
                data, fds = messages.receive_bytes(client)
                if data:
                    self._take(data, fds)
                else:
                    client.close()
                    self._clients.remove(client)

    def _take(self, data: bytes, fds: list[int]) -> None:
        """Fork for one request; whatever is wrong with it goes to its own socket."""
        if len(fds) != _DESCRIPTORS:
            for fd in fds:
                os.close(fd)
            return
        session = messages.from_fd(fds[3])
        try:
            self._fork(data, (fds[0], fds[1], fds[2]), session)
        except Exception as error:  # noqa: BLE001 - one bad request must not end the launcher
            _refuse(session, error)
        finally:
            session.close()
            for fd in fds[:3]:
                os.close(fd)

    def _fork(self, data: bytes, stdio: tuple[int, int, int], session: Socket) -> None:
        request = from_data(messages.decode(data.decode()))
        steps = Steps(request.fault if self._faults else "")
        if not isinstance(request, StartRequest):
            if not os.fork():
                executing.run(
                    executing.Job(request=request, stdio=stdio, session=session, steps=steps)
                )
            return
        prepared = prepare(request)
        if not os.fork():
            shim.run(
                shim.Job(
                    request=request,
                    prepared=prepared,
                    raw=data,
                    stdio=stdio,
                    session=session,
                    steps=steps,
                )
            )


def prepare(request: StartRequest) -> shim.Prepared | Exception:
    """What can be worked out before the fork, where it is remembered; or why it cannot start."""
    spec = request.spec
    try:
        check_namespaces(spec)
        groups.check_resources(spec)
        return shim.Prepared(plan=plan(spec, cgroup_steps(spec)), program=filter_program(request))
    except (ToolkitError, OSError) as error:
        return error


def filter_program(request: StartRequest) -> bytes:
    """The compiled system call filter; kept in this launcher, and beside the states for the next.

    Loading libseccomp and compiling take 75 ms, which a container that has a launcher to itself
    would pay each time.
    """
    spec = request.spec
    if spec.linux.seccomp is None:
        return b""
    from toolkit.runtime.seccomp import compile_profile  # noqa: PLC0415 - libseccomp only if asked

    held = spec.process.capabilities if spec.process is not None else None
    return compile_profile(
        dict(spec.linux.seccomp),
        () if held is None else held.bounding,
        cache_dir=os.path.join(os.path.dirname(request.state_dir), _FILTERS),
    )


def _refuse(session: Socket, error: Exception) -> None:
    try:
        messages.send(session, {"event": "error", **describe(error, "request")})
    except OSError:
        return  # the client is gone


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
    gc.collect()
    gc.freeze()
    gc.disable()
    os.dup2(0, 2)  # a shim must not hold its client's stderr open
    launcher.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
