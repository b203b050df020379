"""``top`` and ``stats``."""

import sys
import time

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT
from toolkit.cli.containers.tables import binary_size, human_size, table
from toolkit.cli.templates.listing import Layout, lines
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.engine.usage import cpu_percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.engine.engine import Engine
    from toolkit.engine.model import View
    from toolkit.engine.usage import Sample

    Samples = Mapping[str, Sample | None]

_WIDTH = 20  # characters of a column of top, at least
_SECOND = 1.0
_HOME = "\033[2J\033[H"  # an empty screen, as a terminal understands it
_NONE = "--"
LAYOUT = Layout(
    columns=(
        ("ID", "CONTAINER ID"),
        ("Name", "NAME"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("PIDs", "PIDS"),
    ),
    more=(("Container", "CONTAINER"),),
)


def _top(call: Call) -> int:
    with open_engine(call) as engine:
        found = engine.top(call.args[0], call.args[1:])
    print(table([found.titles, *found.rows], least=_WIDTH))
    return 0


def _stats(call: Call) -> int:
    asked, once = call.text("format"), call.flag("no-stream")
    with open_engine(call) as engine:
        views = [engine.inspect(name) for name in call.args]  # a name that is wrong fails at once
        before = _look(engine, views or _listed(engine, call))
        while True:
            time.sleep(_SECOND)
            views = [_again(engine, one) for one in views] if call.args else _listed(engine, call)
            now = _look(engine, views)
            rows = [
                row(view, before.get(view.id), now[view.id], whole=call.flag("no-trunc"))
                for view in views
            ]
            if not once and sys.stdout.isatty():
                print(_HOME, end="")
            for line in lines(LAYOUT, rows, asked):
                print(line)
            sys.stdout.flush()
            if once:
                return 0
            before = now


def _listed(engine: "Engine", call: Call) -> "list[View]":
    return engine.list(all=call.flag("all"))


def _again(engine: "Engine", view: "View") -> "View":
    """The same container now; what was removed meanwhile is shown as it was."""
    try:
        return engine.inspect(view.id)
    except NotFoundError:
        return view


def _look(engine: "Engine", views: "list[View]") -> "Samples":
    found: dict[str, Sample | None] = {}
    for view in views:
        try:
            found[view.id] = engine.sample(view.id)
        except (ConflictError, NotFoundError):  # it does not run
            found[view.id] = None
    return found


def row(
    view: "View", before: "Sample | None", now: "Sample | None", *, whole: bool
) -> dict[str, object]:
    """The fields of one container."""
    named = {
        "Container": view.id if whole else view.id[:12],
        "ID": view.id if whole else view.id[:12],
        "Name": view.name,
    }
    if now is None:
        pair = f"{_NONE} / {_NONE}"
        return {
            **named,
            "CPUPerc": _NONE,
            "MemUsage": pair,
            "MemPerc": _NONE,
            "NetIO": pair,
            "BlockIO": pair,
            "PIDs": _NONE,
        }
    received = sum(one.rx_bytes for one in now.traffic)
    sent = sum(one.tx_bytes for one in now.traffic)
    stats, limit = now.stats, now.memory_limit
    return {
        **named,
        "CPUPerc": f"{cpu_percent(before, now) if before else 0.0:.2f}%",
        "MemUsage": f"{binary_size(now.memory)} / {binary_size(limit)}",
        "MemPerc": f"{now.memory / limit * 100 if limit else 0.0:.2f}%",
        "NetIO": f"{human_size(received)} / {human_size(sent)}",
        "BlockIO": f"{human_size(stats.io_read_bytes or 0)} / "
        f"{human_size(stats.io_write_bytes or 0)}",
        "PIDs": str(stats.pids or 0),
    }


TOP = Verb(
    name="top",
    usage="CONTAINER [OPTION OF ps]...",
    summary="Show the processes of a container.",
    flags=(),
    act=_top,
    greedy=True,
)
STATS = Verb(
    name="stats",
    usage="[FLAGS] [CONTAINER]...",
    summary="Show what containers use, anew each second.",
    flags=(
        Flag(names=("-a", "--all"), help="Those that do not run as well"),
        FORMAT,
        Flag(names=("--no-stream",), help="Show it once"),
        Flag(names=("--no-trunc",), help="Print ids in full"),
    ),
    act=_stats,
    least=0,
)
