"""The first process of a container with ``--init``: reaps what others left, hands signals on.

It is the init itself, which stays instead of becoming the program: same rights, same filter, not
dumpable, and an interpreter that nobody inside can write to. It ends when the program does, with
its status.
"""

from __future__ import annotations

import os

from toolkit.linux.process import set_name
from toolkit.linux.signals import signal
from toolkit.runtime.descriptors import keep_only

_OWN = (signal.SIGCHLD, signal.SIGTTIN, signal.SIGTTOU)  # these are about this process, not for it


def stay() -> None:
    """Fork: the child returns, to become the program; this process never does.

    The child is the foreground group of its terminal, so that a key reaches it once, not twice.
    """
    every = signal.valid_signals()
    signal.pthread_sigmask(signal.SIG_BLOCK, every)
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        if os.isatty(0):
            os.tcsetpgrp(0, os.getpgrp())  # SIGTTOU is still blocked here
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        return
    try:
        keep_only(())  # among them the line to the shim, whose end says that the program runs
        set_name("dockyard-init")
        while True:
            number = signal.sigwait(every)
            if number == signal.SIGCHLD:
                _reap(child)
            elif number not in _OWN:
                _hand_on(child, number)
    finally:
        os._exit(1)


def _hand_on(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except (ProcessLookupError, PermissionError):
        return  # it is about to be reaped, or has become somebody else


def _reap(child: int) -> None:
    """Take in all that ended; with the program's own end this process ends."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
