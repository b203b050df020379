"""Messages between a controller and an agent: one JSON document a frame, bytes beside it.

A frame is a 4-byte big-endian length of the header, a 4-byte length of the body, the header
(UTF-8 JSON object) and the body (raw bytes, for files). Limits keep a broken or hostile peer
from asking for all of memory.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolkit.core.errors import UnavailableError

_PREFIX = struct.Struct("!II")
MAX_HEADER = 64 * 1024 * 1024
MAX_BODY = 1024 * 1024 * 1024


class Reader(Protocol):
    """The reading half of a stream; a short read means end of file."""

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""


class Writer(Protocol):
    """The writing half of a stream."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""

    def flush(self) -> object:
        """Hand on what was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """``header`` is any JSON object; ``body`` travels unencoded."""

    header: Mapping[str, Any]
    body: bytes = field(default=b"", repr=False)


def send(stream: Writer, message: Message) -> None:
    """Write one message and flush it."""
    header = json.dumps(message.header, separators=(",", ":")).encode()
    stream.write(_PREFIX.pack(len(header), len(message.body)) + header)
    if message.body:
        stream.write(message.body)
    stream.flush()


def receive(stream: Reader) -> Message | None:
    """The next message; ``None`` at a clean end of the stream."""
    prefix = stream.read(_PREFIX.size)
    if not prefix:
        return None
    header_size, body_size = _PREFIX.unpack(_exactly(prefix, _PREFIX.size))
    if header_size > MAX_HEADER or body_size > MAX_BODY:
        raise UnavailableError(
            "the peer sent something that is no dockyard message",
            hint="a login script that prints text breaks the stream; it must stay silent",
        )
    header = json.loads(_exactly(stream.read(header_size), header_size))
    body = _exactly(stream.read(body_size), body_size) if body_size else b""
    return Message(header=header, body=body)


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise UnavailableError("the connection ended in the middle of a message")
    return data
