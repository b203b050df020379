"""Reads the log of a container: one JSON object a line, as Docker's json-file driver writes it.

A log may have been set aside in parts (``path.1`` is the part before ``path``), and may be while it
is followed.
"""

import json
import os
import time

from toolkit.core.record import record
from toolkit.engine.tailing import PAUSE, is_aside, open_lines, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

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
    file = open_lines(path)
    if file is None:
        return
    try:
        yield from _older(path) if tail is None else _last(path, file, tail)
        yield from whole(file)
        while more:
            going = more()  # asked before reading: what comes before its end is still read
            yield from whole(file)
            # gone: between two renames, or the container is removed
            if is_aside(file, path, if_gone=False):
                yield from whole(file)
                newer = open_lines(path)
                if newer is not None:
                    file.close()
                    file = newer
                    continue
            if not going:
                return
            time.sleep(PAUSE)
    finally:
        file.close()


def _older(path: str) -> "Iterator[bytes]":
    """The lines of the parts that were set aside, the oldest first."""
    for part in reversed(parts(path)):
        with open(part, "rb") as file:
            yield from whole(file)


def parts(path: str) -> list[str]:
    """The parts that were set aside, the newest first."""
    found: list[str] = []
    while os.path.exists(f"{path}.{len(found) + 1}"):
        found.append(f"{path}.{len(found) + 1}")
    return found


def _last(path: str, file: "BinaryIO", count: int) -> list[bytes]:
    """The older ones of the last ``count`` lines; ``file`` then stands at the first of the rest."""
    here = from_end(file, count)
    older: list[bytes] = []
    for part in parts(path):
        if here + len(older) >= count:
            break
        with open(part, "rb") as aside:
            from_end(aside, count - here - len(older))
            older[:0] = whole(aside)
    return older


def from_end(file: "BinaryIO", count: int) -> int:
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


def _parse(line: bytes) -> LogLine | None:
    """One line; one that a power cut tore is left out."""
    try:
        data = json.loads(line)
        return LogLine(text=data["log"], stream=data["stream"], time=data["time"])
    except (ValueError, KeyError, TypeError):
        return None
