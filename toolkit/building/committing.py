"""``commit``: an image of what a container wrote, on top of the image that it was made from."""

from contextlib import ExitStack
from itertools import chain

from toolkit.building.changing import apply_changes
from toolkit.building.draft import Draft
from toolkit.building.stages import timestamp
from toolkit.core.errors import NotFoundError, UnsupportedError
from toolkit.core.record import record
from toolkit.engine.control import pause, unpause
from toolkit.engine.written import Written, written
from toolkit.images.layerwriter import LayerWriter
from toolkit.images.library import Library
from toolkit.images.stored import LayerBlob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.engine import Engine


@record
class CommitRequest:
    """What ``commit`` is asked; ``name`` may be empty, ``changes`` are instructions."""

    container: str
    name: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    pause: bool = True


def commit(engine: "Engine", asked: CommitRequest) -> str:
    """Make the image; its id ``sha256:…``. A running container is paused meanwhile."""
    library = Library(engine.settings.data_root)
    found = written(engine, asked.container)
    draft = _base(library, found)
    _take_over(draft, found)
    apply_changes(draft, asked.changes)
    with library.busy():
        layer = _paused_layer(engine, library, found, pauses=asked.pause)
        history: dict[str, Any] = {
            "created": timestamp(None),
            "created_by": " ".join(draft.config.get("Cmd") or ()),
        }
        said = {"author": asked.author, "comment": asked.message}
        history.update({key: value for key, value in said.items() if value})
        draft.document.update({"author": asked.author} if asked.author else {})
        if layer is None:
            history["empty_layer"] = True
        draft.done(history, layer)
        names = (asked.name,) if asked.name else ()
        stored = library.commit_image(draft.document, draft.layers, names)
    return str(stored.id)


def _paused_layer(
    engine: "Engine", library: Library, found: Written, *, pauses: bool
) -> LayerBlob | None:
    with ExitStack() as stack:
        if pauses and engine.inspect(found.id).status == "running":
            pause(engine, found.id)
            stack.callback(unpause, engine, found.id)
        return _layer(library, found)


def _layer(library: Library, found: Written) -> LayerBlob | None:
    """The container's own layer; None where it wrote nothing."""
    chunks = LayerWriter(found.upper, found.lowers, stubs=found.places).chunks()
    first = next(chunks, b"")
    return library.write_layer(chain((first,), chunks)) if first else None


def _base(library: Library, found: Written) -> Draft:
    """The image that the container stands on."""
    image = found.stored.image
    if image.binds:
        raise UnsupportedError(
            "a container of this machine's own /usr makes no image",
            hint="commit one that was made from an image of the store",
        )
    try:
        base = library.find(image.digest) if image.digest else None
    except NotFoundError:
        base = None
    if base is None:
        raise UnsupportedError(
            f"the image of the container, '{found.stored.config.image or 'a directory'}',"
            " is not in the store",
            hint="'dockyard load' or 'dockyard pull' puts one there",
        )
    return Draft.of(library.config(base), library.layer_blobs(base), found.lowers)


def _take_over(draft: Draft, found: Written) -> None:
    """What the container was asked to be is what the image asks of its own."""
    config = found.stored.config
    for text in config.env:
        name, equals, value = text.partition("=")
        if equals:
            draft.set_environment(name, value)
    if config.entrypoint is not None:
        draft.config["Entrypoint"] = list(config.entrypoint)
        draft.config["Cmd"] = list(config.command)
    elif config.command:
        draft.config["Cmd"] = list(config.command)
    for text in config.labels:
        name, _, value = text.partition("=")
        draft.set_label(name, value)
    for key, value in (
        ("WorkingDir", config.workdir),
        ("User", config.user),
        ("StopSignal", config.stop_signal),
    ):
        if value:
            draft.config[key] = value
