"""Published ports: Docker's spelling of them, and whether the host has them free."""

import _socket
import errno

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.net.ipv4 import dotted, parse_address
from toolkit.net.wiring import Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.database import Database

PROTOCOLS = {
    "tcp": (_socket.SOCK_STREAM, 6),
    "udp": (_socket.SOCK_DGRAM, 17),
    "sctp": (_socket.SOCK_STREAM, 132),
}
ANY_FIRST, ANY_LAST = 32768, 60999  # the kernel's own range for whoever does not care (ip(7))
_HINT = "write it as 8080:80, 127.0.0.1:8080:80, 8000-8010:8000-8010 or 53:53/udp"


def parse_publish(text: str) -> tuple[Port, ...]:
    """``[ip:][host]:container[/protocol]``, ranges too; a host port 0 is any free one."""
    what = f"publish '{text}'"
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidInputError(f"{what}: '{protocol}' is none of {', '.join(PROTOCOLS)}")
    if rest.startswith("["):
        raise InvalidInputError(f"{what}: IPv6 addresses are not built yet", hint=_HINT)
    parts = rest.split(":")
    if len(parts) > 3:
        raise InvalidInputError(f"{what} is not [IP:]HOST:CONTAINER[/PROTOCOL]", hint=_HINT)
    inner = _range(parts[-1], what)
    outer = _range(parts[-2], what) if len(parts) > 1 and parts[-2] else (0, 0)
    host = _host(parts[0] if len(parts) == 3 else "", what)
    count = inner[1] - inner[0]
    if inner[0] == 0:
        raise InvalidInputError(f"{what}: a container has no port 0", hint=_HINT)
    if outer != (0, 0) and outer[1] - outer[0] != count:
        raise InvalidInputError(f"{what}: the ranges differ in length", hint=_HINT)
    return tuple(
        Port(
            protocol=protocol,
            host=host,
            outer=outer[0] + step if outer[0] else 0,
            inner=inner[0] + step,
        )
        for step in range(count + 1)
    )


def _host(text: str, what: str) -> str:
    number = parse_address(text, what=what) if text else 0
    return dotted(number) if number else ""


def _range(text: str, what: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    words = (first, last) if dash else (first, first)
    if not all(word.isascii() and word.isdecimal() and int(word) < 1 << 16 for word in words):
        raise InvalidInputError(f"{what}: '{text}' is no port", hint=_HINT)
    low, high = int(words[0]), int(words[1])
    if low > high:
        raise InvalidInputError(f"{what}: the range '{text}' goes backwards", hint=_HINT)
    return low, high


def shown(port: Port) -> str:
    """``0.0.0.0:8080``, the host's side as Docker prints it."""
    return f"{port.host or dotted(0)}:{port.outer}"


def take(database: "Database", container: str, asked: "tuple[Port, ...]") -> tuple[Port, ...]:
    """Take ports for a container, inside the caller's transaction; those really taken.

    ``ConflictError`` where another container or program has one.
    """
    taken = []
    for port in asked:
        got = _chosen(database, port) if port.outer == 0 else port
        if got is port:
            _check_free(database, port)
        database.query(
            'INSERT INTO ports (protocol, "outer", host, "inner", container)'
            " VALUES (?, ?, ?, ?, ?)",
            got.protocol,
            got.outer,
            got.host,
            got.inner,
            container,
        )
        taken.append(got)
    return tuple(taken)


def _check_free(database: "Database", port: Port) -> None:
    other = _owner(database, port)
    if other is not None:
        raise ConflictError(
            f"port {shown(port)}/{port.protocol} is taken by container {other[:12]}",
            hint="publish another one, or stop that container",
        )
    code = _bind(port)
    if code == errno.EADDRNOTAVAIL:
        raise ConflictError(
            f"port {shown(port)}/{port.protocol}: this host does not have the address",
            hint="'ip address' lists what it has",
        )
    if code in (errno.EADDRINUSE, errno.EACCES):
        raise ConflictError(
            f"port {shown(port)}/{port.protocol} is taken by a program of this host",
            hint="publish another one; 'ss -lntup' shows who has it",
        )


def _chosen(database: "Database", port: Port) -> Port:
    for outer in range(ANY_FIRST, ANY_LAST + 1):
        one = Port(protocol=port.protocol, host=port.host, outer=outer, inner=port.inner)
        if _owner(database, one) is None and not _bind(one):
            return one
    raise ConflictError(f"no port of {ANY_FIRST}-{ANY_LAST} is free for {port.protocol}")


def _owner(database: "Database", port: Port) -> str | None:
    """The container that holds the port on one of the same addresses."""
    found = database.query(
        'SELECT container FROM ports WHERE protocol=? AND "outer"=?'
        " AND (host=? OR host='' OR ?='')",
        port.protocol,
        port.outer,
        port.host,
        port.host,
    )
    return str(found[0][0]) if found else None


def _bind(port: Port) -> int:
    """The errno of an attempt to have the port; 0 where it is free, or cannot be asked."""
    kind, number = PROTOCOLS[port.protocol]
    try:
        sock = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC, number)
    except OSError:
        return 0  # a kernel without SCTP has nobody who listens on it
    try:
        if port.protocol == "tcp":  # what a closed connection left is nobody's
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind((port.host or dotted(0), port.outer))
    except OSError as error:
        return error.errno or errno.EADDRINUSE
    finally:
        sock.close()
    return 0
