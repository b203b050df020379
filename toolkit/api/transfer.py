"""Bytes in bulk between a client and a thread, through a pipe: whoever is slow holds only itself.

The thread reads or writes an ordinary file, so tar and gzip work on it as they are.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from toolkit.api.call import Call
from toolkit.api.hijack import Hijacked

T = TypeVar("T")

_PIECE = 256 << 10
_F_SETPIPE_SZ = 1031  # fcntl(2)


@asynccontextmanager
async def incoming(call: Call) -> AsyncIterator[Callable[[], IO[bytes]]]:
    """Opens, once and in the thread that reads and closes it, a file with the request's body."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    _widen(writer)
    os.set_blocking(writer, False)
    unread = [reader]
    feeding = asyncio.ensure_future(_feed(call, writer))
    try:
        yield lambda: open(unread.pop(), "rb")  # noqa: SIM115 - whoever calls it closes it
    finally:
        if unread:
            os.close(unread.pop())
        feeding.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await feeding


async def _feed(call: Call, writer: int) -> None:
    """The body into the pipe; what nobody reads is dropped."""
    try:
        async for data in call.request.content.iter_any():
            view = memoryview(data)
            while view:
                view = view[await _write(writer, view) :]
    except (BrokenPipeError, HttpProcessingError):
        return  # the reader has had enough, or finds that the end is missing
    finally:
        os.close(writer)


async def _write(fd: int, data: memoryview) -> int:
    while True:
        try:
            return os.write(fd, data)
        except BlockingIOError:
            await _ready(fd, writing=True)


async def deliver(
    call: Call,
    work: Callable[[IO[bytes]], None],
    *,
    content_type: str = "application/x-tar",
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    """Stream what ``work`` writes in a thread; an error before the first byte is a status."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    _widen(writer)
    os.set_blocking(reader, False)
    with _closing(reader):
        task = asyncio.ensure_future(call.service.pool.apart(lambda: _into(writer, work)))
        task.add_done_callback(_take)
        data = await _read(reader)
        if not data:
            await task
        response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        while data:
            await response.write(data)
            data = await _read(reader)
        try:
            await task
        except Exception:  # noqa: BLE001 - the status is out: only an end without end tells
            if call.request.transport is not None:
                call.request.transport.abort()
            return Hijacked()
        await response.write_eof()
        return response


def _into(writer: int, work: Callable[[IO[bytes]], None]) -> None:
    with suppress(BrokenPipeError), open(writer, "wb", buffering=_PIECE) as file:
        work(file)


def _take(task: "asyncio.Future[None]") -> None:
    if not task.cancelled():
        task.exception()


async def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _PIECE)
        except BlockingIOError:
            await _ready(fd)


async def _ready(fd: int, *, writing: bool = False) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add, remove = loop.add_reader, loop.remove_reader
    if writing:
        add, remove = loop.add_writer, loop.remove_writer
    add(fd, wake)
    try:
        await ready
    finally:
        remove(fd)


@contextmanager
def _closing(fd: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(fd)


def _widen(pipe: int) -> None:
    with suppress(OSError):  # as far as this user may
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, 1 << 20)
