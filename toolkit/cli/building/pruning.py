"""``builder prune``."""

from toolkit.cli.containers.asking import FORCE, agreed
from toolkit.cli.containers.tables import human_size
from toolkit.cli.images.opening import library_of
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.engine.filters import parse_filters

_KEYS = ("until",)


def _prune(call: Call) -> int:
    from toolkit.building.pruning import prune_builds  # noqa: PLC0415 - whoever says no needs it not
    from toolkit.engine.times import parse_moment  # noqa: PLC0415 - as above

    filters = parse_filters(call.many("filter"), _KEYS)
    moments = [parse_moment(text, what="until") for text in filters.get("until", ())]
    everything = call.flag("all")
    what = "all build cache" if everything else "all dangling build cache"
    if not agreed(call, f"This will remove {what}."):
        return 1
    done = prune_builds(library_of(call), everything=everything, before=min(moments, default=None))
    if done.gone:
        print("Deleted build cache objects:")
        print(*done.gone, sep="\n", end="\n\n")
    print(f"Total reclaimed space: {human_size(done.bytes)}")
    return 0


PRUNE = Verb(
    name="builder prune",
    usage="[FLAGS]",
    summary="Forget what steps of builds made that no image has any more.",
    flags=(
        Flag(names=("-a", "--all"), help="Forget every step, and empty mounted caches"),
        Flag(
            names=("--filter",),
            metavar="KEY=VALUE",
            many=True,
            help="Only what was not used since: until=24h",
        ),
        FORCE,
    ),
    act=_prune,
    least=0,
    most=0,
)
