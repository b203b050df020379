"""``cp`` and ``export``."""

import os
import sys

from toolkit.cli.archiving import check_output, write_archive
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.tables import human_size
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.copying import Files
    from toolkit.engine.engine import Engine

_STREAM = "-"


def _copy(call: Call) -> int:
    (here, path), (there, into) = (_side(text) for text in call.args)
    if here and there:
        raise InvalidInputError("copying between containers is not supported")
    if not here and not there:
        raise InvalidInputError("must specify at least one container source")
    with open_engine(call) as engine:
        if path == _STREAM and not here:
            return _unpack(engine, there, into)
        if into == _STREAM and not there:
            return _pack(engine, here, path, follow=call.flag("follow-link"))
        count = _between(engine, call, (here, path), (there, into))
    if not call.flag("quiet") and sys.stdout.isatty():
        print(f"Successfully copied {human_size(count)} to {call.args[1]}", file=sys.stderr)
    return 0


def _side(text: str) -> tuple[str, str]:
    """``CONTAINER:PATH`` as its parts; a path of this machine has no container."""
    container, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return "", text
    if not container or not path:
        raise InvalidInputError(f"'{text}' is not CONTAINER:PATH")
    return container, path


def _between(engine: "Engine", call: Call, source: tuple[str, str], target: tuple[str, str]) -> int:
    from toolkit.engine.copying import How, copy  # noqa: PLC0415 - export needs it not

    owner = (0, 0) if target[0] else (os.geteuid(), os.getegid())
    how = How(follow=call.flag("follow-link"), owner=None if call.flag("archive") else owner)
    with _open(engine, source[0]) as here, _open(engine, target[0]) as there:
        return copy(here, _path(*source), there, _path(*target), how=how)


def _open(engine: "Engine", container: str) -> "Files":
    from toolkit.engine.copying import files_of, host_files  # noqa: PLC0415 - as above

    return files_of(engine, container) if container else host_files()


def _path(container: str, path: str) -> str:
    """Paths of this machine begin where the caller stands."""
    return path if container else os.path.join(os.getcwd(), path)


def _unpack(engine: "Engine", container: str, into: str) -> int:
    from toolkit.engine.copying import files_of, place  # noqa: PLC0415 - as above
    from toolkit.images.tar import PipeSource  # noqa: PLC0415 - as above

    with files_of(engine, container) as files:
        place(PipeSource(sys.stdin.fileno()), files.spot(into, follow=True), owner=None)
    return 0


def _pack(engine: "Engine", container: str, path: str, *, follow: bool) -> int:
    from toolkit.engine.copying import files_of, pack  # noqa: PLC0415 - as above

    check_output()
    with files_of(engine, container) as files:
        found = files.find(path, follow=follow)
        if found is None:
            raise NotFoundError(f"there is no '{path}' in container '{container}'")
        name = "." if os.path.basename(path) == "." else found.name
        pieces = pack(files.spot(path, follow=follow), os.fsencode(name))
        write_archive("", lambda file: file.writelines(pieces))
    return 0


def _export(call: Call) -> int:
    from toolkit.engine.copying import export  # noqa: PLC0415 - cp needs it not

    output = call.text("output")
    check_output(output)
    with open_engine(call) as engine:
        pieces = export(engine, call.args[0])
        write_archive(output, lambda file: file.writelines(pieces))
    return 0


CP = Verb(
    name="cp",
    usage="[FLAGS] CONTAINER:PATH|PATH|- CONTAINER:PATH|PATH|-",
    summary="Copy files between a container and this machine; - is a tar.",
    flags=(
        Flag(names=("-a", "--archive"), help="Keep owners"),
        Flag(names=("-L", "--follow-link"), help="Copy what a symbolic link leads to"),
        Flag(names=("-q", "--quiet"), help="Do not tell how much was copied"),
    ),
    act=_copy,
    least=2,
    most=2,
)
EXPORT = Verb(
    name="export",
    usage="[FLAGS] CONTAINER",
    summary="Write all files of a container as a tar.",
    flags=(Flag(names=("-o", "--output"), metavar="FILE", help="Write there, not to stdout"),),
    act=_export,
    most=1,
)
