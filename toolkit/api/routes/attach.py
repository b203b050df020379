"""``attach``: a container's streams over a hijacked connection."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from toolkit.api.attaching import Pipes, Streams
from toolkit.api.call import Call
from toolkit.api.finding import inspect
from toolkit.api.following import Reader, Selection
from toolkit.api.hijack import MULTIPLEXED, RAW, Hijacked, early_data, take_over
from toolkit.api.line import Line
from toolkit.api.routing import Route
from toolkit.api.stopping import join
from toolkit.api.streams import STDERR, STDOUT, parse_keys
from toolkit.api.websocket import Socket
from toolkit.core.errors import InvalidInputError
from toolkit.engine.model import View

_MESSAGE = 1 << 20  # bytes of one WebSocket message


async def _attach(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    return await attach(call, view, _take(call, view))


def _take(call: Call, view: View) -> "Callable[[], Line]":
    content_type = raw_type(call, tty=view.config.tty)
    return lambda: take_over(call.request, content_type=content_type)


async def _web_socket(call: Call) -> web.StreamResponse:
    view = await inspect(call)
    socket = web.WebSocketResponse(max_msg_size=_MESSAGE)
    if not socket.can_prepare(call.request).ok:
        raise InvalidInputError("this endpoint is for WebSockets: the request asks for no upgrade")
    await socket.prepare(call.request)
    line = Socket(socket)
    await attach(call, view, lambda: line, framed=False)
    return socket


async def attach(
    call: Call, view: View, take: "Callable[[], Line]", *, framed: bool = True
) -> web.StreamResponse:
    """Serve one who attaches; ``take`` makes the connection a raw one."""
    pipes = Pipes(_streams(call, view, framed=framed))
    waiting = call.service.waiting.setdefault(view.id, [])
    try:
        if view.status in ("running", "paused"):
            await join(call.service, view.id, pipes)
        else:
            waiting.append(pipes)
        before = early_data(call.request)
        connection = take()
        if call.flag("logs"):
            await _replay(call, view, connection, framed=framed and not view.config.tty)
        if call.flag("stream"):
            await pump(pipes, connection, before)
        else:
            await connection.finish()
    finally:
        if pipes in waiting:  # it was never started
            waiting.remove(pipes)
        pipes.drop()
        if not waiting:
            call.service.waiting.pop(view.id, None)
    return Hijacked()


async def _replay(call: Call, view: View, connection: Line, *, framed: bool) -> None:
    """What it has said so far."""
    numbers = {"stdout": STDOUT, "stderr": STDERR}
    reader = Reader(
        view.log,
        Selection(streams={k: v if framed else None for k, v in numbers.items()}),
    )
    try:
        while (piece := await call.service.pool.aside(reader.piece)) is not None:
            connection.send(piece)
            await connection.room()
    finally:
        reader.close()


async def pump(
    pipes: Pipes,
    connection: Line,
    before: bytes,
    *,
    ended: "asyncio.Future[int] | None" = None,
) -> None:
    """Move bytes to the end, then close; not before ``ended``, which a client asks for next."""
    try:
        said_all = await pipes.pump(connection, before=before)
        if said_all and ended is not None:
            over: list[asyncio.Future[Any]] = [ended, connection.gone]
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await connection.finish()


def raw_type(call: Call, *, tty: bool) -> str:
    """What the client is told of the stream; since 1.42 frames have a name of their own."""
    return RAW if tty or call.version < (1, 42) else MULTIPLEXED


def _streams(call: Call, view: View, *, framed: bool) -> Streams:
    config = view.config
    return Streams(
        stdin=call.flag("stdin") and config.interactive,
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        tty=config.tty,
        keys=parse_keys(call.text("detachKeys")),
        framed=framed,
    )


ROUTES = (
    Route("POST", "/containers/{id}/attach", _attach),
    Route("GET", "/containers/{id}/attach/ws", _web_socket),
)
