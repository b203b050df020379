"""``attach``."""

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import DETACH_KEYS, SIG_PROXY, truth, typing
from toolkit.cli.terminal import Signals, Stdio, check_terminal, follow, window_size
from toolkit.cli.verb import Call, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import Running


def _attach(call: Call) -> int:
    with open_engine(call) as engine:
        config = engine.inspect(call.args[0]).config
        interactive = config.interactive and not call.flag("no-stdin")
        check_terminal(tty=config.tty, interactive=interactive)

        with Stdio.own(interactive=interactive, keyed=config.tty) as stdio:

            def start() -> "Running":
                running = engine.attach(call.args[0], stdio.fds)
                if config.tty and running.master is not None:
                    _redraw(running)
                return running

            return follow(
                start,
                interactive=interactive,
                signals=Signals(silent=not truth(call, "sig-proxy", default=True)),
                typing=typing(call, stdio),
            )


def _redraw(running: "Running") -> None:
    """Another size and then the right one: programs draw anew when the size changes."""
    rows, columns = window_size()
    if rows:
        running.resize(rows + 1, columns)
        running.resize(rows, columns)


ATTACH = Verb(
    name="attach",
    usage="[FLAGS] CONTAINER",
    summary="See what a running container says, and type to it.",
    flags=(
        DETACH_KEYS,
        Flag(names=("--no-stdin",), help="Do not hand stdin to it"),
        SIG_PROXY,
    ),
    act=_attach,
    most=1,
)
