"""Reads a container's log in pieces, off the loop, as fast as its client takes them."""

import asyncio
import json
import os
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolkit.api.streams import frame
from toolkit.engine.logs import from_end, parts
from toolkit.engine.tailing import open_lines

if TYPE_CHECKING:
    from typing import BinaryIO

    from aiohttp import web

    from toolkit.api.call import Call
    from toolkit.engine.model import View

_PIECE = 256 << 10  # bytes: some milliseconds of work, so that others get their turn
_SOON, _LATER = 0.01, 0.2  # seconds between two looks at a log that is followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of a log is wanted: stream → its number in a frame, None for raw bytes."""

    streams: dict[str, int | None]
    tail: int = -1
    since: str = ""
    until: str = ""
    timestamps: bool = False


async def follow(
    call: "Call",
    view: "View",
    selection: Selection,
    response: "web.StreamResponse",
    *,
    going_on: bool,
) -> None:
    """Write what is selected to the client; with ``going_on`` until the container ends."""
    reader = Reader(view.log or log_path(call, view.id), selection)
    tracker = call.service.tracker
    pause = _SOON
    try:
        while True:
            runs = going_on and await tracker.look(view.id)
            data = await call.service.pool.aside(reader.piece)
            if data is None and not runs:
                return
            if data:
                await response.write(data)
                pause = _SOON
            elif data is None:
                await asyncio.sleep(pause)
                pause = min(_LATER, pause * 2)
            if reader.beyond:
                return
    finally:
        reader.close()


def log_path(call: "Call", container: str) -> str:
    """Where its log will be."""
    return f"{call.service.settings.container_dir(container)}/log.json"


class Reader:
    """Takes whole lines from a log, and leaves one that is being written for the next time.

    A log may have been set aside in parts, and may be while it is followed.
    """

    def __init__(self, path: str, selection: Selection) -> None:
        self._path = path
        self._wanted = selection
        self._since = moment(selection.since)
        self._until = moment(selection.until)
        self._files: deque[BinaryIO] = deque()  # to be read one after the other; the last may grow
        self._rest = b""
        self.beyond = False

    def piece(self) -> bytes | None:
        """The next piece as the client gets it; None at the end of what there is."""
        if not self._files:
            self._begin()
        while self._files:
            data = self._files[0].read(_PIECE)
            if data:
                *lines, self._rest = (self._rest + data).split(b"\n")
                return b"".join(self._shown(line) for line in lines)
            if not self._turn():
                return None
        return None

    def _begin(self) -> None:
        """Go to the first line that is wanted: in the log, or in a part that was set aside."""
        current = open_lines(self._path)
        if current is None:
            return
        self._files.append(current)
        tail = self._wanted.tail
        left = -1 if tail < 0 else tail - from_end(current, tail)
        for part in parts(self._path):
            if not left:
                break
            older = open_lines(part)
            if older is not None:
                self._files.appendleft(older)
                left -= 0 if tail < 0 else from_end(older, left)

    def _turn(self) -> bool:
        """This file is read to its end: go on to the next, if there is one."""
        if len(self._files) > 1:
            self._files.popleft().close()
            self._rest = b""
            return True
        newer = self._newer()
        self._files.extend(newer)
        return bool(newer)  # what was written between the last look and that comes first

    def _newer(self) -> "list[BinaryIO]":
        """What was begun since this file was, the oldest first."""
        mine = os.fstat(self._files[0].fileno()).st_ino
        found: list[BinaryIO] = []
        for path in (self._path, *parts(self._path)):
            file = open_lines(path)
            if file is None:
                continue
            if os.fstat(file.fileno()).st_ino == mine:
                file.close()
                break
            found.insert(0, file)
        return found

    def _shown(self, line: bytes) -> bytes:
        try:
            found = json.loads(line)
            text, stream, stamp = found["log"], found["stream"], found["time"]
        except (ValueError, KeyError, TypeError):
            return b""  # torn by a power cut
        return self.shown(text, stream, stamp)

    def shown(self, text: str, stream: str, stamp: str) -> bytes:
        """A line as the client gets it; nothing where it is not wanted."""
        if stream not in self._wanted.streams or (self._since and stamp < self._since):
            return b""
        if self._until and stamp > self._until:
            self.beyond = True
            return b""
        if self._wanted.timestamps:
            text = f"{stamp} {text}"
        data: bytes = text.encode(errors="surrogateescape")
        number = self._wanted.streams[stream]
        return data if number is None else frame(number, data)

    def close(self) -> None:
        """Let the files go."""
        while self._files:
            self._files.popleft().close()


def moment(text: str) -> str:
    """A point in time, as seconds since 1970 or as RFC 3339, as the log writes it; sortable."""
    if not text or text == "0":
        return ""
    try:
        seconds, _, fraction = text.partition(".")
        shown = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{shown}.{fraction:0<9}Z"
    except ValueError:
        return text
