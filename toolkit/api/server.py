"""Serves the API: sockets, versions, errors."""

import asyncio
import logging
import re
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call, answer, told
from toolkit.api.hijack import Hijacked
from toolkit.api.routing import Router
from toolkit.api.sockets import BACKLOG
from toolkit.api.table import ROUTES
from toolkit.api.version import API, AUTHOR, parse, shown
from toolkit.core.errors import ToolkitError
from toolkit.runtime.client import StartError

if TYPE_CHECKING:
    import ssl

    from toolkit.api.service import Service

    Sockets = list[tuple[socket.socket, ssl.SSLContext | None]]

_LOG = logging.getLogger(__name__)
_VERSION = re.compile(r"/v(\d+\.\d+)(/.*)")
_LINE = 1 << 20  # bytes of a path or header, as Docker has it: builds have long ones
_FAREWELL = 0.2  # seconds for answers that are on their way
_HEADERS = {
    "Api-Version": shown(API),
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": AUTHOR,
}


class Front:
    """From a request to an answer."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._router = Router(ROUTES)
        self._working: set[asyncio.Task[web.StreamResponse]] = set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Never raises what the client could be told."""
        try:
            response = await self._dispatch(request)
        except ToolkitError as error:
            response = refusal(error)
        except web.HTTPException as error:
            response = answer({"message": error.reason}, error.status)
        except ConnectionError:
            return Hijacked()
        except OSError as error:
            _LOG.exception("%s %s", request.method, request.path)
            response = answer({"message": f"{error.strerror}: {error.filename or ''}"}, 500)
        except Exception as error:  # noqa: BLE001 - the edge: a fault costs one answer, no server
            _LOG.exception("%s %s", request.method, request.path)
            response = answer({"message": f"internal error: {error!r}"}, 500)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path, version = request.rel_url.raw_path, API
        match = _VERSION.fullmatch(path)
        if match:
            version, path = parse(match[1]), match[2]
        route, args = self._router.find(request.method, path)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        call = Call(self._service, request, args, version)
        if route.ends:
            return await route.handler(call)
        task = asyncio.ensure_future(route.handler(call))
        self._working.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: "asyncio.Task[web.StreamResponse]") -> None:
        self._working.discard(task)
        if not task.cancelled():
            task.exception()  # told, or its client has left


def refusal(error: ToolkitError) -> web.Response:
    """An error as Docker's clients read it."""
    status = error.http_status
    if isinstance(error, StartError) and error.exit_status in (126, 127):
        status = 400
    return answer({"message": told(error)}, status)


class Server:
    """Sockets, and what answers on them."""

    def __init__(self, service: "Service") -> None:
        self._runner = web.ServerRunner(
            web.Server(
                Front(service),
                access_log=None,
                keepalive_timeout=120,
                max_line_size=_LINE,
                max_field_size=_LINE,
                handler_cancellation=True,
            ),
            shutdown_timeout=_FAREWELL,
        )

    async def start(self, sockets: "Sockets") -> None:
        """Serve on each; the second of a pair is a TLS context or None."""
        await self._runner.setup()
        for sock, tls in sockets:
            site = web.SockSite(self._runner, sock, ssl_context=tls, backlog=BACKLOG)
            await site.start()

    async def stop(self) -> None:
        """Close them; containers go on."""
        await self._runner.cleanup()


async def serve(
    make_service: "Callable[[], Service]",
    sockets: "Sockets",
    *,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT."""
    service = make_service()
    server = Server(service)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await server.start(sockets)
    ready()
    try:
        await stop.wait()
    finally:
        await server.stop()
        service.close()
