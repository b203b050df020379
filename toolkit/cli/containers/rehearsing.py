"""``rehearse``: run a command in a throw-away copy of this machine."""

import os

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.terminal import Signals, Stdio, follow
from toolkit.cli.verb import FAULT, Call, Verb
from toolkit.engine.guard import Guard
from toolkit.engine.rehearsal import Rehearsal, rehearse


def _rehearse(call: Call) -> int:
    asked = Rehearsal(argv=call.args, env=dict(os.environ), cwd=os.getcwd())
    with (
        Guard(lambda: open_engine(call).close()),
        open_engine(call) as engine,
        Stdio.own(interactive=True) as stdio,
    ):
        signals = Signals(throw_away=True)
        return follow(
            lambda: rehearse(engine, asked, stdio.fds, told=signals.hold),
            interactive=True,
            signals=signals,
        )


REHEARSE = Verb(
    name="rehearse",
    usage="-- COMMAND [ARGUMENT]...",
    summary="Run a command in a copy of this machine, then drop the copy.",
    flags=(),
    act=_rehearse,
    greedy=True,
    fault=FAULT,
)
