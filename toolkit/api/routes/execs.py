"""``exec``: one more process in a running container."""

import asyncio
from contextlib import suppress
from typing import Any

from aiohttp import web

from toolkit.api import execs
from toolkit.api.attaching import Pipes, Streams
from toolkit.api.call import Call, answer, nothing, told
from toolkit.api.finding import inspect
from toolkit.api.hijack import Hijacked, early_data, take_over
from toolkit.api.routes.attach import pump, raw_type
from toolkit.api.routing import Route
from toolkit.api.streams import STDOUT, frame, parse_keys
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.record import replace
from toolkit.engine.model import ExecConfig


async def _create(call: Call) -> web.StreamResponse:
    body = await call.body()
    view = await inspect(call)
    if view.status != "running":
        raise ConflictError(f"Container {view.id} is not running")
    command = body.get("Cmd") or []
    if not isinstance(command, list) or not command:
        raise InvalidInputError("No exec command specified")
    one = execs.Exec(
        id=execs.new_id(),
        container=view.id,
        config=ExecConfig(
            command=tuple(str(word) for word in command),
            env=tuple(body.get("Env") or ()),
            workdir=body.get("WorkingDir") or "",
            user=body.get("User") or "",
            tty=bool(body.get("Tty")),
            interactive=bool(body.get("AttachStdin")),
            privileged=bool(body.get("Privileged")),
            rows=_size(body)[0],
            columns=_size(body)[1],
        ),
        body=body,
    )
    execs.prune(call.service.execs)
    call.service.execs[one.id] = one
    await _note(call, one, f"exec_create: {' '.join(one.config.command)}")
    return answer({"Id": one.id}, 201)


async def _note(call: Call, one: execs.Exec, action: str, **more: str) -> None:
    """Tell who listens for events; nothing of a container that is gone meanwhile."""
    with suppress(NotFoundError):
        await call.engine(lambda engine: engine.note(action, one.container, execID=one.id, **more))


def _size(body: dict[str, Any]) -> tuple[int, int]:
    size = body.get("ConsoleSize")
    if not isinstance(size, list) or len(size) != 2:
        return 0, 0
    return int(size[0]), int(size[1])


async def _start(call: Call) -> web.StreamResponse:
    body = await call.body()
    one = execs.find(call.service.execs, call.args["id"])
    if one.started:
        raise ConflictError(f"exec {one.id} has been started already")
    rows, columns = _size(body)
    if rows:
        one.config = replace(one.config, rows=rows, columns=columns)
    detach = bool(body.get("Detach"))
    one.started = True
    if detach:
        await _run(call, one, Pipes(_streams(one, detach=True)))
        return nothing(200)
    pipes = Pipes(_streams(one, detach=False))
    before = early_data(call.request)
    connection = take_over(call.request, content_type=raw_type(call, tty=one.config.tty))
    try:
        ended = await _run(call, one, pipes)
    except ToolkitError as error:  # it is too late for a status: the client reads a stream
        text = f"{told(error)}\r\n".encode()
        connection.send(text if one.config.tty else frame(STDOUT, text))
        await connection.finish()
        return Hijacked()
    await pump(pipes, connection, before, ended=ended)
    return Hijacked()


async def _run(call: Call, one: execs.Exec, pipes: Pipes) -> "asyncio.Future[int]":
    """Start the process; what comes true when it has ended."""
    try:
        running = await call.engine(
            lambda engine: engine.exec(one.container, one.config, pipes.stdio)
        )
    except BaseException as error:
        one.status = getattr(error, "exit_status", 126)
        pipes.drop()
        raise
    pipes.handed_over()
    one.session = running.session
    one.pid = running.session.started()  # known by now
    ended = execs.follow(one)
    telling = asyncio.ensure_future(_tell_end(call, one, ended))
    call.service.telling.add(telling)
    telling.add_done_callback(call.service.telling.discard)
    return ended


async def _tell_end(call: Call, one: execs.Exec, ended: "asyncio.Future[int]") -> None:
    status = await asyncio.shield(ended)
    await _note(call, one, "exec_die", exitCode=str(status))


def _streams(one: execs.Exec, *, detach: bool) -> Streams:
    if detach:
        return Streams(stdout=False, stderr=False)
    return Streams(
        stdin=bool(one.body.get("AttachStdin")),
        stdout=bool(one.body.get("AttachStdout")),
        stderr=bool(one.body.get("AttachStderr")),
        tty=one.config.tty,
        keys=parse_keys(one.body.get("DetachKeys") or ""),
    )


async def _inspect(call: Call) -> web.StreamResponse:
    return answer(execs.find(call.service.execs, call.args["id"]).document())


async def _resize(call: Call) -> web.StreamResponse:
    one = execs.find(call.service.execs, call.args["id"])
    if one.session is None:
        raise ConflictError(f"exec {one.id} is not running")
    one.session.resize(call.number("h"), call.number("w"))
    return nothing(200)


ROUTES = (
    Route("POST", "/containers/{id}/exec", _create),
    Route("POST", "/exec/{id}/start", _start),
    Route("POST", "/exec/{id}/resize", _resize),
    Route("GET", "/exec/{id}/json", _inspect),
)
