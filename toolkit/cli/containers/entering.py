"""``exec`` and ``nsenter``."""

import os

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import DETACH_KEYS, PROCESS, STDIO, environment, typing
from toolkit.cli.terminal import Signals, Stdio, check_terminal, follow, window_size
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError
from toolkit.engine.model import ExecConfig

_KINDS = {"net": "net", "mount": "mnt", "uts": "uts", "ipc": "ipc", "pid": "pid"}


def _exec(call: Call) -> int:
    tty, interactive = call.flag("tty"), call.flag("interactive")
    detach = call.flag("detach")
    if not detach:
        check_terminal(tty=tty, interactive=interactive)
    rows, columns = window_size() if tty and not detach else (0, 0)
    wanted = ExecConfig(
        command=call.args[1:],
        env=environment(call, os.environ),
        workdir=call.text("workdir"),
        user=call.text("user"),
        tty=tty,
        interactive=interactive,
        privileged=call.flag("privileged"),
        rows=rows,
        columns=columns,
    )
    with open_engine(call) as engine:
        if detach:
            with Stdio.nothing() as stdio:
                engine.exec(call.args[0], wanted, stdio.fds).close()
            return 0
        with Stdio.own(interactive=interactive, keyed=tty) as stdio:
            signals = Signals()
            return follow(
                lambda: engine.exec(call.args[0], wanted, stdio.fds, asked=signals.hold),
                interactive=interactive,
                signals=signals,
                typing=typing(call, stdio),
            )


def _nsenter(call: Call) -> int:
    from toolkit.engine.nsenter import enter  # noqa: PLC0415 - exec needs it not

    kinds = tuple(kind for key, kind in _KINDS.items() if call.flag(key))
    if not kinds:
        raise InvalidInputError(
            "no namespace is given to enter", hint="give one or more of -n -m -u -i -p"
        )
    argv = call.args[1:] or (os.environ.get("SHELL") or "/bin/sh",)
    with open_engine(call) as engine:
        pid = engine.running(call.args[0]).pid
    return enter(pid, kinds, argv)


EXEC = Verb(
    name="exec",
    usage="[FLAGS] CONTAINER COMMAND [ARGUMENT]...",
    summary="Run a command in a container that runs.",
    flags=(
        Flag(names=("-d", "--detach"), help="Run in the background"),
        *STDIO,
        *PROCESS,
        DETACH_KEYS,
        Flag(names=("--privileged",), help="Grant all that the caller may grant"),
    ),
    act=_exec,
    greedy=True,
    least=2,
)
NSENTER = Verb(
    name="nsenter",
    usage="CONTAINER [-n -m -u -i -p] -- COMMAND [ARGUMENT]...",
    summary="Run a command of the host inside some namespaces of a container.",
    flags=(
        Flag(names=("-n", "--net"), help="Enter its network"),
        Flag(names=("-m", "--mount"), help="Enter its mounts: the command is the container's then"),
        Flag(names=("-u", "--uts"), help="Enter its host name"),
        Flag(names=("-i", "--ipc"), help="Enter its shared memory"),
        Flag(names=("-p", "--pid"), help="Enter its process table"),
    ),
    act=_nsenter,
)
