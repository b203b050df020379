"""What containers wrote: how it differs from their images, and images made of it."""

from typing import TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.finding import named
from toolkit.api.routes.images import note
from toolkit.api.routing import Route
from toolkit.building.committing import CommitRequest, commit
from toolkit.engine.written import differences, written

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine

_KINDS = {"C": 0, "A": 1, "D": 2}


async def _changes(call: Call) -> web.StreamResponse:
    view = await named(call, call.args["id"])
    found = await call.apart(lambda engine: differences(written(engine, view.id)))
    return answer([{"Path": path, "Kind": _KINDS[kind]} for kind, path in found] or None)


async def _commit(call: Call) -> web.StreamResponse:
    await call.body()  # a configuration that 'changes' says already
    view = await named(call, call.text("container"))
    repository, tag = call.text("repo"), call.text("tag")
    asked = CommitRequest(
        container=view.id,
        name=f"{repository}:{tag}" if repository and tag else repository,
        author=call.text("author"),
        message=call.text("comment"),
        changes=tuple(
            line for text in call.query.getall("changes", []) for line in text.splitlines() if line
        ),
        pause=call.flag("pause", default=True),
    )

    def work(engine: "Engine") -> str:
        image = commit(engine, asked)
        engine.note("commit", view.id, comment=asked.message, imageID=image, imageRef=asked.name)
        if asked.name:
            note(call, "tag", image, asked.name)
        return image

    return answer({"Id": await call.apart(work)}, 201)


ROUTES = (
    Route("GET", "/containers/{id}/changes", _changes),
    Route("POST", "/commit", _commit),
)
