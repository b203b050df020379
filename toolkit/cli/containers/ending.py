"""``stop``, ``kill``, ``rm`` and ``wait``."""

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import number
from toolkit.cli.verb import Call, Flag, Verb, complain, each
from toolkit.core.errors import NotFoundError, ToolkitError
from toolkit.engine.signals import parse_signal

_ONES = "[FLAGS] CONTAINER..."


def _stop(call: Call) -> int:
    asked = number(call, "time", default=-2, least=-1)
    signal = parse_signal(call.text("signal")) if call.text("signal") else None
    with open_engine(call) as engine:
        return each(
            call.args,
            lambda name: engine.stop(name, None if asked == -2 else asked, signal=signal),
        )


def _kill(call: Call) -> int:
    signal = parse_signal(call.text("signal", "KILL"))
    with open_engine(call) as engine:
        return each(call.args, lambda name: engine.kill(name, signal))


def _remove(call: Call) -> int:
    force = call.flag("force")

    def remove(name: str) -> None:
        try:
            engine.remove(name, force=force, volumes=call.flag("volumes"))
        except NotFoundError as error:
            if not force:
                raise
            complain(error, status=0)  # as 'rm -f': what is not there needs no removing

    with open_engine(call) as engine:
        return each(call.args, remove)


def _wait(call: Call) -> int:
    failed = 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                print(engine.wait(name), flush=True)
            except ToolkitError as error:
                failed = complain(error, status=1)
    return failed


STOP = Verb(
    name="stop",
    usage=_ONES,
    summary="Ask containers to end, and kill them after a while.",
    flags=(
        Flag(names=("-s", "--signal"), metavar="SIGNAL", help="What asks them (their own)"),
        Flag(names=("-t", "--timeout", "--time"), metavar="SECONDS", help="How long to wait (10)"),
    ),
    act=_stop,
)
KILL = Verb(
    name="kill",
    usage=_ONES,
    summary="Send a signal to the first process of containers.",
    flags=(
        Flag(
            names=("-s", "--signal"), metavar="SIGNAL", help="Which one, by name or number (KILL)"
        ),
    ),
    act=_kill,
)
REMOVE = Verb(
    name="rm",
    usage=_ONES,
    summary="Remove containers and what they wrote.",
    flags=(
        Flag(names=("-f", "--force"), help="Kill those that run"),
        Flag(names=("-v", "--volumes"), help="Remove their anonymous volumes as well"),
    ),
    act=_remove,
)
WAIT = Verb(
    name="wait",
    usage="CONTAINER...",
    summary="Wait until containers have ended, and print their exit status.",
    flags=(),
    act=_wait,
)
