"""The log of a container in the system's journal, by its native protocol.

A datagram holds fields, ``NAME=value`` and a line's end each; a value with line ends is written
with its length instead (systemd, "Native Journal Protocol").
"""

from __future__ import annotations

import _socket
import struct

from toolkit.core.errors import UnavailableError

SOCKET = "/run/systemd/journal/socket"
_LONGEST = 16 * 1024  # bytes of one line
_PRIORITY = {"stdout": b"6", "stderr": b"3"}  # info and err, syslog(3)


class Journal:
    """Sends what a container says to the journal, with ``fields`` (``K=V``) beside each line."""

    def __init__(self, fields: tuple[str, ...], *, path: str = SOCKET) -> None:
        self._fields = b"".join(_field(*text.split("=", 1)) for text in fields)
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise UnavailableError(
                f"the system's journal does not answer on '{path}': {error.strerror}",
                hint="use --log-driver json-file, or none",
            ) from None
        self._partial: dict[str, bytes] = {}

    def write(self, stream: str, data: bytes) -> None:
        """Send the lines of ``data``; the rest waits for its line's end."""
        *lines, rest = (self._partial.pop(stream, b"") + data).split(b"\n")
        for line in lines:
            self._send(stream, self._begin(stream, line))
        rest = self._begin(stream, rest)
        if rest:
            self._partial[stream] = rest

    def _begin(self, stream: str, line: bytes) -> bytes:
        """Send all of a line but its last part, which is handed back."""
        while len(line) > _LONGEST:
            self._send(stream, line[:_LONGEST], partial=True)
            line = line[_LONGEST:]
        return line

    def _send(self, stream: str, line: bytes, *, partial: bool = False) -> None:
        text = _field("MESSAGE", line) + _field("PRIORITY", _PRIORITY[stream]) + self._fields
        if partial:
            text += _field("CONTAINER_PARTIAL_MESSAGE", "true")
        try:
            self._socket.send(text, _socket.MSG_NOSIGNAL)
        except OSError:
            return  # a journal that is gone costs lines, never the container

    def close(self) -> None:
        """Send what was left without a line's end."""
        for stream, rest in self._partial.items():
            self._send(stream, rest)
        self._partial.clear()
        self._socket.close()


def _field(name: str, value: str | bytes) -> bytes:
    data = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    if b"\n" in data:
        return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
