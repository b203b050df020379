"""A tiny process that holds a terminal's master open as long as the container runs.

When the last master is closed the kernel hangs up the terminal and the container dies of SIGHUP.
The keeper shares no fate with the shim, so a killed shim costs a container its log, not its life.
"""

from __future__ import annotations

import os
import select

from toolkit.linux.process import set_name
from toolkit.linux.signals import signal
from toolkit.runtime.descriptors import keep_only


def keep(master: int, pidfd: int) -> None:
    """Hold ``master`` in a process of its own until the process behind ``pidfd`` ends."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        if os.fork():  # a grandchild, so that nobody must reap it
            os._exit(0)
        os.setsid()
        set_name("dockyard-keep")
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        keep_only((master, pidfd))
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.poll()
    finally:
        os._exit(0)
