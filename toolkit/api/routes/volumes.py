"""Volumes."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer, nothing
from toolkit.api.reading import Reader
from toolkit.api.routing import Route
from toolkit.core.errors import NotFoundError
from toolkit.engine.volumes import Volume
from toolkit.engine.volumeshown import document as shown

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine


def document(volume: Volume, usage: dict[str, int] | None = None) -> dict[str, Any]:
    """A volume as Docker shows it."""
    found = shown(volume)
    return found if usage is None else {**found, "UsageData": usage}


async def _list(call: Call) -> web.StreamResponse:
    filters = call.filters()
    found = await call.engine(lambda engine: engine.volumes.select(filters))
    return answer({"Volumes": [document(one) for one in found], "Warnings": None})


async def _create(call: Call) -> web.StreamResponse:
    body = Reader(await call.body())
    made = await call.engine(
        lambda engine: engine.volumes.create(
            body.text("Name"),
            driver=body.text("Driver") or "local",
            labels=body.table("Labels"),
            options=body.table("DriverOpts"),
        )
    )
    return answer(document(made), 201)


async def _inspect(call: Call) -> web.StreamResponse:
    return answer(document(await call.engine(lambda engine: _find(engine, call.args["name"]))))


async def _remove(call: Call) -> web.StreamResponse:
    name, force = call.args["name"], call.flag("force")

    def remove(engine: "Engine") -> None:
        if not force:
            _find(engine, name)
        engine.volumes.remove(name, force=force)

    await call.engine(remove)
    return nothing()


def _find(engine: "Engine", name: str) -> Volume:
    try:
        return engine.volumes.find(name)
    except NotFoundError:
        raise NotFoundError(f"get {name}: no such volume") from None


async def _prune(call: Call) -> web.StreamResponse:
    filters = call.filters()
    if call.version < (1, 42):  # anonymous ones alone since then
        filters.setdefault("all", ["true"])
    gone, freed = await call.apart(lambda engine: engine.volumes.prune(filters))
    return answer({"VolumesDeleted": gone, "SpaceReclaimed": freed})


ROUTES = (
    Route("GET", "/volumes", _list),
    Route("POST", "/volumes/create", _create),
    Route("POST", "/volumes/prune", _prune),
    Route("GET", "/volumes/{name}", _inspect),
    Route("DELETE", "/volumes/{name}", _remove),
)
