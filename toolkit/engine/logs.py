"""Reads the log of a container: one JSON object a line, as Docker's json-file driver writes it.

A log may have been set aside in parts (``path.1`` is the part before ``path``), and may be while it
is followed.
"""

import json
import os
import time

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_PAUSE = 0.05  # seconds between two looks at a log that is followed
_BLOCK = 1 << 16


@record
class LogLine:
    """What was written at once: ``text`` as it was, ``stream`` and RFC 3339 ``time``."""

    text: str
    stream: str
    time: str


@record
class Span:
    """Which lines are wanted: the last ``tail`` (None: all), between two RFC 3339 times in UTC."""

    tail: int | None = None
    since: str = ""
    until: str = ""


ALL = Span()


def read_log(
    path: str, span: Span = ALL, *, more: "Callable[[], bool] | None" = None
) -> "Iterator[LogLine]":
    """The lines of a log that ``span`` wants; goes on while ``more`` says so."""
    for line in _lines(path, span.tail, more):
        found = _parse(line)
        if found is None or (span.since and found.time < span.since):
            continue
        if span.until and found.time > span.until:
            return
        yield found


def _lines(path: str, tail: int | None, more: "Callable[[], bool] | None") -> "Iterator[bytes]":
    file = _open(path)
    if file is None:
        return
    try:
        yield from _older(path) if tail is None else _last(path, file, tail)
        yield from _whole(file)
        while more:
            going = more()  # asked before reading: what comes before its end is still read
            yield from _whole(file)
            if _was_set_aside(file, path):
                yield from _whole(file)
                newer = _open(path)
                if newer is not None:
                    file.close()
                    file = newer
                    continue
            if not going:
                return
            time.sleep(_PAUSE)
    finally:
        file.close()


def _open(path: str) -> "BinaryIO | None":
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return None


def _older(path: str) -> "Iterator[bytes]":
    """The lines of the parts that were set aside, the oldest first."""
    for part in reversed(_parts(path)):
        with open(part, "rb") as file:
            yield from _whole(file)


def _parts(path: str) -> list[str]:
    """The parts that were set aside, the newest first."""
    found: list[str] = []
    while os.path.exists(f"{path}.{len(found) + 1}"):
        found.append(f"{path}.{len(found) + 1}")
    return found


def _last(path: str, file: "BinaryIO", count: int) -> list[bytes]:
    """The older ones of the last ``count`` lines; ``file`` then stands at the first of the rest."""
    here = _from_end(file, count)
    older: list[bytes] = []
    for part in _parts(path):
        if here + len(older) >= count:
            break
        with open(part, "rb") as aside:
            _from_end(aside, count - here - len(older))
            older[:0] = _whole(aside)
    return older


def _from_end(file: "BinaryIO", count: int) -> int:
    """Go to the beginning of the last ``count`` whole lines; how many there are."""
    end = file.seek(0, os.SEEK_END)
    place, ends = end, 0
    while place and ends <= count:
        size = min(_BLOCK, place)
        place -= size
        file.seek(place)
        block = file.read(size)
        here = len(block)
        while (here := block.rfind(b"\n", 0, here)) >= 0:
            ends += 1
            if ends > count:
                file.seek(place + here + 1)
                return count
    file.seek(0)
    return ends


def _whole(file: "BinaryIO") -> "Iterator[bytes]":
    """The lines from here on; one that is being written is left for the next look."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _was_set_aside(file: "BinaryIO", path: str) -> bool:
    try:
        return os.stat(path).st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False  # between two renames, or the container is removed


def _parse(line: bytes) -> LogLine | None:
    """One line; one that a power cut tore is left out."""
    try:
        data = json.loads(line)
        return LogLine(text=data["log"], stream=data["stream"], time=data["time"])
    except (ValueError, KeyError, TypeError):
        return None
