"""The process that holds the published ports of one container, and carries what no rule can.

``python -I -S`` with bound sockets from descriptor 10 on; its arguments are the process that it
ends with and, for each socket, ``PROTOCOL:ADDRESS:PORT`` inside. nftables leads nearly everything
inward before a socket sees it. What is left comes here: ``::1``, IPv6 to a container that has
none, and whatever arrives while somebody has flushed the rules.
"""

import _socket
import os
import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Address = tuple[Any, ...]

FIRST = 10
_CHUNK = 64 << 10  # bytes
_CLIENTS = 1024  # of UDP, the oldest goes
_HIGHEST = 1 << 20
_PKTINFO, _WANT_PKTINFO = 50, 49  # IPV6_PKTINFO, IPV6_RECVPKTINFO of linux/in6.h
_IN, _OUT, _GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR


class Loop:
    """Calls who waits for a descriptor, until the container is over."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._waiting: dict[int, Callable[[int], None]] = {}

    def want(self, fd: int, events: int, act: "Callable[[int], None]") -> None:
        """Call ``act`` with what happened, whenever that is among ``events`` or an end."""
        if fd in self._waiting:
            self._poll.modify(fd, events)
        else:
            self._poll.register(fd, events)
        self._waiting[fd] = act

    def forget(self, fd: int) -> None:
        """Nobody waits for it any more; to be told before it is closed."""
        if self._waiting.pop(fd, None):
            self._poll.unregister(fd)

    def run(self, end: int) -> None:
        """Until ``end`` is readable."""
        self.want(end, _IN, lambda _: None)
        while True:
            for fd, events in self._poll.poll():
                if fd == end:
                    return
                act = self._waiting.get(fd)
                if act:
                    act(events)


class Half:
    """One side of a carried connection, and what is to be written to it."""

    def __init__(self, sock: "_socket.socket") -> None:
        self.sock = sock
        self.pending = b""
        self.reads = True  # nothing of the end was seen yet
        self.writes = True


class Connection:
    """A TCP connection carried from one socket to another, each direction with its own end."""

    def __init__(self, loop: Loop, client: "_socket.socket", server: "_socket.socket") -> None:
        self._loop = loop
        self._halves = (Half(client), Half(server))
        self._watch()

    def _watch(self) -> None:
        for one, other in (self._halves, self._halves[::-1]):
            events = _IN if one.reads and not other.pending else 0
            events |= _OUT if one.pending else 0

            if not events:  # the kernel would tell of its end for ever
                self._loop.forget(one.sock.fileno())
                continue

            def act(events: int, pair: "tuple[Half, Half]" = (one, other)) -> None:
                self._act(events, *pair)

            self._loop.want(one.sock.fileno(), events, act)

    def _act(self, events: int, one: Half, other: Half) -> None:
        try:
            if events & _OUT and one.pending:
                one.pending = one.pending[one.sock.send(one.pending) :]
            if events & (_IN | _GONE) and one.reads and not other.pending:
                other.pending = one.sock.recv(_CHUNK)
                one.reads = bool(other.pending)
                if other.pending:
                    other.pending = other.pending[other.sock.send(other.pending) :]
        except BlockingIOError:
            pass
        except OSError:
            self._end()
            return
        self._hand_on_ends()

    def _hand_on_ends(self) -> None:
        for one, other in (self._halves, self._halves[::-1]):
            if not one.reads and other.writes and not other.pending:
                other.writes = False
                try:
                    other.sock.shutdown(_socket.SHUT_WR)
                except OSError:
                    self._end()
                    return
        if any(half.reads or half.pending for half in self._halves):
            self._watch()
        else:
            self._end()

    def _end(self) -> None:
        for half in self._halves:
            self._loop.forget(half.sock.fileno())
            half.sock.close()


class TcpPort:
    """One listening socket."""

    def __init__(self, loop: Loop, sock: "_socket.socket", target: "tuple[str, int]") -> None:
        self._loop = loop
        self._sock = sock
        self._target = target
        loop.want(sock.fileno(), _IN, self._accept)

    def _accept(self, _: int) -> None:
        try:
            fd, _address = self._sock._accept()  # type: ignore[attr-defined] # what socket.accept calls
        except OSError:
            return  # it gave up meanwhile
        client = _socket.socket(fileno=fd)
        server = _towards(self._target, _socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            server.connect(self._target)
        except BlockingIOError:
            Connection(self._loop, client, server)
        except OSError:
            client.close()
            server.close()
        else:
            Connection(self._loop, client, server)


class UdpPort:
    """One bound socket of UDP, and a socket for each of its clients."""

    def __init__(self, loop: Loop, sock: "_socket.socket", target: "tuple[str, int]") -> None:
        self._loop = loop
        self._sock = sock
        self._target = target
        self._clients: dict[Address, _socket.socket] = {}
        sock.setblocking(False)
        if sock.family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _WANT_PKTINFO, 1)
        loop.want(sock.fileno(), _IN, self._forward)

    def _forward(self, _: int) -> None:
        try:
            data, notes, _flags, client = self._sock.recvmsg(_CHUNK, 256)
        except OSError:
            return
        towards = [note for note in notes if note[1] == _PKTINFO]  # the answer comes from there
        server = self._clients.get(client)
        if server is None:
            server = self._meet(client, towards)
        try:
            server.send(data)
        except OSError:
            return  # nobody listens inside: as lost as any datagram

    def _meet(self, client: "Address", towards: "list[tuple[int, int, bytes]]") -> "_socket.socket":
        server = _towards(self._target, _socket.SOCK_DGRAM)
        server.connect(self._target)
        if len(self._clients) >= _CLIENTS:
            oldest = self._clients.pop(next(iter(self._clients)))
            self._loop.forget(oldest.fileno())
            oldest.close()
        self._clients[client] = server

        def answer(_: int) -> None:
            try:
                self._sock.sendmsg((server.recv(_CHUNK),), towards, 0, client)
            except OSError:
                return

        self._loop.want(server.fileno(), _IN, answer)
        return server


def _towards(target: "tuple[str, int]", kind: int) -> "_socket.socket":
    family = _socket.AF_INET6 if ":" in target[0] else _socket.AF_INET
    sock = _socket.socket(family, kind | _socket.SOCK_CLOEXEC)
    sock.setblocking(False)
    return sock


def _serve(loop: Loop, fd: int, word: str) -> object:
    protocol, _, rest = word.partition(":")
    address, _, port = rest.rpartition(":")
    sock = _socket.socket(fileno=fd)
    if protocol == "tcp":
        return TcpPort(loop, sock, (address, int(port)))
    if protocol == "udp":
        return UdpPort(loop, sock, (address, int(port)))
    return sock  # held, no more


def main() -> None:
    """Hold and carry until the process named first has ended."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:  # prctl would load ctypes
        file.write("dockyard-ports")
    pid, *words = sys.argv[1:]
    os.closerange(3, FIRST)
    os.closerange(FIRST + len(words), _HIGHEST)
    loop = Loop()
    kept = [_serve(loop, FIRST + place, word) for place, word in enumerate(words)]
    try:
        end = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return
    loop.run(end)
    del kept
