"""Published ports: Docker's spelling of them, and whether the host has them free."""

import errno

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.core.record import replace
from toolkit.net import ipv6
from toolkit.net.ipv4 import dotted, parse_address
from toolkit.net.wiring import Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolkit.engine.database import Database
    from toolkit.net.holding import Held

PROTOCOLS = ("tcp", "udp", "sctp")
ANY_FIRST, ANY_LAST = 32768, 60999  # the kernel's own range for whoever does not care (ip(7))
_HINT = "write it as 8080:80, 127.0.0.1:8080:80, [::1]:8080:80, 8000-8010:8000-8010 or 53:53/udp"


def parse_publish(text: str) -> tuple[Port, ...]:
    """``[ip:][host]:container[/protocol]``, ranges too; a host port 0 is any free one."""
    what = f"publish '{text}'"
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidInputError(f"{what}: '{protocol}' is none of {', '.join(PROTOCOLS)}")
    host, rest = _split_host(rest, what)
    parts = rest.split(":")
    inner = _range(parts[-1], what)
    outer = _range(parts[-2], what) if len(parts) > 1 and parts[-2] else (0, 0)
    count = inner[1] - inner[0]
    if inner[0] == 0:
        raise InvalidInputError(f"{what}: a container has no port 0", hint=_HINT)
    if not count and outer[1] > outer[0]:  # any of those
        return (Port(protocol=protocol, host=host, outer=outer[0], inner=inner[0], last=outer[1]),)
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


def parse_expose(text: str) -> tuple[str, ...]:
    """``80``, ``53/udp`` or ``8000-8002`` as an image would say it, one text a port."""
    what = f"expose '{text}'"
    ports, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidInputError(f"{what}: '{protocol}' is none of {', '.join(PROTOCOLS)}")
    first, last = _range(ports, what)
    if first == 0:
        raise InvalidInputError(f"{what}: a container has no port 0", hint="write it as 53/udp")
    return tuple(f"{number}/{protocol}" for number in range(first, last + 1))


def published(asked: tuple[Port, ...], exposed: "Iterable[str]") -> tuple[Port, ...]:
    """What was asked, and any port of the host for whatever is ``exposed`` and not among that."""
    there = {(port.inner, port.protocol) for port in asked}
    more = {}
    for text in exposed:
        for one in parse_expose(text):
            inner, _, protocol = one.partition("/")
            key = (int(inner), protocol)
            if key not in there:
                more[key] = Port(protocol=protocol, host="", outer=0, inner=int(inner))
    return (*asked, *(more[key] for key in sorted(more)))


def _split_host(rest: str, what: str) -> tuple[str, str]:
    """(address, what follows it); the address as the kernel would write it."""
    if rest.startswith("["):
        address, bracket, rest = rest[1:].partition("]:")
        if not bracket:
            raise InvalidInputError(f"{what}: the address is not closed by ']:'", hint=_HINT)
        return ipv6.text_of(ipv6.parse_address6(address, what=what)), rest
    if rest.count(":") > 2:
        raise InvalidInputError(f"{what} is not [IP:]HOST:CONTAINER[/PROTOCOL]", hint=_HINT)
    if rest.count(":") < 2:
        return "", rest
    address, _, rest = rest.partition(":")
    return dotted(parse_address(address, what=what)) if address else "", rest


def _range(text: str, what: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    words = (first, last) if dash else (first, first)
    if not all(word.isascii() and word.isdecimal() and int(word) < 1 << 16 for word in words):
        raise InvalidInputError(f"{what}: '{text}' is no port", hint=_HINT)
    low, high = int(words[0]), int(words[1])
    if low > high:
        raise InvalidInputError(f"{what}: the range '{text}' goes backwards", hint=_HINT)
    return low, high


def shown(port: Port) -> tuple[str, ...]:
    """``0.0.0.0:8080`` and ``[::]:8080``, the host's side as Docker prints it."""
    if not port.host:
        both = (f"{dotted(0)}:{port.outer}", f"[::]:{port.outer}")
        return both if ipv6.exists() else both[:1]
    host = f"[{port.host}]" if ":" in port.host else port.host
    return (f"{host}:{port.outer}",)


def hosts(port: Port) -> tuple[str, ...]:
    """The addresses of the host that lead to it, as Docker's API names them."""
    return tuple(one.rpartition(":")[0].strip("[]") for one in shown(port))


def take(
    database: "Database", container: str, asked: "tuple[Port, ...]", held: "Held"
) -> tuple[Port, ...]:
    """Take ports for a container, inside the caller's transaction; those really taken.

    Each is bound by ``held``. ``ConflictError`` where another container or program has one.
    """
    taken = []
    for port in asked:
        chosen = not port.outer or port.last
        got = _chosen(database, port, held) if chosen else _exact(database, port, held)
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


def hold_again(ports: "Iterable[Port]", held: "Held") -> None:
    """Bind ports that a container has had all the time."""
    for port in ports:
        refuse(port, held.take(port))


def refuse(port: Port, code: int) -> None:
    """``ConflictError`` for the errno of an attempt to have a port; nothing for 0."""
    where = f"{shown(port)[0]}/{port.protocol}"
    if code == errno.EADDRNOTAVAIL:
        raise ConflictError(
            f"port {where}: this host does not have the address",
            hint="'ip address' lists what it has",
        )
    if code in (errno.EADDRINUSE, errno.EACCES):
        raise ConflictError(
            f"port {where} is taken by a program of this host",
            hint="publish another one; 'ss -lntup' shows who has it",
        )


def _exact(database: "Database", port: Port, held: "Held") -> Port:
    other = _owner(database, port)
    if other is not None:
        raise ConflictError(
            f"port {shown(port)[0]}/{port.protocol} is taken by container {other[:12]}",
            hint="publish another one, or stop that container",
        )
    refuse(port, held.take(port))
    return port


def _chosen(database: "Database", port: Port, held: "Held") -> Port:
    first, last = (port.outer, port.last) if port.outer else (ANY_FIRST, ANY_LAST)
    for outer in range(first, last + 1):
        one = replace(port, outer=outer, last=0)
        if _owner(database, one) is None and not held.take(one):
            return one
    raise ConflictError(f"no port of {first}-{last} is free for {port.protocol}")


def _owner(database: "Database", port: Port) -> str | None:
    """The container that holds the port on one of the same addresses."""
    found = database.query(
        'SELECT container, host FROM ports WHERE protocol=? AND "outer"=?',
        port.protocol,
        port.outer,
    )
    for container, host in found:
        other = replace(port, host=host)
        wide = host == port.host or other.is_everywhere or port.is_everywhere
        if wide and any(port.speaks(version) and other.speaks(version) for version in (4, 6)):
            return str(container)
    return None
