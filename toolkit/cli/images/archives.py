"""``save``, ``load`` and ``import``."""

import os
import sys

from toolkit.cli.archiving import check_output, write_archive
from toolkit.cli.images.opening import library_of
from toolkit.cli.images.pulling import PLATFORM, QUIET, platform_of
from toolkit.cli.images.telling import PROGRESS, telling
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.images.describing import short_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


def _save(call: Call) -> int:
    from toolkit.images.saving import save  # noqa: PLC0415 - load needs it not

    library, output = library_of(call), call.text("output")
    check_output(output)
    write_archive(output, lambda file: save(library, call.args, file))
    return 0


def _load(call: Call) -> int:
    from toolkit.images.loading import load  # noqa: PLC0415 - save needs it not

    library, path = library_of(call), call.text("input")
    source: str | IO[bytes] = path
    if not path:
        if sys.stdin.isatty():
            raise InvalidInputError(
                "there is no archive to load", hint="say -i FILE, or lead one into stdin"
            )
        source = sys.stdin.buffer
    elif not os.path.exists(path):
        raise MissingInputError(f"no file '{path}'")
    platform = platform_of(call.text("platform"))
    with telling(call, quiet=call.flag("quiet")) as report:
        found = load(library, source, platform=platform, report=report)
    for image in found:
        for name in image.names:
            print(f"Loaded image: {short_name(name)}")
        if not image.names:
            print(f"Loaded image ID: {image.id}")
    return 0


def _import(call: Call) -> int:
    from toolkit.building.changing import changed  # noqa: PLC0415 - load and save need it not
    from toolkit.images.importing import fetched, import_tar  # noqa: PLC0415 - as above

    library, (where, *names) = library_of(call), call.args
    options = {
        "name": names[0] if names else "",
        "config": changed(call.many("change")),
        "message": call.text("message"),
        "platform": platform_of(call.text("platform")),
    }
    if where == "-":
        image = import_tar(library, sys.stdin.buffer, **options)  # type: ignore[arg-type] # as named
    elif where.startswith(("http://", "https://")):
        with fetched(where) as source:
            image = import_tar(library, source, **options)  # type: ignore[arg-type] # as named
    else:
        if not os.path.exists(where):
            raise MissingInputError(f"no file '{where}'")
        with open(where, "rb") as file:
            image = import_tar(library, file, **options)  # type: ignore[arg-type] # as named
    print(image.id)
    return 0


SAVE = Verb(
    name="save",
    usage="[FLAGS] IMAGE...",
    summary="Write images to an archive that Docker, podman and skopeo read.",
    flags=(Flag(names=("-o", "--output"), metavar="FILE", help="Where to (stdout)"),),
    act=_save,
)
LOAD = Verb(
    name="load",
    usage="[FLAGS]",
    summary="Take images from an archive of Docker, podman or skopeo.",
    flags=(
        Flag(names=("-i", "--input"), metavar="FILE", help="Where from (stdin)"),
        PLATFORM,
        QUIET,
        PROGRESS,
    ),
    act=_load,
    least=0,
    most=0,
)
IMPORT = Verb(
    name="import",
    usage="[FLAGS] FILE|URL|- [NAME[:TAG]]",
    summary="Make an image of a root file system's tar, and print its id.",
    flags=(
        Flag(
            names=("-c", "--change"),
            metavar="INSTRUCTION",
            many=True,
            help="Say it of the image, as in 'CMD [\"/bin/sh\"]'",
        ),
        Flag(names=("-m", "--message"), metavar="TEXT", help="What history shows"),
        PLATFORM,
    ),
    act=_import,
    most=2,
)
