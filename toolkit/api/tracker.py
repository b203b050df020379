"""Who has ended: one line to the shim of each running container, and whoever waits for its end.

A line is a socket that becomes readable when the container is over: a thousand of them cost one
poll. Containers that ``dockyard`` started without us are found by looking (``look``).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from toolkit.core.errors import NotFoundError, ToolkitError, UnavailableError
from toolkit.engine import settling

if TYPE_CHECKING:
    from toolkit.api.pool import Pool
    from toolkit.engine.seams import Session

_LOG = logging.getLogger(__name__)
_PAUSE = 0.2  # seconds between two looks at a container whose shim was killed


class Tracker:
    """Follows every running container that anybody asked about, or that we started."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._sessions: dict[str, Session] = {}
        self._ends: dict[str, list[asyncio.Future[int]]] = {}
        self._removals: dict[str, list[asyncio.Future[int]]] = {}
        self._lost: set[str] = set()  # those whose line broke
        self._statuses: dict[str, int] = {}  # of those that end before they are removed
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_exit: list[Callable[[str, int], None]] = []

    # following

    def follow(self, container: str, session: "Session") -> None:
        """Keep a started container's line until it ends.

        It takes the place of one that ``look`` has made meanwhile: the shim knows of this one from
        the start, of that one only if it came to hear of it before the container's end.
        """
        if container in self._sessions:
            self._drop(container)
        self._lost.discard(container)
        self._sessions[container] = session
        self._loop.add_reader(session.fileno(), self._readable, container)

    async def look(self, container: str) -> bool:
        """Follow a container that somebody else started; whether it runs."""
        if container in self._sessions:
            return True
        try:
            session = await self._pool.call(lambda engine: settling.line(engine, container))
        except NotFoundError:
            return False
        if session is None:
            return False
        if container in self._sessions:
            session.close()
        else:
            self.follow(container, session)
        return True

    def session(self, container: str) -> "Session | None":
        """The line to a container's shim, to signal or resize it."""
        return self._sessions.get(container)

    def _readable(self, container: str) -> None:
        session = self._sessions[container]
        try:
            ending = session.hear()
        except UnavailableError:  # the shim was killed; its container may live
            self._drop(container)
            self._lost.add(container)
            self._spawn(self._without_shim(container))
            return
        except ToolkitError:  # it never came to run
            self._drop(container)
            return
        if ending is not None:
            self._drop(container)
            self._spawn(self._ended(container, int(str(ending["status"]))))

    def _drop(self, container: str) -> None:
        session = self._sessions.pop(container)
        self._loop.remove_reader(session.fileno())
        session.close()

    def _spawn(self, work: "Coroutine[None, None, None]") -> None:
        task: asyncio.Task[None] = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _without_shim(self, container: str) -> None:
        """Nothing tells of its end: there is no line any more."""
        alive = True
        while alive:
            alive = await self._pool.call(lambda engine: settling.is_alive(engine, container))
            await asyncio.sleep(_PAUSE if alive else 0)
        if container not in self._lost:  # another line tells
            return
        self._lost.discard(container)
        status = await self._pool.call(lambda engine: settling.exit_status(engine, container))
        await self._ended(container, status)

    async def _ended(self, container: str, status: int) -> None:
        try:
            gone = await self._pool.call(lambda engine: settling.settle(engine, container))
        except ToolkitError as error:
            _LOG.warning("container %s has ended: %s", container[:12], error)
            gone = False
        _resolve(self._ends, container, status)
        for listener in self.on_exit:
            listener(container, status)
        if gone:
            self.removed(container, status)
        elif container in self._removals:
            self._statuses[container] = status

    # waiting

    def next_exit(self, container: str) -> "asyncio.Future[int]":
        """Comes true when the container ends the next time: its exit status."""
        return self._future(self._ends, container)

    def removal(self, container: str) -> "asyncio.Future[int]":
        """Comes true when the container is removed: its last exit status."""
        return self._future(self._removals, container)

    def _future(
        self, table: "dict[str, list[asyncio.Future[int]]]", container: str
    ) -> "asyncio.Future[int]":
        future: asyncio.Future[int] = self._loop.create_future()
        table.setdefault(container, []).append(future)
        future.add_done_callback(lambda done: _forget(table, container, done))
        return future

    def removed(self, container: str, status: int | None = None) -> None:
        """A container is gone."""
        last = self._statuses.pop(container, 0)
        _resolve(self._ends, container, last if status is None else status)
        _resolve(self._removals, container, last if status is None else status)

    def close(self) -> None:
        """Let every container be."""
        for container in tuple(self._sessions):
            self._drop(container)
        for task in self._tasks:
            task.cancel()


def _resolve(table: "dict[str, list[asyncio.Future[int]]]", container: str, status: int) -> None:
    for future in table.pop(container, ()):
        if not future.done():
            future.set_result(status)


def _forget(
    table: "dict[str, list[asyncio.Future[int]]]", container: str, done: "asyncio.Future[int]"
) -> None:
    waiting = table.get(container, [])
    if done in waiting:
        waiting.remove(done)
    if not waiting:
        table.pop(container, None)
