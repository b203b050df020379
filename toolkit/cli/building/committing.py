"""``commit`` and ``diff``."""

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.engine.written import differences, written


def _commit(call: Call) -> int:
    from toolkit.building.committing import CommitRequest, commit  # noqa: PLC0415 - diff needs it not

    asked = CommitRequest(
        container=call.args[0],
        name=call.args[1] if len(call.args) > 1 else "",
        author=call.text("author"),
        message=call.text("message"),
        changes=tuple(call.many("change")),
        pause=call.values.get("pause") is not False,
    )
    with open_engine(call) as engine:
        print(commit(engine, asked))
    return 0


def _diff(call: Call) -> int:
    with open_engine(call) as engine:
        for kind, path in differences(written(engine, call.args[0])):
            print(kind, path)
    return 0


COMMIT = Verb(
    name="commit",
    usage="[FLAGS] CONTAINER [NAME[:TAG]]",
    summary="Make an image of a container and what it wrote.",
    flags=(
        Flag(names=("-a", "--author"), metavar="AUTHOR", help="Who made it"),
        Flag(
            names=("-c", "--change"),
            metavar="INSTRUCTION",
            many=True,
            help="A line as of a Dockerfile, such as 'CMD sh'",
        ),
        Flag(names=("-m", "--message"), metavar="TEXT", help="What it is for"),
        Flag(names=("-p", "--pause"), help="Pause the container meanwhile (true)"),
    ),
    act=_commit,
    most=2,
)
DIFF = Verb(
    name="diff",
    usage="CONTAINER",
    summary="List the files that a container added (A), changed (C) and deleted (D).",
    flags=(),
    act=_diff,
    most=1,
)
