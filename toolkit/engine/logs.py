"""Reads the log of a container: one JSON object a line, as Docker's json-file driver writes it."""

import json
import os
import time

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_PAUSE = 0.05  # seconds between two looks at a log that is followed


@record
class LogLine:
    """What was written at once: ``text`` as it was, ``stream`` and RFC 3339 ``time``."""

    text: str
    stream: str
    time: str


def read_log(
    path: str, *, tail: int | None = None, more: "Callable[[], bool] | None" = None
) -> "Iterator[LogLine]":
    """The lines of a log, all or the last ``tail``; goes on while ``more`` says so."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - the generator holds it open
    except FileNotFoundError:
        return
    with file:
        for line in _whole(file) if tail is None else _last(file, tail):
            yield from _parse(line)
        while more:
            going = more()  # asked before reading: what comes before its end is still read
            for line in _whole(file):
                yield from _parse(line)
            if not going:
                return
            time.sleep(_PAUSE)


def _whole(file: "BinaryIO") -> "Iterator[bytes]":
    """The lines from here on; one that is being written is left for the next look."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def _last(file: "BinaryIO", count: int) -> list[bytes]:
    lines: list[bytes] = []
    for line in _whole(file):
        lines.append(line)
        if len(lines) > count:
            del lines[0]
    return lines


def _parse(line: bytes) -> "Iterator[LogLine]":
    """One line; one that a power cut tore is left out."""
    try:
        data = json.loads(line)
        yield LogLine(text=data["log"], stream=data["stream"], time=data["time"])
    except (ValueError, KeyError, TypeError):
        return
