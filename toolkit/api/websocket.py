"""Bytes between a container's pipes and a WebSocket: one binary message a chunk, without frames."""

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSMsgType, web

_HIGH = 256 << 10  # bytes waiting for a client before its container's stream is held back
_PATIENCE = 10.0  # seconds for what is left when the container has said all


def _ignore(*_: object) -> None:
    """Nobody wants to hear."""


class Socket:
    """A ``Line`` over a WebSocket that is open; ``run`` moves its messages to the end."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.on_data: Callable[[bytes], None] = _ignore
        self.on_end: Callable[[], None] = _ignore
        self.on_room: list[Callable[[], None]] = []
        self.full = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = socket
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._flowing = asyncio.Event()
        self._sender = asyncio.ensure_future(self._send())
        self._hearer = asyncio.ensure_future(self._hear())

    def listen(self) -> None:
        """Hear the client from now on."""
        self._flowing.set()

    def hold(self) -> None:
        """Hear nothing for a while."""
        self._flowing.clear()

    def go_on(self) -> None:
        """Hear it again."""
        self._flowing.set()

    def send(self, data: bytes) -> None:
        """Hand bytes to the client; nothing where it is gone."""
        if self.gone.done():
            return
        self._waiting.append(data)
        self._size += len(data)
        self.full = self._size > _HIGH
        self._news.set()

    async def room(self) -> None:
        """Wait until the client takes more, or is gone."""
        if self.full and not self.gone.done():
            free = asyncio.Event()
            self.on_room.append(free.set)
            await free.wait()

    async def finish(self) -> None:
        """Hand over what is left, then close; a client that takes nothing is cut off."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while self._waiting and not self.gone.done():
                    await asyncio.wait([self.gone, self._sender], timeout=0.01)
                await self._socket.close()
        except TimeoutError:
            pass  # the tasks are cut off now
        self._lost()
        self._sender.cancel()
        self._hearer.cancel()

    async def _send(self) -> None:
        try:
            while True:
                self._news.clear()
                while self._waiting:
                    await self._socket.send_bytes(self._waiting[0])
                    self._size -= len(self._waiting.popleft())
                    self.full = self._size > _HIGH
                    if not self.full:
                        self._let_go()
                await self._news.wait()
        except ConnectionError:
            self._lost()

    async def _hear(self) -> None:
        while True:
            await self._flowing.wait()
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                self.on_data(message.data)
            elif message.type is WSMsgType.TEXT:
                self.on_data(message.data.encode())
            else:
                break
        self.on_end()
        self._lost()

    def _lost(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        self.full = False
        self._let_go()

    def _let_go(self) -> None:
        waiting, self.on_room = self.on_room, []
        for action in waiting:
            action()
