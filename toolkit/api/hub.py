"""What happens, for whoever listens: one look at the log of events serves all of them."""

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING

from toolkit.engine.tailing import PAUSE, is_aside, open_lines, whole

if TYPE_CHECKING:
    from typing import BinaryIO

    from toolkit.engine.events import Event, EventLog

_MOST = 10_000  # events that wait for one client; who is slower than that loses the oldest


class Listener:
    """Gets every event from its beginning on."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_MOST)
        self._news = asyncio.Event()

    def put(self, event: "Event") -> None:
        """Something happened."""
        self._events.append(event)
        self._news.set()

    async def next(self) -> "Event":
        """The next one, once it is there."""
        while not self._events:
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()


class Hub:
    """Follows the log while anybody listens."""

    def __init__(self, log: "EventLog") -> None:
        self._log = log
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._file: BinaryIO | None = None

    def join(self) -> Listener:
        """One more listener."""
        found = Listener()
        if self._task is None:
            self._file = open_lines(self._log.path)
            if self._file is not None:
                self._file.seek(0, 2)
            self._task = asyncio.get_running_loop().create_task(self._follow())
        self._listeners.add(found)
        return found

    def leave(self, listener: Listener) -> None:
        """It listens no more."""
        self._listeners.discard(listener)
        if not self._listeners:
            self.close()

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _follow(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(PAUSE)

    def _look(self) -> None:
        """Hand out what is new; a log of some lines is read at once, whatever else waits."""
        if self._file is None:
            self._file = open_lines(self._log.path)
            if self._file is None:
                return
        self._hand_out(self._file)
        if is_aside(self._file, self._log.path, if_gone=True):
            self._hand_out(self._file)
            self._file.close()
            self._file = None

    def _hand_out(self, file: "BinaryIO") -> None:
        for text in whole(file):
            try:
                event = json.loads(text)
            except ValueError:
                continue  # torn by a full disk
            for listener in self._listeners:
                listener.put(event)
