"""Reads a container's log in pieces, off the loop, as fast as its client takes them."""

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolkit.api.streams import frame

if TYPE_CHECKING:
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
        await call.service.pool.aside(reader.seek)
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
    """Takes whole lines from the file, and leaves one that is being written for the next time."""

    def __init__(self, path: str, selection: Selection) -> None:
        self._path = path
        self._wanted = selection
        self._since = moment(selection.since)
        self._until = moment(selection.until)
        self._fd = -1
        self._rest = b""
        self.beyond = False

    def seek(self) -> None:
        """Go to where the last lines begin."""
        if self._wanted.tail >= 0 and self._open():
            os.lseek(self._fd, tail_start(self._fd, self._wanted.tail), os.SEEK_SET)

    def piece(self) -> bytes | None:
        """The next piece as the client gets it; None at the end of what there is."""
        if not self._open():
            return None
        data = os.read(self._fd, _PIECE)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return b"".join(self._shown(line) for line in lines)

    def _open(self) -> bool:
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return False
        return True

    def _shown(self, line: bytes) -> bytes:
        try:
            found = json.loads(line)
            text, stream, stamp = found["log"], found["stream"], found["time"]
        except (ValueError, KeyError, TypeError):
            return b""  # torn by a power cut
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
        """Let the file go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def tail_start(fd: int, count: int) -> int:
    """Where the last ``count`` lines of a file begin."""
    end = os.fstat(fd).st_size
    if count == 0:
        return end
    seen, place = 0, end
    while place > 0:
        size = min(_PIECE, place)
        place -= size
        data = os.pread(fd, size, place)
        if place + size == end and data.endswith(b"\n"):
            data = data[:-1]
        at = len(data)
        while (at := data.rfind(b"\n", 0, at)) >= 0:
            seen += 1
            if seen == count:
                return place + at + 1
    return 0


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
