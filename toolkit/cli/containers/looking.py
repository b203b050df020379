"""``ps``, ``logs`` and ``inspect``."""

import json
import sys

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.tables import shortened, since, table
from toolkit.cli.verb import Call, Flag, Verb, complain
from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError
from toolkit.engine.describing import document
from toolkit.engine.logs import read_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import View

_HEAD = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")


def _ps(call: Call) -> int:
    with open_engine(call) as engine:
        views = engine.list(all=call.flag("all"))
    whole = call.flag("no-trunc")
    if call.flag("quiet"):
        for view in views:
            print(view.id if whole else view.id[:12])
        return 0
    print(table([_HEAD, *(_line(view, whole=whole) for view in views)]))
    return 0


def _line(view: "View", *, whole: bool) -> tuple[str, ...]:
    command = " ".join(view.args)
    return (
        view.id if whole else view.id[:12],
        view.image,
        f'"{command if whole else shortened(command, 20)}"',
        f"{since(view.created)} ago",
        _status(view),
        ", ".join(_ports(view)),
        view.name,
    )


def _ports(view: "View") -> list[str]:
    """Published ports, as in ``0.0.0.0:8080->80/tcp``."""
    return [
        f"{port.host or '0.0.0.0'}:{port.outer}->{port.inner}/{port.protocol}"  # noqa: S104 - no binding
        for one in view.networks
        for port in one.endpoint.ports
    ]


def _status(view: "View") -> str:
    if view.status == "running":
        return f"Up {since(view.started)}"
    if view.status == "paused":
        return f"Up {since(view.started)} (Paused)"
    if view.status == "exited":
        return f"Exited ({view.exit_status}) {since(view.finished or view.started)} ago"
    return "Created"


def _logs(call: Call) -> int:
    tail = _tail(call.text("tail", "all"))
    with open_engine(call) as engine:
        view = engine.inspect(call.args[0])
        if view.status != "created" and not view.log:
            raise ConflictError(
                f"container '{view.name}' keeps no log",
                hint="what runs with --rm in the foreground writes to its caller only",
            )

        def running() -> bool:
            return engine.inspect(view.id).status == "running"

        more = running if call.flag("follow") else None
        for line in read_log(view.log, tail=tail, more=more):
            stream = sys.stderr if line.stream == "stderr" else sys.stdout
            prefix = f"{line.time} " if call.flag("timestamps") else ""
            stream.buffer.write((prefix + line.text).encode(errors="surrogateescape"))
            stream.buffer.flush()
    return 0


def _tail(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise InvalidInputError(f"tail: '{text}' is neither a number nor 'all'")
    return int(text)


def _inspect(call: Call) -> int:
    found, failed = [], 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                found.append(document(engine.inspect(name), engine.settings))
            except ToolkitError as error:
                failed = complain(error, status=1)
    print(json.dumps(found, indent=4))
    return failed


PS = Verb(
    name="ps",
    usage="[FLAGS]",
    summary="List containers that run.",
    flags=(
        Flag(names=("-a", "--all"), help="List those that do not run as well"),
        Flag(names=("-q", "--quiet"), help="Print ids only"),
        Flag(names=("--no-trunc",), help="Print ids and commands in full"),
    ),
    act=_ps,
    least=0,
    most=0,
)
LOGS = Verb(
    name="logs",
    usage="[FLAGS] CONTAINER",
    summary="Print what a container wrote.",
    flags=(
        Flag(names=("-f", "--follow"), help="Go on until it ends"),
        Flag(names=("-n", "--tail"), metavar="LINES", help="Begin that many lines before the end"),
        Flag(names=("-t", "--timestamps"), help="Print when each line was written"),
    ),
    act=_logs,
    most=1,
)
INSPECT = Verb(
    name="inspect",
    usage="CONTAINER...",
    summary="Print all that is known of containers, as JSON.",
    flags=(),
    act=_inspect,
)
