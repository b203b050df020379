"""Messages between client, launcher, shim and init: one JSON object a packet, descriptors beside.

A Unix SOCK_SEQPACKET socket keeps packets apart and ends with an empty one. What does not fit a
socket's buffer travels in a memory file. The C half of ``socket`` is used: the module costs 6 ms
(and ``array``, for the descriptors, 2).
"""

from __future__ import annotations

import _json
import _socket
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Socket = _socket.socket
INLINE = 64 * 1024  # bytes; the default send buffer is 208 KiB and counts overhead
_MAX_DESCRIPTORS = 8
_IN_MEMORY_FILE = b"@"
_INT = 4


def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is no JSON")


class _Rules:
    """What the C scanner asks for: plain JSON, as ``json.JSONDecoder`` configures it."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None  # Python 3.15
    parse_float = float
    parse_int = int
    memo: dict[str, str] = {}  # noqa: RUF012 - typing.ClassVar would import typing

    @staticmethod
    def parse_constant(name: str) -> float:
        """NaN and infinities are no JSON."""
        raise ValueError(f"'{name}' is no JSON")


# The C half of json; the module itself imports re, 5 ms that no start needs.
_scan = _json.make_scanner(_Rules)  # type: ignore[arg-type] # any object with these names will do
_encoder = _json.make_encoder(
    None, _refuse, _json.encode_basestring_ascii, None, ":", ",", False, False, False
)


def encode(value: Any) -> str:
    """``value`` as JSON on one line."""
    return "".join(_encoder(value, 0))


def decode(text: str) -> Any:
    """The value that ``text`` holds; ``ValueError`` where it is no JSON."""
    text = text.strip(" \t\r\n")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("no JSON") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def pair() -> tuple[Socket, Socket]:
    """Two connected ends."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)


def from_fd(fd: int) -> Socket:
    """Take over a descriptor as a socket."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)


def connect(path: str) -> Socket:
    """The socket served on ``path``; the path may be longer than the 107 bytes of an address."""
    return _at(path, lambda sock, address: sock.connect(address))


def listen(path: str, backlog: int = 64) -> Socket:
    """Serve on ``path``, for its owner only."""

    def bind(sock: Socket, address: str) -> None:
        mask = os.umask(0o177)
        try:
            sock.bind(address)
        finally:
            os.umask(mask)
        sock.listen(backlog)

    return _at(path, bind)


def _at(path: str, action: Any) -> Socket:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC, 0)
    directory, name = os.path.split(path)
    try:
        fd = os.open(directory or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            action(sock, f"/proc/self/fd/{fd}/{name}")
        finally:
            os.close(fd)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"socket: {error.strerror}", path) from None
    return sock


def send(sock: Socket, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    """Send one message with descriptors; ``OSError`` where the other end is gone."""
    send_bytes(sock, encode(message).encode(), fds)


def send_bytes(sock: Socket, data: bytes, fds: tuple[int, ...] = ()) -> None:
    """Send one message that is JSON already."""
    if len(data) <= INLINE:
        _send(sock, data, fds)
        return
    memory = os.memfd_create("message", os.MFD_CLOEXEC)
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(data)
        _send(sock, _IN_MEMORY_FILE, (memory, *fds))
    finally:
        os.close(memory)


def _send(sock: Socket, data: bytes, fds: tuple[int, ...]) -> None:
    beside = (
        [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
    )
    sock.sendmsg([data], beside, _socket.MSG_NOSIGNAL)


def send_descriptor(sock: Socket, data: bytes, fd: int) -> None:
    """Send ``data`` as it is, with one descriptor: what a stranger expects on his socket."""
    _send(sock, data, (fd,))


def receive(sock: Socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next message and its descriptors, close-on-exec; ``None`` at the end."""
    data, fds = receive_bytes(sock)
    return (decode(data.decode()) if data else None), fds


def peek(sock: Socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Like ``receive``, but the message stays the next one until ``drop``.

    For whom a signal handler may interrupt by raising: what was received would be lost.
    """
    data, fds = receive_bytes(sock, flags=_socket.MSG_PEEK)
    return (decode(data.decode()) if data else None), fds


def drop(sock: Socket) -> None:
    """Take the next message away, unread; its descriptors are closed."""
    sock.recv(1)


def receive_bytes(sock: Socket, *, flags: int = 0) -> tuple[bytes, list[int]]:
    """The next message as bytes, ``b""`` at the end."""
    space = _socket.CMSG_SPACE(_MAX_DESCRIPTORS * _INT)
    wanted = (INLINE + 1, space, _socket.MSG_CMSG_CLOEXEC | flags)
    try:
        data, beside, *_ = sock.recvmsg(*wanted)
    except ConnectionResetError:
        # The other end closed before it had read all of ours. The error comes once and first;
        # what it had sent before is still to be read.
        data, beside, *_ = sock.recvmsg(*wanted)
    found: list[int] = []
    for level, kind, content in beside:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            found += struct.unpack_from(f"{len(content) // _INT}i", content)
    if data == _IN_MEMORY_FILE and found:
        with open(found.pop(0), "rb") as memory:
            memory.seek(0)
            data = memory.read()
    return data, found
