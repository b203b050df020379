"""Bytes between a container's pipes and a raw connection, with Docker's frames.

Without a terminal each chunk has a header: the stream's number, three zeros and the length, big
endian. Nothing here waits: a client that does not read holds its own pipe back, nobody else's.
"""

import asyncio
import os
import struct
from collections import deque
from typing import TYPE_CHECKING

from toolkit.core.errors import InvalidInputError

if TYPE_CHECKING:
    from toolkit.api.line import Line

STDIN, STDOUT, STDERR = 0, 1, 2
_CHUNK = 64 << 10
_ENOUGH = 1 << 20  # bytes of input waiting for a container that does not read
DETACH_KEYS = b"\x10\x11"  # ctrl-p, ctrl-q


def frame(stream: int, data: bytes) -> bytes:
    """One chunk of a multiplexed stream."""
    return struct.pack(">BxxxL", stream, len(data)) + data


class Outflow:
    """From a pipe to the client; ``done`` when the pipe has ended or the client is gone.

    ``stream`` None hands the bytes on as they are.
    """

    def __init__(self, fd: int, connection: "Line", stream: int | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._connection = connection
        self._stream = stream
        self.done = self._loop.create_future()
        os.set_blocking(fd, False)
        self._listen()

    def _listen(self) -> None:
        if self.done.done():
            return
        if self._connection.gone.done():
            self.close()
            return
        self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._connection.send(data if self._stream is None else frame(self._stream, data))
        if self._connection.full:
            self._loop.remove_reader(self._fd)
            self._connection.on_room.append(self._listen)

    def close(self) -> None:
        """Take no more."""
        if not self.done.done():
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self.done.set_result(None)


class Inflow:
    """From the client to a container's stdin; ``detached`` once the detach keys came."""

    def __init__(self, fd: int, connection: "Line", *, keys: bytes = b"") -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._watch = KeyWatch(keys)
        self.detached = self._loop.create_future()
        os.set_blocking(fd, False)
        connection.on_data = self.take
        connection.on_end = self.end

    def take(self, data: bytes) -> None:
        """The client typed something."""
        if self._fd < 0 or self._ended or not data:
            return
        data, found = self._watch.feed(data)
        if data:
            self._put(data)
        if found and not self.detached.done():
            self.detached.set_result(None)

    def _put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if len(self._waiting) == 1:
            self._flush()
        if self._size > _ENOUGH:
            self._connection.hold()

    def _flush(self) -> None:
        """Write what the container takes, and come back when it takes more."""
        while self._waiting:
            try:
                written = os.write(self._fd, self._waiting[0])
            except BlockingIOError:
                self._loop.add_writer(self._fd, self._flush)
                return
            except OSError:  # nobody reads it any more
                self.close()
                return
            self._size -= written
            rest = self._waiting.popleft()[written:]
            if rest:
                self._waiting.appendleft(rest)
        self._loop.remove_writer(self._fd)
        if not self._ended:
            self._connection.go_on()
        if self._ended:
            self.close()

    def end(self) -> None:
        """The client has said all."""
        self._ended = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """End the container's input."""
        if self._fd >= 0:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1
            self._waiting.clear()


class KeyWatch:
    """Looks for a sequence of keys in what is typed; the beginning of one is held back."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """(what goes on to the container, whether the sequence is complete)."""
        if not self._keys:
            return data, False
        data = self._held + data
        self._held = b""
        place = data.find(self._keys)
        if place >= 0:
            return data[:place], True
        for size in range(min(len(self._keys) - 1, len(data)), 0, -1):
            if data.endswith(self._keys[:size]):
                self._held = data[-size:]
                return data[:-size], False
        return data, False


def parse_keys(text: str) -> bytes:
    """Docker's spelling of detach keys: ``ctrl-p,ctrl-q`` or single characters."""
    if not text:
        return DETACH_KEYS
    found = bytearray()
    for word in text.split(","):
        if len(word) == 1:
            found += word.encode()
            continue
        sign = word.removeprefix("ctrl-")
        if sign == word or len(sign) != 1 or not ("a" <= sign <= "z" or sign in "@[\\]^_"):
            raise InvalidInputError(f"invalid detach keys: '{word}' is no key")
        found.append(ord(sign.upper()) & 0x1F)
    return bytes(found)


def close_all(fds: "tuple[int, ...] | list[int]") -> None:
    """Close descriptors."""
    for fd in fds:
        os.close(fd)
