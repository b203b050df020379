"""The json-file log of a container: one JSON object a line, as Docker writes it."""

from __future__ import annotations

import errno
import os
import time

from toolkit.runtime.messages import encode

_LONGEST = 16 * 1024  # bytes; a longer line is written in parts, as Docker does
_FULL = (errno.ENOSPC, errno.EDQUOT)


class JsonLog:
    """Appends what a container says to ``path``; an empty path drops it."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o640) if path else -1
        self._partial: dict[str, bytes] = {}

    def write(self, stream: str, data: bytes) -> None:
        """Note what came on ``stdout`` or ``stderr``; a line is written when it is whole."""
        if self._fd < 0:
            return
        *lines, rest = (self._partial.pop(stream, b"") + data).split(b"\n")
        self._put(stream, [line + b"\n" for line in lines])
        while len(rest) >= _LONGEST:
            self._put(stream, [rest[:_LONGEST]])
            rest = rest[_LONGEST:]
        if rest:
            self._partial[stream] = rest

    def _put(self, stream: str, lines: list[bytes]) -> None:
        if not lines:
            return
        now = timestamp()
        text = "".join(
            encode({"log": line.decode(errors="replace"), "stream": stream, "time": now}) + "\n"
            for line in lines
        )
        try:
            os.write(self._fd, text.encode())
        except OSError as error:
            if error.errno not in _FULL:  # a full disk costs lines, never the container
                raise

    def close(self) -> None:
        """Write what was left without a line's end."""
        for stream, rest in self._partial.items():
            self._put(stream, [rest])
        self._partial.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def timestamp() -> str:
    """Now, as RFC 3339 with nanoseconds: ``2024-05-06T07:08:09.000000001Z``."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"
