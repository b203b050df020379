"""Images: list, look at, name, remove, take in and hand out."""

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer, nothing
from toolkit.api.progress import Lines, Tell, step
from toolkit.api.routing import Route
from toolkit.api.transfer import deliver, incoming
from toolkit.core.errors import NotFoundError, UnsupportedError
from toolkit.images.describing import (
    document,
    history,
    labels_of,
    seconds,
    select,
    short_name,
)
from toolkit.images.loading import load
from toolkit.images.pruning import prune
from toolkit.images.saving import save
from toolkit.images.stored import StoredImage

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine


async def _list(call: Call) -> web.StreamResponse:
    filters, library = call.filters(), call.service.library
    used = call.flag("shared-size")

    def look() -> list[dict[str, Any]]:
        found = select(library, library.all(), filters)
        return [summary(call, one, counted=used) for one in found]

    return answer(await call.service.pool.aside(look))


def summary(call: Call, image: StoredImage, *, counted: bool = False) -> dict[str, Any]:
    """One line of ``docker images``."""
    library = call.service.library
    found: dict[str, Any] = {
        "Id": str(image.id),
        "ParentId": "",
        "RepoTags": [short_name(name) for name in image.names],
        "RepoDigests": [short_name(name) for name in image.digests],
        "Created": int(seconds(image.created)),
        "Size": image.size,
        "SharedSize": 0 if counted else -1,
        "Labels": labels_of(library, image) or None,
        "Containers": len(library.users(image)) if counted else -1,
    }
    return found if call.version >= (1, 44) else {**found, "VirtualSize": image.size}


async def _inspect(call: Call) -> web.StreamResponse:
    for key in ("platform", "manifests"):
        if call.flag(key):
            raise UnsupportedError(f"'{key}' of an image's inspection is not built")
    library, name = call.service.library, call.args["name"]
    return answer(await call.service.pool.aside(lambda: document(library, find(call, name))))


def find(call: Call, name: str) -> StoredImage:
    """An image, with Docker's words where there is none."""
    try:
        return call.service.library.find(name)
    except NotFoundError as error:
        raise missing(name, error) from None


def missing(name: str, error: NotFoundError) -> NotFoundError:
    """There is no such image."""
    return NotFoundError(
        f"No such image: {name}", hint=error.hint if "did you" in error.hint else ""
    )


async def _history(call: Call) -> web.StreamResponse:
    library, name = call.service.library, call.args["name"]
    return answer(await call.service.pool.aside(lambda: history(library, find(call, name))))


async def _tag(call: Call) -> web.StreamResponse:
    library, name = call.service.library, call.args["name"]
    repository, tag = call.text("repo"), call.text("tag")
    target = f"{repository}:{tag}" if tag else repository

    def work() -> None:
        image = find(call, name)
        library.tag(str(image.id), target)
        note(call, "tag", str(image.id), short_name(target))

    await call.service.pool.aside(work)
    return nothing(201)


def note(call: Call, action: str, image: str, name: str = "") -> None:
    """Tell who listens for events."""
    call.service.events.emit("image", action, image, {"name": name or image})


async def _remove(call: Call) -> web.StreamResponse:
    name, force = call.args["name"], call.flag("force")

    def work(engine: "Engine") -> list[dict[str, str]]:
        find(call, name)
        running = {view.id for view in engine.list()}
        done = call.service.library.remove(name, force=force, running=running)
        for text in done.untagged:
            note(call, "untag", text)
        for text in done.deleted:
            note(call, "delete", text)
        return [
            *({"Untagged": short_name(text)} for text in done.untagged),
            *({"Deleted": text} for text in done.deleted),
        ]

    return answer(await call.apart(work))


async def _prune(call: Call) -> web.StreamResponse:
    filters = call.filters()

    def work(_: "Engine") -> dict[str, Any]:  # an engine that opens forgets what killed ones left
        done = prune(call.service.library, filters=filters)
        gone = [
            *({"Untagged": short_name(text)} for text in done.untagged),
            *({"Deleted": text} for text in done.deleted),
        ]
        return {"ImagesDeleted": gone or None, "SpaceReclaimed": done.bytes}

    return answer(await call.apart(work))


async def _load(call: Call) -> web.StreamResponse:
    lines, quiet = Lines(), call.flag("quiet")
    async with incoming(call) as opened:

        def work(tell: Tell) -> None:
            with opened() as file:
                found = load(
                    call.service.library,
                    file,
                    report=lambda what: None if quiet else tell(step(what)),
                )
            for image in {str(one.id): one for one in found}.values():
                note(call, "load", str(image.id))
                for name in image.names:
                    tell({"stream": f"Loaded image: {short_name(name)}\n"})
                if not image.names:
                    tell({"stream": f"Loaded image ID: {image.id}\n"})

        return await lines.serve(call, work)


async def _get_one(call: Call) -> web.StreamResponse:
    return await _get(call, [call.args["name"]])


async def _get_many(call: Call) -> web.StreamResponse:
    names = [part for text in call.query.getall("names", []) for part in _names(text)]
    return await _get(call, names)


def _names(text: str) -> list[str]:
    """One name, or a JSON list of some, as an older client sends it."""
    return json.loads(text) if text.startswith("[") else text.split(",")


async def _get(call: Call, names: list[str]) -> web.StreamResponse:
    library = call.service.library
    return await deliver(call, lambda file: save(library, names, file))


async def _search(call: Call) -> web.StreamResponse:
    del call
    raise UnsupportedError(
        "searching a registry is not built: look for images on its web site, and pull by name"
    )


ROUTES = (
    Route("GET", "/images/json", _list),
    Route("GET", "/images/search", _search),
    Route("GET", "/images/get", _get_many, ends=True),
    Route("POST", "/images/load", _load, ends=True),
    Route("POST", "/images/prune", _prune),
    Route("GET", "/images/{name*}/json", _inspect),
    Route("GET", "/images/{name*}/history", _history),
    Route("GET", "/images/{name*}/get", _get_one, ends=True),
    Route("POST", "/images/{name*}/tag", _tag),
    Route("DELETE", "/images/{name*}", _remove),
)
