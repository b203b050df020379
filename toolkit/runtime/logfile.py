"""The json-file log of a container: one JSON object a line, as Docker writes it."""

from __future__ import annotations

import errno
import os
import time

from toolkit.runtime.messages import encode

_LONGEST = 16 * 1024  # bytes; a longer line is written in parts, as Docker does
_FULL = (errno.ENOSPC, errno.EDQUOT)


class JsonLog:
    """Appends what a container says to ``path``; an empty path drops it.

    A log of ``size`` bytes is set aside as ``path.1``, and that as ``path.2``, until there are
    ``files`` of them; 0 lets it grow.
    """

    def __init__(self, path: str, *, size: int = 0, files: int = 1) -> None:
        self._path, self._limit, self._files = path, size, files
        self._fd = self._open() if path else -1
        self._size = os.fstat(self._fd).st_size if size and path else 0
        self._partial: dict[str, bytes] = {}

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o640)

    def write(self, stream: str, data: bytes) -> None:
        """Note what came on ``stdout`` or ``stderr``; a line is written when it is whole."""
        if self._fd < 0:
            return
        *lines, rest = (self._partial.pop(stream, b"") + data).split(b"\n")
        parts = [part for line in lines for part in _parts(line + b"\n")]
        *more, rest = _parts(rest)
        self._put(stream, parts + more)
        if rest:
            self._partial[stream] = rest

    def _put(self, stream: str, lines: list[bytes]) -> None:
        if not lines:
            return
        now = timestamp()
        texts = [
            encode({"log": line.decode(errors="replace"), "stream": stream, "time": now}) + "\n"
            for line in lines
        ]
        try:
            for data in self._portions([text.encode() for text in texts]):
                self._append(data)
        except OSError as error:
            if error.errno not in _FULL:  # a full disk costs lines, never the container
                raise

    def _portions(self, lines: list[bytes]) -> list[bytes]:
        """What goes into one file each; without a limit that is all."""
        if not self._limit:
            return [b"".join(lines)]
        held: list[list[bytes]] = [[]]
        size = self._size
        for line in lines:
            if size and size + len(line) > self._limit:
                size = 0
                if held[-1]:
                    held.append([])
            held[-1].append(line)
            size += len(line)
        return [b"".join(portion) for portion in held]

    def _append(self, data: bytes) -> None:
        if self._limit and self._size and self._size + len(data) > self._limit:
            self._turn()
        os.write(self._fd, data)
        self._size += len(data)

    def _turn(self) -> None:
        """Set the log aside and begin anew; with one file only, what was there goes."""
        for number in range(self._files - 1, 0, -1):
            older = f"{self._path}.{number - 1}" if number > 1 else self._path
            if os.path.exists(older):
                os.rename(older, f"{self._path}.{number}")
        if self._files == 1:
            os.unlink(self._path)
        os.close(self._fd)
        self._fd = self._open()
        self._size = 0

    def close(self) -> None:
        """Write what was left without a line's end."""
        for stream, rest in self._partial.items():
            self._put(stream, [rest])
        self._partial.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _parts(line: bytes) -> list[bytes]:
    """A line in pieces that are not too long; the last is empty only where the line is."""
    if len(line) <= _LONGEST:
        return [line]
    return [line[start : start + _LONGEST] for start in range(0, len(line), _LONGEST)]


def timestamp() -> str:
    """Now, as RFC 3339 with nanoseconds: ``2024-05-06T07:08:09.000000001Z``."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"
