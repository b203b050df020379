"""``images``, ``history`` and ``image inspect``."""

from toolkit.cli.containers.options import FORMAT, FORMAT_SHORT
from toolkit.cli.containers.tables import human_size, shortened
from toolkit.cli.images.opening import library_of
from toolkit.cli.templates.listing import Layout, documents, lines
from toolkit.cli.verb import Call, Flag, Verb, complain
from toolkit.core.errors import ToolkitError
from toolkit.engine.filters import parse_filters
from toolkit.engine.stamps import local_stamp
from toolkit.engine.words import since
from toolkit.images.describing import (
    FILTER_KEYS,
    document,
    history,
    seconds,
    select,
    short_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from toolkit.images.stored import StoredImage

_NONE = "<none>"
_CREATED_BY = 45  # characters shown
_MORE = (
    ("Digest", "DIGEST"),
    ("CreatedAt", "CREATED AT"),
    ("Containers", "CONTAINERS"),
    ("SharedSize", "SHARED SIZE"),
    ("UniqueSize", "UNIQUE SIZE"),
    ("VirtualSize", "SIZE"),
)
_REPOSITORY = (("Repository", "REPOSITORY"), ("Tag", "TAG"))
_REST = (("ID", "IMAGE ID"), ("CreatedSince", "CREATED"), ("Size", "SIZE"))
_RAW = (
    "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n"
    "virtual_size: {{.Size}}\n"
)
LAYOUT = Layout(columns=(*_REPOSITORY, *_REST), more=_MORE, raw=_RAW)
DIGESTS = Layout(columns=(*_REPOSITORY, ("Digest", "DIGEST"), *_REST), more=_MORE, raw=_RAW)
STEPS = Layout(
    columns=(
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ),
    more=(("CreatedAt", "CREATED AT"),),
)


def _images(call: Call) -> int:
    library = library_of(call)
    filters = parse_filters(call.many("filter"), FILTER_KEYS)
    for text in call.args:
        filters.setdefault("reference", []).append(text)
    found = select(library, library.all(), filters)
    whole, asked = call.flag("no-trunc"), call.text("format")
    if call.flag("quiet") and not asked:
        for image in dict.fromkeys(_id(image, whole=whole) for image in found):
            print(image)
        return 0
    digests = call.flag("digests")
    rows = [row for image in found for row in _rows(image, whole=whole, digests=digests)]
    for line in lines(DIGESTS if digests else LAYOUT, rows, asked):
        print(line)
    return 0


def _rows(image: "StoredImage", *, whole: bool, digests: bool) -> "Iterator[dict[str, object]]":
    """A line for each name of an image, or one for an image without any."""
    known: dict[str, list[str]] = {}
    for text in image.digests:
        name, _, digest = text.partition("@")
        known.setdefault(name, []).append(digest)
    named = set()
    for name in image.names:
        repository, _, tag = name.rpartition(":")
        named.add(repository)
        for digest in known.get(repository, [_NONE])[: None if digests else 1]:
            yield _row(image, (_familiar(repository), tag, digest), whole=whole)
    for repository, found in known.items():
        if repository not in named:
            for digest in found[: None if digests else 1]:
                yield _row(image, (_familiar(repository), _NONE, digest), whole=whole)
    if not named and not known:
        yield _row(image, (_NONE, _NONE, _NONE), whole=whole)


def _row(image: "StoredImage", called: tuple[str, str, str], *, whole: bool) -> dict[str, object]:
    repository, tag, digest = called
    created = seconds(image.created)
    return {
        "ID": _id(image, whole=whole),
        "Repository": repository,
        "Tag": tag,
        "Digest": digest,
        "CreatedSince": f"{since(created)} ago" if created else "N/A",
        "CreatedAt": local_stamp(created) if created else "N/A",
        "Size": human_size(image.size),
        "VirtualSize": human_size(image.size),
        "Containers": "N/A",
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
    }


def _id(image: "StoredImage", *, whole: bool) -> str:
    return str(image.id) if whole else image.id.hex[:12]


def _familiar(repository: str) -> str:
    return short_name(f"{repository}:x").removesuffix(":x")


def _history(call: Call) -> int:
    library = library_of(call)
    whole, asked = call.flag("no-trunc"), call.text("format")
    human = call.values.get("human", True) is True
    steps = history(library, library.find(call.args[0]))
    if call.flag("quiet") and not asked:
        for step in steps:
            print(_step_id(step, whole=whole))
        return 0
    rows = [_step(step, whole=whole, human=human) for step in steps]
    for line in lines(STEPS, rows, asked):
        print(line)
    return 0


def _step(step: "dict[str, Any]", *, whole: bool, human: bool) -> dict[str, object]:
    created = float(step["Created"])
    by = step["CreatedBy"].replace("\t", " ")
    stamp = local_stamp(created) if created else ""
    return {
        "ID": _step_id(step, whole=whole),
        "CreatedSince": (f"{since(created)} ago" if created else "N/A") if human else stamp,
        "CreatedAt": stamp,
        "CreatedBy": by if whole else shortened(by, _CREATED_BY),
        "Size": human_size(step["Size"]) if human else str(step["Size"]),
        "Comment": step["Comment"],
    }


def _step_id(step: "dict[str, Any]", *, whole: bool) -> str:
    found: str = step["Id"]
    return found if whole else found.removeprefix("sha256:")[:12]


def _inspect(call: Call) -> int:
    library = library_of(call)
    found, failed = [], 0
    for name in call.args:
        try:
            found.append(document(library, library.find(name)))
        except ToolkitError as error:
            failed = complain(error, status=1)
    for line in documents(found, call.text("format")):
        print(line)
    return failed


NO_TRUNC = Flag(names=("--no-trunc",), help="Print everything in full")
IMAGES = Verb(
    name="images",
    usage="[FLAGS] [NAME[:TAG]]",
    summary="List images.",
    flags=(
        Flag(names=("-a", "--all"), help="List all of them (none is hidden here)"),
        Flag(names=("--digests",), help="Show the digests that registries know them by"),
        Flag(
            names=("-f", "--filter"),
            metavar="KEY=VALUE",
            many=True,
            help="Keep only those; as in dangling=true, label=a=b, reference=app:*",
        ),
        FORMAT,
        NO_TRUNC,
        Flag(names=("-q", "--quiet"), help="Print ids only"),
    ),
    act=_images,
    least=0,
    most=1,
)
HISTORY = Verb(
    name="history",
    usage="[FLAGS] IMAGE",
    summary="Print the steps an image was made by.",
    flags=(
        FORMAT,
        Flag(names=("-H", "--human"), help="Print sizes and times for people (the default)"),
        NO_TRUNC,
        Flag(names=("-q", "--quiet"), help="Print ids only"),
    ),
    act=_history,
    most=1,
)
INSPECT = Verb(
    name="image inspect",
    usage="[FLAGS] IMAGE...",
    summary="Print all that is known of images, as JSON.",
    flags=(FORMAT_SHORT,),
    act=_inspect,
)
