"""Containers: make, start, end, look at, wait for, remove."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer, nothing
from toolkit.api.creating import container_config
from toolkit.api.documents import summary
from toolkit.api.finding import inspect, missing
from toolkit.api.routes.registry import platform_of
from toolkit.api.routing import Route
from toolkit.api.stopping import start, stop
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from toolkit.engine.describing import document
from toolkit.engine.filters import CONTAINER_KEYS, check_filters
from toolkit.engine.signals import parse_signal
from toolkit.engine.sizes import container_size
from toolkit.oci.image import this_platform

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.model import View

_RUNS = ("running", "paused")
_LASTS = (*_RUNS, "restarting")  # as Docker counts, one that is about to run again runs
_WAITS = ("not-running", "next-exit", "removed")


async def _list(call: Call) -> web.StreamResponse:
    filters = call.filters()
    check_filters(filters, CONTAINER_KEYS)
    limit = call.number("limit")
    sized = call.flag("size")

    def look(engine: "Engine") -> list[dict[str, Any]]:
        views = engine.list(all=call.flag("all"), filters=filters, last=limit if limit > 0 else -1)
        return [summary(view, engine.settings, sized=sized) for view in views]

    return answer(await call.engine(look))


async def _create(call: Call) -> web.StreamResponse:
    body = await call.body()
    _check_platform(call.text("platform"))
    network = call.service.settings.network
    config = container_config(body, name=call.text("name"), network=network)
    try:
        container = await call.engine(lambda engine: engine.create(config))
    except NotFoundError as error:
        # The docker command pulls and tries again where it reads these words.
        raise NotFoundError(f"No such image: {config.image}: {error.message}") from None
    return answer({"Id": container, "Warnings": []}, 201)


def _check_platform(text: str) -> None:
    asked = platform_of(text)
    if asked is not None and not this_platform().accepts(asked):
        raise UnsupportedError(f"this engine runs {this_platform()}, not {asked}")


async def _inspect(call: Call) -> web.StreamResponse:
    view, settings = await inspect(call), call.service.settings
    shown = await call.service.pool.aside(lambda: document(view, settings))
    if call.flag("size"):
        sizes = await call.service.pool.aside(lambda: container_size(view, settings))
        shown["SizeRw"], shown["SizeRootFs"] = sizes
    return answer(shown)


async def _start(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if view.status in _RUNS:
        return nothing(304)
    await start(call.service, view)
    return nothing()


async def _stop(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if view.status not in _LASTS:
        return nothing(304)
    await stop(call.service, view, patience=_patience(call), number=_signal(call))
    return nothing()


async def _restart(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if view.status in _LASTS:
        await stop(call.service, view, patience=_patience(call), number=_signal(call))
    await start(call.service, view)
    return nothing()


def _patience(call: Call) -> float | None:
    """None is the container's own; below zero waits for ever."""
    return float(call.number("t")) if call.text("t") else None


def _signal(call: Call) -> int | None:
    text = call.text("signal")
    return parse_signal(text) if text else None


async def _kill(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    number = _signal(call) or parse_signal("KILL")
    if view.status not in _LASTS:
        raise ConflictError(f"Container {view.id} is not running")
    await call.engine(lambda engine: engine.kill(view.id, number))
    return nothing()


async def _remove(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    force = call.flag("force")
    if call.flag("link"):
        raise InvalidInputError("links are not built: there is none to remove")
    if view.status in _RUNS and not force:
        raise ConflictError(
            f"cannot remove container '/{view.name}': container is running: stop the container"
            " before removing or force remove"
        )
    volumes = call.flag("v")
    await call.engine(lambda engine: engine.remove(view.id, force=force, volumes=volumes))
    call.service.tracker.removed(view.id)
    return nothing()


async def _wait(call: Call) -> web.StreamResponse:
    condition = call.text("condition") or "not-running"
    if condition not in _WAITS:
        raise InvalidInputError(f"invalid condition: '{condition}'")
    view = await inspect(call)
    future = await _awaited(call, view, condition)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(call.request)  # the client starts the container once it sees this
    await response.write(b"")
    status = await future
    await response.write(json.dumps({"StatusCode": status}).encode() + b"\n")
    await response.write_eof()
    return response


async def _awaited(call: Call, view: "View", condition: str) -> "asyncio.Future[int]":
    """What comes true when the condition holds."""
    tracker = call.service.tracker
    if condition == "removed":
        future = tracker.removal(view.id)
        await tracker.look(view.id)
        return future
    if condition == "not-running" and view.status not in _RUNS:
        return _now(view.exit_status)
    future = tracker.next_exit(view.id)
    if not await tracker.look(view.id) and view.status in _RUNS:
        future.cancel()  # it ended meanwhile
        try:
            view = await inspect(call)
        except NotFoundError:
            return _now(0)
        return _now(view.exit_status)
    return future


def _now(status: int) -> "asyncio.Future[int]":
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(status)
    return future


async def _resize(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    if not await call.service.tracker.look(view.id):
        raise ConflictError(f"Container {view.id} is not running")
    session = call.service.tracker.session(view.id)
    if session is None:
        raise missing(view.id)
    session.resize(call.number("h"), call.number("w"))
    return nothing(200)


ROUTES = (
    Route("GET", "/containers/json", _list),
    Route("POST", "/containers/create", _create),
    Route("GET", "/containers/{id}/json", _inspect),
    Route("POST", "/containers/{id}/start", _start),
    Route("POST", "/containers/{id}/stop", _stop),
    Route("POST", "/containers/{id}/restart", _restart),
    Route("POST", "/containers/{id}/kill", _kill),
    Route("POST", "/containers/{id}/wait", _wait, ends=True),
    Route("POST", "/containers/{id}/resize", _resize),
    Route("DELETE", "/containers/{id}", _remove),
)
