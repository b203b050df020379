"""Holds published ports: bound by this process first, so that a taken one fails before anything is
made, then by a keeper that ends with the container.

The keeper (``toolkit.net.keeper``) also carries what no rule can lead inward: what the host sends
to ``::1``, and IPv6 where the container has none.
"""

import _socket
import errno
import fcntl
import os
import sys

from toolkit.net import ipv6
from toolkit.net.keeper import FIRST
from toolkit.net.wiring import Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROTOCOLS = {
    "tcp": (_socket.SOCK_STREAM, 6),
    "udp": (_socket.SOCK_DGRAM, 17),
    "sctp": (_socket.SOCK_STREAM, 132),
}
_PROGRAM = "import sys; sys.path.insert(0, {path!r}); from toolkit.net.keeper import main; main()"
_BACKLOG = 128


class Held:
    """Ports that this process holds; closed without being kept, they are free again."""

    def __init__(self) -> None:
        self._sockets: list[tuple[Port, _socket.socket]] = []

    def take(self, port: Port) -> int:
        """Bind a port in each of its families; the errno of a failure, 0 where it is held."""
        done: list[_socket.socket] = []
        for family in (_socket.AF_INET, _socket.AF_INET6):
            if not port.speaks(6 if family == _socket.AF_INET6 else 4):
                continue
            if family == _socket.AF_INET6 and not port.host and not ipv6.exists():
                continue
            try:
                found = _bound(port, family)
            except OSError as error:
                for one in done:
                    one.close()
                return error.errno or errno.EADDRINUSE
            if found:
                done.append(found)
        self._sockets += [(port, one) for one in done]
        return 0

    def close(self) -> None:
        """Let all of them go."""
        while self._sockets:
            self._sockets.pop()[1].close()

    def keep(self, pid: int, addresses: "tuple[str, str]") -> int:
        """Hand them to a keeper that ends with process ``pid``; its own pid, 0 where none is held.

        ``addresses`` are the container's, of IPv4 and IPv6.
        """
        if not self._sockets:
            return 0
        words = [
            f"{port.protocol}:{addresses[0] or addresses[1]}:{port.inner}"
            for port, _ in self._sockets
        ]
        if addresses[1]:  # what IPv6 brings arrives as IPv6
            words = [
                f"{port.protocol}:{addresses[_is_ipv6(one)] or addresses[1]}:{port.inner}"
                for port, one in self._sockets
            ]
        keeper = _spawn(pid, [one.fileno() for _, one in self._sockets], words)
        self.close()
        return keeper


def _is_ipv6(sock: "_socket.socket") -> bool:
    return sock.family == _socket.AF_INET6


def _bound(port: Port, family: int) -> "_socket.socket | None":
    """A socket that nobody else can bind to as well; None where the kernel lacks the protocol."""
    kind, number = PROTOCOLS[port.protocol]
    try:
        sock = _socket.socket(family, kind | _socket.SOCK_CLOEXEC, number)
    except OSError:
        return None  # who could listen on it?
    try:
        if family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
        if port.protocol == "tcp":
            # What a closed connection left is nobody's; and who listens shares with nobody.
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        sock.bind((_host(port, family), port.outer))
        if port.protocol == "tcp":
            sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _host(port: Port, family: int) -> str:
    if port.host:
        return port.host
    return "::" if family == _socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - as was asked


def _spawn(pid: int, sockets: "Sequence[int]", words: "Iterable[str]") -> int:
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    # Moved up first, so that none is in the way of another.
    above = FIRST + len(sockets)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for fd in sockets]
    try:
        return os.posix_spawn(
            sys.executable,
            (sys.executable, "-I", "-S", "-c", _PROGRAM.format(path=home), str(pid), *words),
            {"LC_ALL": "C.UTF-8"},
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
                *((os.POSIX_SPAWN_DUP2, fd, FIRST + n) for n, fd in enumerate(high)),
            ),
            setsid=True,
        )
    finally:
        for fd in high:
            os.close(fd)
