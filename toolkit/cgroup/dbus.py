"""Calls over D-Bus: as much of its wire format as talking to systemd takes, and no library.

The format is the D-Bus specification's ("Message Protocol"). A value is written by its signature: a
``v`` is a pair of signature and value, a struct a tuple, an array a list, ``ay`` bytes. There is
nothing here that waits for ever: each call has until ``timeout`` seconds after its connection.
"""

import _socket
import os
import select
import struct
import time

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

_FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}
_ALIGNMENT = {"g": 1, "v": 1, "y": 1, "n": 2, "q": 2, "x": 8, "t": 8, "d": 8, "(": 8, "{": 8}
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_TO, _DESTINATION, _, _SIGNATURE = range(1, 9)
_FIELDS = {_PATH: "o", _INTERFACE: "s", _MEMBER: "s", _DESTINATION: "s", _SIGNATURE: "g"}
_HEADER = "yyyyuua(yv)"
_FIXED_HEADER = 16  # bytes up to the array of fields
_LONGEST = 1 << 27


class DBusError(ToolkitError):
    """What a service answers instead of a result; ``name`` is the error's."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


@record
class Message:
    """One that came in."""

    kind: int
    fields: "dict[int, Any]"
    body: "tuple[Any, ...]"

    @property
    def member(self) -> str:
        """The name of a signal."""
        return str(self.fields.get(_MEMBER, ""))


@record
class Method:
    """Where a call goes: a service, an object, an interface of it."""

    service: str
    path: str
    interface: str


DAEMON = Method(
    service="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus"
)


def kinds(signature: str) -> list[str]:
    """The single complete types of a signature: ``sa(sv)`` → ``s``, ``a(sv)``."""
    found = []
    at = 0
    while at < len(signature):
        end = _end(signature, at)
        found.append(signature[at:end])
        at = end
    return found


def _end(signature: str, at: int) -> int:
    if signature[at] == "a":
        return _end(signature, at + 1)
    if signature[at] not in "({":
        return at + 1
    depth = 0
    while True:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(signature[at], 0)
        at += 1
        if not depth:
            return at


def pack(signature: str, values: "tuple[Any, ...]", out: "bytearray | None" = None) -> bytearray:
    """The values, one for each type, behind what ``out`` has."""
    out = bytearray() if out is None else out
    for kind, value in zip(kinds(signature), values, strict=True):
        _pack(out, kind, value)
    return out


def _align(out: bytearray, kind: str) -> None:
    out.extend(bytes(-len(out) % _ALIGNMENT.get(kind[0], 4)))


def _pack(out: bytearray, kind: str, value: "Any") -> None:
    _align(out, kind)
    first = kind[0]
    if first in _FIXED:
        out.extend(struct.pack(f"<{_FIXED[first]}", value))
    elif first in "so":
        data = value.encode()
        out.extend(struct.pack("<I", len(data)) + data + b"\0")
    elif first == "g":
        out.extend(bytes((len(value),)) + value.encode() + b"\0")
    elif first == "v":
        _pack(out, "g", value[0])
        _pack(out, *value)
    elif first == "a":
        _pack_array(out, kind[1:], value)
    else:
        pack(kind[1:-1], value, out)


def _pack_array(out: bytearray, kind: str, values: "Any") -> None:
    """The length does not count the padding before the first element."""
    place = len(out)
    out.extend(bytes(4))
    _align(out, kind)
    start = len(out)
    for value in values:
        _pack(out, kind, value)
    out[place : place + 4] = struct.pack("<I", len(out) - start)


class Reader:
    """Takes values out of bytes, one type after the other; ``order`` is ``<`` or ``>``."""

    def __init__(self, data: bytes, order: str = "<", at: int = 0) -> None:
        self.at = at
        self._data = data
        self._order = order

    def take(self, signature: str) -> "tuple[Any, ...]":
        """A value for each type."""
        return tuple(self._take(kind) for kind in kinds(signature))

    def _take(self, kind: str) -> "Any":
        first = kind[0]
        self.at += -self.at % _ALIGNMENT.get(first, 4)
        if first in _FIXED:
            number = self._number(_FIXED[first])
            return bool(number) if first == "b" else number
        if first in "so":
            return self._text(self._number("I"))
        if first == "g":
            return self._text(self._number("B"))
        if first == "v":
            return self._take(self._take("g"))
        if first == "a":
            return self._array(kind[1:])
        return self.take(kind[1:-1])

    def _array(self, kind: str) -> "Any":
        size = self._number("I")
        self.at += -self.at % _ALIGNMENT.get(kind[0], 4)
        end = self.at + size
        found = []
        while self.at < end:
            found.append(self._take(kind))
        return bytes(found) if kind == "y" else found

    def _number(self, code: str) -> int:
        (value,) = struct.unpack_from(f"{self._order}{code}", self._data, self.at)
        self.at += struct.calcsize(code)
        return int(value)

    def _text(self, size: int) -> str:
        text = self._data[self.at : self.at + size].decode()
        self.at += size + 1
        return text


def message(serial: int, method: Method, name: str, signature: str, body: bytes) -> bytes:
    """A call; without a service it goes to whoever is at the other end."""
    values = {
        _PATH: method.path,
        _INTERFACE: method.interface,
        _MEMBER: name,
        _DESTINATION: method.service,
        _SIGNATURE: signature,
    }
    fields = [(key, (_FIELDS[key], value)) for key, value in values.items() if value]
    head = pack(_HEADER, (ord("l"), _CALL, 0, 1, len(body), serial, fields))
    _align(head, "(")
    return bytes(head + body)


class Bus:
    """A connection to a bus (``hello``), or straight to a service; a context manager."""

    def __init__(self, path: str, *, timeout: float, hello: bool) -> None:
        self._path = path
        self._deadline = time.monotonic() + timeout
        self._serial = 0
        self._data = b""
        self._kept: list[Message] = []
        self._direct = not hello
        self._sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            self._sock.connect(path)
            self._authenticate()
            if hello:
                self.call(DAEMON, "Hello")
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise self._lost(error.strerror or "") from None
            raise

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self, method: Method, name: str, signature: str = "", *values: "Any"
    ) -> "tuple[Any, ...]":
        """What the method returns; ``DBusError`` is what it says instead."""
        self._serial += 1
        if self._direct and method.service:
            method = Method(service="", path=method.path, interface=method.interface)
        body = bytes(pack(signature, values))
        self._send(message(self._serial, method, name, signature, body))
        while True:
            reply = self._receive()
            if reply.fields.get(_REPLY_TO) != self._serial:
                self._kept.append(reply)
            elif reply.kind == _ERROR:
                text = str(reply.body[0]) if reply.body else ""
                raise DBusError(text, str(reply.fields.get(_ERROR_NAME, "")))
            else:
                return reply.body

    def wait_for(self, member: str, fits: "Callable[[tuple[Any, ...]], bool]") -> "tuple[Any, ...]":
        """The body of the first signal of that name that ``fits``, also of one that came before."""
        while True:
            found = self._kept.pop(0) if self._kept else self._receive()
            if found.kind == _SIGNAL and found.member == member and fits(found.body):
                return found.body

    def _authenticate(self) -> None:
        """As whoever the kernel says that we are (AUTH EXTERNAL).

        All of it at once, as systemd's own library does: systemd itself would leave a call lying
        that it read together with BEGIN.
        """
        identity = str(os.geteuid()).encode().hex()
        self._send(f"\0AUTH EXTERNAL {identity}\r\nBEGIN\r\n".encode())
        while b"\r\n" not in self._data:
            self._more()
        line, _, self._data = self._data.partition(b"\r\n")
        if not line.startswith(b"OK"):
            raise UnavailableError(f"'{self._path}' does not know us: {line.decode()}")

    def _send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._lost(error.strerror or "") from None

    def _receive(self) -> Message:
        while len(self._data) < _FIXED_HEADER:
            self._more()
        order = "<" if self._data[:1] == b"l" else ">"
        size, _, fields = struct.unpack_from(f"{order}III", self._data, 4)
        start = _FIXED_HEADER + fields + -fields % 8
        if size + fields > _LONGEST:
            raise self._lost("a message is too long")
        while len(self._data) < start + size:
            self._more()
        data, self._data = self._data[: start + size], self._data[start + size :]
        head = Reader(data, order).take(_HEADER)
        told = dict(head[6])
        body = Reader(data, order, start).take(told.get(_SIGNATURE, ""))
        return Message(kind=head[1], fields=told, body=body)

    def _more(self) -> None:
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLIN)
        if not poll.poll(max(0, self._deadline - time.monotonic()) * 1000):
            raise self._lost("no answer in time")
        try:
            data = self._sock.recv(1 << 16)
        except OSError as error:
            raise self._lost(error.strerror or "") from None
        if not data:
            raise self._lost("it hung up")
        self._data += data

    def _lost(self, why: str) -> UnavailableError:
        return UnavailableError(f"nobody answers at '{self._path}': {why}")
