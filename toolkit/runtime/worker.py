"""A child of the launcher that serves one request: as the shim of a container or of an exec.

It is forked for a request, or beforehand as a *spare* that waits for one: then its memory is
copied and its nest is built while nobody waits.
"""

from __future__ import annotations

import os

from toolkit.linux.process import set_name
from toolkit.linux.signals import signal
from toolkit.runtime import executing, messages, nest, politeness, shim
from toolkit.runtime.descriptors import keep_only
from toolkit.runtime.failures import describe
from toolkit.runtime.monitor import end
from toolkit.runtime.rehearse import rehearse
from toolkit.runtime.request import StartRequest, from_data
from toolkit.runtime.steps import Steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from toolkit.runtime.messages import Socket
    from toolkit.runtime.nest import Nest

DESCRIPTORS = 4  # stdin, stdout, stderr and the session's socket
_LOST = 125


def serve(data: bytes, fds: list[int], *, faults: bool) -> NoReturn:
    """Serve this request; never returns."""
    try:
        _settle(fds)
        _serve(data, fds, faults=faults, ready=None, release=None)
    finally:
        os._exit(_LOST)


def wait(launcher: Socket, *, faults: bool, polite: bool) -> NoReturn:
    """Be a spare: build a nest, wait for a request, serve it. Closing ``launcher`` ends it.

    ``polite``: yield to others meanwhile; the launcher ends that for this process. The launcher's
    socket is closed as soon as the program runs: the time to make the next spare.
    """
    try:
        _settle([launcher.fileno()])
        set_name("dockyard-spare")
        if polite:
            politeness.begin()
        ready = nest.build(faults=faults)
        import_filters()
        rehearse()
        data, fds = messages.receive_bytes(launcher)
        if data:
            if polite:
                politeness.end(ready.pid)
            ready.tell(data)  # it reads the request while this process does
            _serve(data, fds, faults=faults, ready=ready, release=launcher)
    finally:
        os._exit(_LOST)


def import_filters() -> None:
    """Import what most containers need, while nobody waits: it would delay the first spare."""
    import toolkit.runtime.filters  # noqa: PLC0415, F401 - as said


def _settle(fds: list[int]) -> None:
    """Leave the launcher's process group, descriptors and signal handling behind."""
    os.setpgid(0, 0)  # no setsid: the launcher's session has no terminal, and it costs 0.2 ms
    keep_only(fds)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _serve(
    data: bytes, fds: list[int], *, faults: bool, ready: Nest | None, release: Socket | None
) -> None:
    stdio, session = (fds[0], fds[1], fds[2]), messages.from_fd(fds[3])
    steps = Steps()
    try:
        steps.enter("request")
        request = from_data(messages.decode(data.decode()))
        steps = Steps(request.fault if faults else "")
        if isinstance(request, StartRequest):
            set_name("dockyard-shim")
            start = shim.Job(
                request=request,
                raw=data,
                stdio=stdio,
                session=session,
                steps=steps,
                faults=faults,
                release=release,
            )
            shim.Shim(start, ready).run()
        else:
            set_name("dockyard-exec")
            if ready is not None:
                ready.link.close()
                end(ready.pid)
            executing.run(
                executing.Job(
                    request=request, stdio=stdio, session=session, steps=steps, release=release
                )
            )
    except BaseException as error:  # noqa: BLE001 - a fork must never return into the launcher's loop
        _refuse(session, error, steps)


def _refuse(session: Socket, error: BaseException, steps: Steps) -> None:
    try:
        messages.send(session, {"event": "error", **describe(error, steps.now)})
    except OSError:
        os._exit(_LOST)  # the client left before it could hear why
