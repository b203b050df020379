"""What a long piece of work tells its client while it goes on: JSON lines from a thread."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

from toolkit.api.call import Call, line, told
from toolkit.building.faults import StepFailedError
from toolkit.core.errors import ToolkitError
from toolkit.images.progress import Step

Tell = Callable[[dict[str, Any]], None]

_LOG = logging.getLogger(__name__)
_ROOM = 256  # lines that wait for a client before the work itself has to
_LOOK = 1.0  # seconds between two looks whether the client is there, while the work waits


class LeftError(ToolkitError):
    """The client is gone, so nobody wants the rest."""


class Lines:
    """One stream of lines; ``tell`` is called in the thread that works."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._room = threading.Semaphore(_ROOM)
        self._gone = False

    def tell(self, data: dict[str, Any]) -> None:
        """Say it; waits for a client who does not read, and raises ``LeftError`` without one."""
        while not self._gone and not self._room.acquire(timeout=_LOOK):
            continue
        if self._gone:
            raise LeftError("the client has left")
        self._loop.call_soon_threadsafe(self._queue.put_nowait, data)

    async def serve(self, call: Call, work: Callable[[Tell], None]) -> web.StreamResponse:
        """Do the work and stream what it tells; an error before the first line is a status."""
        task = asyncio.ensure_future(call.service.pool.apart(lambda: work(self.tell)))
        task.add_done_callback(lambda _: self._queue.put_nowait(None))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        try:
            first = await self._queue.get()
            if first is None:
                task.result()
            await response.prepare(call.request)
            await self._pass_on(first, response)
        except BaseException:
            self._gone = True
            task.add_done_callback(_ignore)
            raise
        error = task.exception()
        if error is not None:
            await response.write(line(_fault(call, error)))
        await response.write_eof()
        return response

    async def _pass_on(self, data: dict[str, Any] | None, response: web.StreamResponse) -> None:
        while data is not None:
            parts = [line(data)]
            while not self._queue.empty() and (data := self._queue.get_nowait()) is not None:
                parts.append(line(data))
            await response.write(b"".join(parts))
            self._room.release(len(parts))
            if data is not None:
                data = await self._queue.get()


def _ignore(task: "asyncio.Future[None]") -> None:
    """Take the error of work that nobody waits for."""
    if not task.cancelled():
        task.exception()


def _fault(call: Call, error: BaseException) -> dict[str, Any]:
    if isinstance(error, ToolkitError):
        text = told(error)
    else:
        _LOG.error("%s %s", call.request.method, call.request.path, exc_info=error)
        text = str(error)
    detail: dict[str, Any] = {"message": text}
    if isinstance(error, StepFailedError):
        detail["code"] = error.exit_status
    return {"errorDetail": detail, "error": text}


def step(what: Step) -> dict[str, Any]:
    """A step of a pull, push or load as Docker's clients draw it."""
    found: dict[str, Any] = {"status": what.status, "progressDetail": {}}
    if what.total:
        found["progressDetail"] = {"current": what.current, "total": what.total}
        found["progress"] = _bar(what.current, what.total)
    return {**found, "id": what.id} if what.id else found


def _bar(current: int, total: int) -> str:
    """As clients without a terminal of their own show it."""
    full = min(50, current * 50 // total)
    bar = "=" * full + (">" if full < 50 else "") + " " * (49 - full)
    return f"[{bar}]  {_size(current)}/{_size(total)}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.4g}{unit}"
