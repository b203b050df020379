"""The shim of one more process in a running container (``entering`` is that process)."""

from __future__ import annotations

import os

from toolkit.runtime import entering, messages
from toolkit.runtime.logfile import JsonLog
from toolkit.runtime.monitor import Child, Monitor, end
from toolkit.runtime.relay import Relay
from toolkit.runtime.request import ExecRequest
from toolkit.runtime.shim import piped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.runtime.job import Job


def run(job: Job) -> None:
    """Be the shim of one exec, to its end."""
    request, steps = job.request, job.steps
    assert isinstance(request, ExecRequest)
    steps.enter("state")
    state, pidfd = entering.container(request)
    model = entering.inherit(request, state)
    steps.enter("stdio")
    relay = Relay()
    stdio = job.stdio
    if not request.passthrough and not model.process.terminal:
        stdio, relay = piped(job.stdio, relay, JsonLog(""))
    steps.enter("fork")
    ours, theirs = messages.pair()
    entry = entering.Entry(
        model=model,
        state=state,
        pidfd=pidfd,
        stdio=stdio,
        link=theirs,
        own=not request.passthrough,
        steps=steps,
    )
    pid = entering.fork(entry)
    theirs.close()
    if stdio is not job.stdio:
        for fd in stdio:
            os.close(fd)
    child = Child(pid=pid, link=ours, stdio=job.stdio, note=lambda *_: None, relay=relay)
    try:
        monitor = Monitor(child, [job.session])
        status = monitor.run()
    except BaseException:
        end(pid)
        raise
    if monitor.failure is None:
        monitor.tell({"event": "exit", "status": status, "oom": False})
    else:
        monitor.tell({"event": "error", **monitor.failure})
