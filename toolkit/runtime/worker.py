"""A child of the launcher that serves one request: as the shim of a container or of an exec."""

from __future__ import annotations

import os

from toolkit.linux.process import set_name
from toolkit.linux.signals import signal
from toolkit.runtime import executing, messages, shim
from toolkit.runtime.descriptors import keep_only
from toolkit.runtime.failures import describe
from toolkit.runtime.request import StartRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from toolkit.runtime.job import Job
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.steps import Steps

DESCRIPTORS = 4  # stdin, stdout, stderr and the session's socket
_LOST = 125


def serve(job: Job) -> NoReturn:
    """Serve this request; never returns."""
    try:
        _settle((*job.stdio, job.session.fileno()))
        _serve(job)
    except BaseException as error:  # noqa: BLE001 - a fork must never return into the launcher's loop
        refuse(job.session, error, job.steps)
    finally:
        os._exit(_LOST)


def _settle(fds: tuple[int, ...]) -> None:
    """Leave the launcher's process group, descriptors and signal handling behind."""
    os.setpgid(0, 0)  # no setsid: the launcher's session has no terminal, and it costs 0.2 ms
    keep_only(fds)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _serve(job: Job) -> None:
    if isinstance(job.request, StartRequest):
        set_name("dockyard-shim")
        shim.Shim(job).run()
        return
    set_name("dockyard-exec")
    executing.run(job)


def refuse(session: Socket, error: BaseException, steps: Steps) -> None:
    """Tell the client why it failed."""
    send_if_heard(
        session, messages.encode({"event": "error", **describe(error, steps.now)}).encode()
    )


def send_if_heard(sock: Socket, data: bytes) -> None:
    """Send to a client who may have left before it could hear it."""
    try:
        messages.send_bytes(sock, data)
    except OSError:
        return
