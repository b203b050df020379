"""``pull`` and ``push``, and the pull that ``run`` does for an image that is not there."""

from toolkit.cli.images.opening import access, library_of
from toolkit.cli.images.telling import PROGRESS, is_json, telling
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError
from toolkit.oci.image import Platform
from toolkit.oci.reference import parse_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.images.library import Library
    from toolkit.images.progress import Report

PLATFORM = Flag(
    names=("--platform",),
    metavar="OS/ARCHITECTURE[/VARIANT]",
    help="Which of an image's platforms (this machine's)",
)
QUIET = Flag(names=("-q", "--quiet"), help="Show no progress")
ALL_TAGS = Flag(names=("-a", "--all-tags"), help="Every tag of the repository")


def platform_of(text: str) -> Platform | None:
    """The platform that ``--platform`` names."""
    if not text:
        return None
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise InvalidInputError(
            f"platform: '{text}' is not of the form OS/ARCHITECTURE[/VARIANT]",
            hint="for example linux/arm64",
        )
    return Platform(os=parts[0], architecture=parts[1], variant="".join(parts[2:]))


def fetch(library: "Library", name: str, report: "Report", *, platform: str = "") -> str:
    """Pull one image; its whole name."""
    from toolkit.images.registry.pull import pull  # noqa: PLC0415 - only for a pull

    reference = parse_reference(name)
    pull(library, reference, access(), platform=platform_of(platform), report=report)
    return str(reference)


def _pull(call: Call) -> int:
    library, name = library_of(call), call.args[0]
    with telling(call, quiet=call.flag("quiet")) as report:
        names = _all_tags(name) if call.flag("all-tags") else [name]
        pulled = [fetch(library, one, report, platform=call.text("platform")) for one in names]
    if not is_json(call):
        for one in pulled:
            print(one)
    return 0


def _all_tags(name: str) -> list[str]:
    from toolkit.images.registry.client import repositories  # noqa: PLC0415 - only for this flag

    reference = parse_reference(name)
    if name.rpartition("/")[2].count(":") or reference.digest:
        raise InvalidInputError(f"'{name}': with --all-tags the name has no tag and no digest")
    server = repositories(access(), reference, "resolve")[0]
    return [f"{reference.name}:{tag}" for tag in server.tags()]


def _push(call: Call) -> int:
    from toolkit.images.registry.push import push  # noqa: PLC0415 - only for a push

    library, name = library_of(call), call.args[0]
    reference = parse_reference(name)
    if reference.digest:
        raise InvalidInputError(f"'{name}': what is pushed has a tag, not a digest")
    names = [f"{reference.name}:{reference.tag}"]
    if call.flag("all-tags"):
        if name.rpartition("/")[2].count(":"):
            raise InvalidInputError(f"'{name}': with --all-tags the name has no tag")
        start = f"{reference.name}:"
        names = [one for image in library.all() for one in image.names if one.startswith(start)]
        if not names:
            raise InvalidInputError(f"no image is called '{reference.familiar_name}'")
    with telling(call, quiet=call.flag("quiet")) as report:
        for one in names:
            push(library, parse_reference(one), access(), report=report)
    if call.flag("quiet"):
        for one in names:
            print(one)
    return 0


PULL = Verb(
    name="pull",
    usage="[FLAGS] NAME[:TAG|@DIGEST]",
    summary="Fetch an image from a registry, and print its whole name.",
    flags=(ALL_TAGS, PLATFORM, QUIET, PROGRESS),
    act=_pull,
    most=1,
)
PUSH = Verb(
    name="push",
    usage="[FLAGS] NAME[:TAG]",
    summary="Send an image to the registry in its name.",
    flags=(ALL_TAGS, QUIET, PROGRESS),
    act=_push,
    most=1,
)
