"""``tag``, ``rmi`` and ``image prune``."""

import sys

from toolkit.cli.containers.asking import FORCE
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.tables import human_size
from toolkit.cli.images.opening import library_of
from toolkit.cli.verb import Call, Flag, Verb, complain
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.engine.filters import parse_filters
from toolkit.images.describing import short_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def _tag(call: Call) -> int:
    library_of(call).tag(call.args[0], call.args[1])
    return 0


def _rmi(call: Call) -> int:
    library = library_of(call)
    failed = 0
    with open_engine(call) as engine:
        running = {view.id for view in engine.list() if view.pid}
    for name in call.args:
        try:
            removed = library.remove(name, force=call.flag("force"), running=running)
        except NotFoundError as error:
            status = complain(error, status=1)
            failed = failed if call.flag("force") else status
        except ToolkitError as error:
            failed = complain(error, status=1)
        else:
            tell_removed(removed.untagged, removed.deleted)
    return failed


def tell_removed(untagged: "Iterable[str]", deleted: "Iterable[str]") -> None:
    """Print what went, in Docker's words."""
    for name in untagged:
        print(f"Untagged: {short_name(name)}")
    for image in deleted:
        print(f"Deleted: {image}")


def _prune(call: Call) -> int:
    from toolkit.images.pruning import PRUNE_KEYS, prune  # noqa: PLC0415 - of these only this one

    filters = parse_filters(call.many("filter"), PRUNE_KEYS)
    library = library_of(call)
    if not call.flag("force") and not _agreed(everything=call.flag("all")):
        return 0
    with open_engine(call):  # what killed commands left no longer counts as a user
        pass
    done = prune(library, everything=call.flag("all"), filters=filters)
    if done.untagged or done.deleted:
        print("Deleted Images:")
        tell_removed(done.untagged, done.deleted)
        print()
    print(f"Total reclaimed space: {human_size(done.bytes)}")
    return 0


def _agreed(*, everything: bool) -> bool:
    what = "all images that no container uses" if everything else "all images without a name"
    if not sys.stdin.isatty():
        raise InvalidInputError(f"this removes {what}", hint="say --force if that is meant")
    answer = input(
        f"This removes {what}, and what is left of pulls that ended early. Go on? [y/N] "
    )
    return answer.strip().lower() in ("y", "yes")


TAG = Verb(
    name="tag",
    usage="IMAGE NAME[:TAG]",
    summary="Give an image one more name.",
    flags=(),
    act=_tag,
    least=2,
    most=2,
)
RMI = Verb(
    name="rmi",
    usage="[FLAGS] IMAGE...",
    summary="Remove images, or one of their names.",
    flags=(Flag(names=("-f", "--force"), help="Remove it though containers use it"),),
    act=_rmi,
)
PRUNE = Verb(
    name="image prune",
    usage="[FLAGS]",
    summary="Remove images without a name, and what is left of pulls that ended early.",
    flags=(
        Flag(names=("-a", "--all"), help="Remove all that no container uses"),
        Flag(
            names=("--filter",),
            metavar="KEY=VALUE",
            many=True,
            help="Only those: until=24h, label=NAME, label!=NAME",
        ),
        FORCE,
    ),
    act=_prune,
    least=0,
    most=0,
)
