"""What containers do and use: ``top``, ``stats``, ``changes``."""

import asyncio

from aiohttp import web

from toolkit.api.call import Call, answer, line
from toolkit.api.finding import inspect
from toolkit.api.routing import Route
from toolkit.api.statistics import document, empty
from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.engine.model import View
from toolkit.engine.usage import Sample

_PAUSE = 1.0  # seconds between two looks, Docker's figure


async def _top(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if view.status not in ("running", "paused"):
        raise ConflictError(f"container {view.id} is not running")
    arguments = tuple(call.text("ps_args").split())
    table = await call.apart(lambda engine: engine.top(view.id, arguments))
    return answer({"Titles": table.titles, "Processes": table.rows})


async def _stats(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if call.flag("stream", default=True):
        return await _stream(call, view)
    before = None
    sample = await _look(call, view.id)
    if sample is not None and not call.flag("one-shot"):
        await asyncio.sleep(_PAUSE)
        before, sample = sample, await _look(call, view.id) or sample
    return answer(document(sample, before) if sample else empty(view))


async def _stream(call: Call, view: View) -> web.StreamResponse:
    """One document a second, until the client leaves or the container is removed."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    before: Sample | None = None
    while True:
        try:
            now = await _look(call, view.id)
        except NotFoundError:
            break
        await response.write(line(document(now, before) if now else empty(view)))
        before = now
        await asyncio.sleep(_PAUSE)
    await response.write_eof()
    return response


async def _look(call: Call, container: str) -> Sample | None:
    """What it uses; None where it does not run."""
    try:
        return await call.engine(lambda engine: engine.sample(container))
    except ConflictError:
        return None


ROUTES = (
    Route("GET", "/containers/{id}/top", _top),
    Route("GET", "/containers/{id}/stats", _stats, ends=True),
)
