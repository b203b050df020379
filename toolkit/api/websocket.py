"""Bytes between a container's pipes and a WebSocket: one binary message a chunk, without frames."""

import asyncio
from collections import deque

from aiohttp import WSMsgType, web

from toolkit.api.line import HIGH, PATIENCE, Line


class Socket(Line):
    """A ``Line`` over a WebSocket that is open; two tasks of its own move the messages."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        super().__init__()
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
        self.full = self._size > HIGH
        self._news.set()

    async def finish(self) -> None:
        """Hand over what is left, then close; a client that takes nothing is cut off."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self._waiting and not self.gone.done():
                    await asyncio.wait([self.gone, self._sender], timeout=0.01)
                await self._socket.close()
        except TimeoutError:
            pass  # the tasks are cut off now
        self.lose()
        self._sender.cancel()
        self._hearer.cancel()

    async def _send(self) -> None:
        try:
            while True:
                self._news.clear()
                while self._waiting:
                    await self._socket.send_bytes(self._waiting[0])
                    self._size -= len(self._waiting.popleft())
                    self.full = self._size > HIGH
                    if not self.full:
                        self.flow()
                await self._news.wait()
        except ConnectionError:
            self.lose()

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
        self.lose()
