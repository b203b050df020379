"""``ps`` and ``logs``."""

import sys

from toolkit.cli.containers.listed import LAYOUT, SIZED, row, size_of
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT, number
from toolkit.cli.templates.listing import TABLE, lines
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError
from toolkit.engine.filters import CONTAINER_KEYS, parse_filters
from toolkit.engine.logs import Span


def _ps(call: Call) -> int:
    filters = parse_filters(call.many("filter"), CONTAINER_KEYS)
    last = number(call, "last", default=-1, least=-1)
    with open_engine(call) as engine:
        views = engine.list(
            all=call.flag("all"), filters=filters, last=1 if call.flag("latest") else last
        )
    whole, asked = call.flag("no-trunc"), call.text("format")
    if call.flag("quiet") and not asked:
        for view in views:
            print(view.id if whole else view.id[:12])
        return 0
    sized = call.flag("size") or ".Size" in asked
    sizes = {view.id: size_of(view, engine.settings) for view in views} if sized else {}
    usual = asked in ("", TABLE)
    rows = [row(view, whole=whole, size=sizes.get(view.id, ""), usual=usual) for view in views]
    for line in lines(SIZED if call.flag("size") else LAYOUT, rows, asked):
        print(line)
    return 0


def _logs(call: Call) -> int:
    span = Span(
        tail=_tail(call.text("tail", "all")),
        since=_moment(call, "since"),
        until=_moment(call, "until"),
    )
    with open_engine(call) as engine:
        for line in engine.logs(call.args[0], span, follow=call.flag("follow")):
            stream = sys.stderr if line.stream == "stderr" else sys.stdout
            prefix = f"{line.time} " if call.flag("timestamps") else ""
            stream.buffer.write((prefix + line.text).encode(errors="surrogateescape"))
            stream.buffer.flush()
    return 0


def _moment(call: Call, key: str) -> str:
    text = call.text(key)
    if not text:
        return ""
    from toolkit.engine.times import parse_moment, stamp_of  # noqa: PLC0415 - seldom asked

    return stamp_of(parse_moment(text, what=key))


def _tail(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit():
        raise InvalidInputError(f"tail: '{text}' is neither a number nor 'all'")
    return int(text)


PS = Verb(
    name="ps",
    usage="[FLAGS]",
    summary="List containers that run.",
    flags=(
        Flag(names=("-a", "--all"), help="List those that do not run as well"),
        Flag(names=("-q", "--quiet"), help="Print ids only"),
        Flag(names=("--no-trunc",), help="Print ids and commands in full"),
        Flag(
            names=("-f", "--filter"),
            metavar="KEY=VALUE",
            many=True,
            help="Keep only those; as in status=exited, name=web, label=a=b",
        ),
        FORMAT,
        Flag(names=("-n", "--last"), metavar="NUMBER", help="List that many of the newest"),
        Flag(names=("-l", "--latest"), help="List the newest"),
        Flag(names=("-s", "--size"), help="Show how much each wrote"),
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
        Flag(names=("--since",), metavar="TIME", help="Begin there: a time, or 10m for ago"),
        Flag(names=("--until",), metavar="TIME", help="End there"),
    ),
    act=_logs,
    most=1,
)
