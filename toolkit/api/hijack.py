"""A connection that has left HTTP: raw bytes both ways, as ``attach`` and ``exec`` need it.

Docker's clients ask for ``Upgrade: tcp`` and get ``101``; older ones get ``200`` and the same raw
stream. The transport gets a protocol of its own, because aiohttp's would close the connection when
the client ends its half, and that is how stdin ends.
"""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from toolkit.api.line import HIGH, PATIENCE, Line
from toolkit.core.errors import UnavailableError

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"


class Connection(Line, asyncio.Protocol):
    """The client's raw connection, as a ``Line``."""

    def __init__(self, transport: asyncio.Transport, before: "RequestHandler") -> None:
        super().__init__()
        self.transport = transport
        self._before = before

    def data_received(self, data: bytes) -> None:
        """The client said something."""
        self.on_data(data)

    def eof_received(self) -> bool:
        """The client has said all; it may still listen."""
        self.on_end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._before.connection_lost(exc)
        self.lose()

    def pause_writing(self) -> None:
        """The client does not read."""
        self.full = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self.flow()

    def listen(self) -> None:
        """Hear the client from now on."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def hold(self) -> None:
        """Hear nothing for a while: the container does not take what was said."""
        self.transport.pause_reading()

    def go_on(self) -> None:
        """Hear the client again, if that was held."""
        if not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Hand bytes to the client; nothing where it is gone."""
        if not self.transport.is_closing():
            self.transport.write(data)

    async def finish(self) -> None:
        """Hand over what is left, then close; a client that takes nothing is cut off."""
        if self.gone.done():
            return
        self.transport.close()  # what is buffered is still written
        try:
            async with asyncio.timeout(PATIENCE):
                await self.gone
        except TimeoutError:
            self.transport.abort()


class Hijacked(web.StreamResponse):
    """What a handler returns whose connection is no longer aiohttp's: nothing is to be written."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the answer was written."""
        del request
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the connection is closed."""
        del data


def take_over(request: web.BaseRequest, *, content_type: str = RAW) -> Connection:
    """Answer, and take the connection from aiohttp."""
    transport = request.transport
    if not isinstance(transport, asyncio.Transport):
        raise UnavailableError("the client has left")
    before = request.protocol
    connection = Connection(transport, before)
    if request.headers.get("Upgrade", "").lower() == "tcp":
        head = "101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp"
    else:
        head = "200 OK"
    transport.set_write_buffer_limits(high=HIGH)
    transport.write(f"HTTP/1.1 {head}\r\nContent-Type: {content_type}\r\n\r\n".encode())
    transport.set_protocol(connection)
    transport.pause_reading()  # until somebody listens: what comes before that would be lost
    return connection


def early_data(request: web.BaseRequest) -> bytes:
    """What came right behind the request, before the connection was taken over."""
    tail: bytes = request.protocol._message_tail  # aiohttp shows it to parsers only
    return tail
