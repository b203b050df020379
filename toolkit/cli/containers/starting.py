"""``run``, ``create`` and ``start``."""

import os

from toolkit.cli.containers.opening import open_engine, settings_of
from toolkit.cli.containers.options import (
    CONTAINER,
    DETACH,
    DETACH_KEYS,
    SIG_PROXY,
    container_config,
    truth,
    typing,
)
from toolkit.cli.images.resolving import PULLS, resolver
from toolkit.cli.terminal import STREAMS, Signals, Stdio, check_terminal, follow, window_size
from toolkit.cli.verb import FAULT, Call, Flag, Verb, each
from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from toolkit.engine.model import Running

    T = TypeVar("T", str, Running)

_USAGE = "[FLAGS] IMAGE|--rootfs DIR [COMMAND [ARGUMENT]...]"


def _run(call: Call) -> int:
    settings = settings_of(call)
    config = container_config(call, os.environ, network=settings.network)
    images = resolver(call, settings.data_root)
    note = _cidfile(call)
    streams = _attached(call)
    if config.detach:
        with open_engine(call, settings, images=images) as engine, Stdio.nothing() as stdio:
            print(note(engine.run(config, stdio.fds)).id)
        return 0
    check_terminal(tty=config.tty, interactive=config.interactive)
    rows, columns = window_size() if config.tty else (0, 0)
    config = replace(config, rows=rows, columns=columns)
    # Not closed: the process ends right after, and closing would wait for the launcher's end and
    # for the disk, which is a tenth of the whole run.
    engine = open_engine(call, settings, images=images)
    with Stdio.own(interactive=config.interactive, keyed=config.tty, streams=streams) as stdio:
        signals = Signals(silent=not truth(call, "sig-proxy", default=True))
        return follow(
            lambda: note(engine.run(config, stdio.fds, asked=signals.hold)),
            interactive=config.interactive,
            signals=signals,
            typing=typing(call, stdio),
        )


def _attached(call: Call) -> frozenset[str]:
    """The streams that are shown here: all of them, or those of ``--attach``."""
    asked = frozenset(text.lower() for text in call.many("attach"))
    if asked and call.flag("detach"):
        raise InvalidInputError("conflicting options: cannot specify both --attach and --detach")
    if asked - STREAMS:
        raise InvalidInputError(
            f"attach: '{min(asked - STREAMS)}' is no stream", hint="stdin, stdout or stderr"
        )
    return asked or STREAMS


def _create(call: Call) -> int:
    settings = settings_of(call)
    images = resolver(call, settings.data_root)
    note = _cidfile(call)
    with open_engine(call, settings, images=images) as engine:
        config = container_config(call, os.environ, network=settings.network)
        print(note(engine.create(config)))
    return 0


def _cidfile(call: Call) -> "Callable[[T], T]":
    """Writes the id of what was made to ``--cidfile``, and hands it on."""
    path = call.text("cidfile")
    if not path:
        return lambda made: made
    try:
        file = open(path, "x", encoding="ascii")  # noqa: SIM115 - closed once it is written
    except FileExistsError:
        raise InvalidInputError(
            f"cidfile: '{path}' exists already", hint="remove it, or choose another"
        ) from None

    def note(made: "T") -> "T":
        with file:
            file.write(made if isinstance(made, str) else made.id)
        return made

    return note


def _start(call: Call) -> int:
    attach = call.flag("attach") or call.flag("interactive")
    with open_engine(call) as engine:
        if not attach:
            return each(call.args, lambda name: engine.start(name).close())
        config = engine.inspect(call.args[0]).config
        check_terminal(tty=config.tty, interactive=call.flag("interactive"))
        interactive = call.flag("interactive") and config.interactive
        with Stdio.own(interactive=interactive, keyed=config.tty) as stdio:
            signals = Signals(silent=not truth(call, "sig-proxy", default=True))
            return follow(
                lambda: engine.start(call.args[0], stdio.fds, asked=signals.hold),
                interactive=interactive,
                signals=signals,
                typing=typing(call, stdio),
            )


RUN = Verb(
    name="run",
    usage=_USAGE,
    summary="Make a container and run a command in it.",
    flags=(
        Flag(
            names=("-a", "--attach"),
            metavar="STREAM",
            many=True,
            help="Show only this one here: stdin, stdout, stderr",
        ),
        DETACH,
        DETACH_KEYS,
        SIG_PROXY,
        *CONTAINER,
        *PULLS,
    ),
    act=_run,
    greedy=True,
    fault=FAULT,
)
CREATE = Verb(
    name="create",
    usage=_USAGE,
    summary="Make a container without starting it, and print its id.",
    flags=(*CONTAINER, *PULLS),
    act=_create,
    greedy=True,
    fault=FAULT,
)
START = Verb(
    name="start",
    usage="[FLAGS] CONTAINER...",
    summary="Start containers that were created or have ended.",
    flags=(
        Flag(names=("-a", "--attach"), help="Show its output and wait for its end"),
        Flag(names=("-i", "--interactive"), help="Hand stdin to it"),
        DETACH_KEYS,
        SIG_PROXY,
    ),
    act=_start,
)
