"""``inspect``: whatever has that name."""

from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT_SHORT
from toolkit.cli.templates.listing import documents
from toolkit.cli.verb import Call, Flag, Verb, complain
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.suggest import did_you_mean
from toolkit.engine.describing import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from toolkit.engine.engine import Engine

    Look = Callable[[Call, Engine, str], dict[str, Any]]


def _container(call: Call, engine: "Engine", name: str) -> "dict[str, Any]":
    view = engine.inspect(name)
    found = document(view, engine.settings)
    if call.flag("size"):
        from toolkit.engine.sizes import container_size  # noqa: PLC0415 - few ask for it

        found["SizeRw"], found["SizeRootFs"] = container_size(view, engine.settings)
    return found


def _image(call: Call, engine: "Engine", name: str) -> "dict[str, Any]":
    from toolkit.cli.images.opening import library_of  # noqa: PLC0415 - containers come first
    from toolkit.images import describing  # noqa: PLC0415 - as above

    del engine
    library = library_of(call)
    return describing.document(library, library.find(name))


def _volume(call: Call, engine: "Engine", name: str) -> "dict[str, Any]":
    from toolkit.engine import volumeshown  # noqa: PLC0415 - as above

    del call
    return volumeshown.document(engine.volumes.find(name))


def _network(call: Call, engine: "Engine", name: str) -> "dict[str, Any]":
    from toolkit.engine import netshown  # noqa: PLC0415 - as above

    del call
    return netshown.document(*engine.network_desk.inspect(name))


_KINDS: "dict[str, Look]" = {
    "container": _container,
    "image": _image,
    "volume": _volume,
    "network": _network,
}


def _inspect(call: Call) -> int:
    kind = call.text("type")
    if kind and kind not in _KINDS:
        raise InvalidInputError(
            f"type: '{kind}' is not known",
            hint=did_you_mean(kind, _KINDS) or f"known are {', '.join(_KINDS)}",
        )
    return _print(call, (kind,) if kind else tuple(_KINDS))


def _print(call: Call, kinds: "Sequence[str]") -> int:
    found, failed = [], 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                found.append(_any(call, engine, name, kinds))
            except ToolkitError as error:
                failed = complain(error, status=1)
    for line in documents(found, call.text("format")):
        print(line)
    return failed


def _any(call: Call, engine: "Engine", name: str, kinds: "Sequence[str]") -> "dict[str, Any]":
    """The first kind that knows the name; a container's own words where none does."""
    first: NotFoundError | None = None
    for kind in kinds:
        try:
            return _KINDS[kind](call, engine, name)
        except (NotFoundError, InvalidInputError) as error:  # what is no name for one may be
            if isinstance(error, InvalidInputError) and len(kinds) == 1:
                raise
            if first is None and isinstance(error, NotFoundError):
                first = error
    if first is not None and len(kinds) == 1:
        raise first
    raise NotFoundError(f"no such object: '{name}'", hint=first.hint if first else "")


_SIZE = Flag(names=("-s", "--size"), help="Tell how much a container wrote")
INSPECT = Verb(
    name="inspect",
    usage="[FLAGS] NAME...",
    summary="Print all that is known of containers, images, volumes or networks, as JSON.",
    flags=(
        FORMAT_SHORT,
        _SIZE,
        Flag(names=("--type",), metavar="KIND", help="container, image, volume or network"),
    ),
    act=_inspect,
)
CONTAINER_INSPECT = Verb(
    name="container inspect",
    usage="[FLAGS] CONTAINER...",
    summary="Print all that is known of containers, as JSON.",
    flags=(FORMAT_SHORT, _SIZE),
    act=lambda call: _print(call, ("container",)),
)
