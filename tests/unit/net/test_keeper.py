"""What the keeper of published ports carries, over this machine's own loopback."""

import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from toolkit.net.holding import Held
from toolkit.net.wiring import Port

WAIT = 30.0  # seconds, on whatever machine
HERE = "127.0.0.1"

Carry = Callable[..., tuple[str, int]]


@pytest.fixture
def carry() -> Iterator[Carry]:
    """``carry(inner)`` gives an address that leads to what is bound here, until the test is over.

    That is when the process ends for which the ports are held, and the keeper with it.
    """
    keepers = []
    with subprocess.Popen(("sleep", "600")) as box:

        def make(inner: socket.socket, *, host: str = HERE) -> tuple[str, int]:
            protocol = "tcp" if inner.type == socket.SOCK_STREAM else "udp"
            held = Held()
            outer = 20_000 + os.getpid() % 10_000
            port = Port(protocol=protocol, host=host, outer=outer, inner=inner.getsockname()[1])
            while held.take(port):
                outer += 1
                port = Port(protocol=protocol, host=host, outer=outer, inner=port.inner)
            keepers.append(held.keep(box.pid, (HERE, "")))
            return host, outer

        yield make
        box.kill()
    for keeper in keepers:
        over = select.poll()
        watched = os.pidfd_open(keeper)
        over.register(watched, select.POLLIN)
        assert over.poll(WAIT * 1000)
        os.close(watched)
        os.waitpid(keeper, 0)


def listener() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.bind((HERE, 0))
    made.listen(16)
    made.settimeout(WAIT)
    return made


def datagrams() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HERE, 0))
    made.settimeout(WAIT)
    return made


def received(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(1 << 16):
        data += piece
    return data


def test_each_direction_of_a_connection_has_an_end_of_its_own(
    carry: Carry,
) -> None:
    with listener() as inner:
        outer = carry(inner)
        with socket.create_connection(outer, timeout=WAIT) as client:
            server, _ = inner.accept()
            with server:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                assert received(server) == b"question"
                server.sendall(b"answer, after the end of the question")
                server.shutdown(socket.SHUT_WR)
                assert received(client) == b"answer, after the end of the question"


def test_more_than_a_socket_holds_is_carried_both_ways(
    carry: Carry,
) -> None:
    much = os.urandom(1 << 20) * 8
    with listener() as inner:
        outer = carry(inner)
        with socket.create_connection(outer, timeout=WAIT) as client:
            server, _ = inner.accept()
            server.settimeout(WAIT)

            def echo() -> None:
                with server:
                    while piece := server.recv(1 << 16):
                        server.sendall(piece)

            def send() -> None:
                client.sendall(much)
                client.shutdown(socket.SHUT_WR)

            threads = [threading.Thread(target=one) for one in (echo, send)]
            for one in threads:
                one.start()
            assert received(client) == much
            for one in threads:
                one.join(WAIT)


def test_ipv6_outside_and_ipv4_inside(carry: Carry) -> None:
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("the kernel has no IPv6")
    with listener() as inner:
        outer = carry(inner, host="::1")
        with socket.create_connection(outer, timeout=WAIT) as client:
            server, _ = inner.accept()
            with server:
                server.sendall(b"x")
            assert received(client) == b"x"


def test_where_nobody_listens_inside_a_client_is_let_go(
    carry: Carry,
) -> None:
    with listener() as inner:
        outer = carry(inner)
        inner.close()
        for _ in range(3):  # and the port goes on
            with socket.create_connection(outer, timeout=WAIT) as client:
                client.settimeout(WAIT)
                try:
                    assert received(client) == b""
                except ConnectionResetError:
                    continue


def test_a_client_that_breaks_off_harms_no_other(carry: Carry) -> None:
    with listener() as inner:
        outer = carry(inner)
        rude = socket.create_connection(outer, timeout=WAIT)
        first, _ = inner.accept()
        with first:
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.close()  # with a reset
            first.settimeout(WAIT)
            assert received(first) == b""
        with socket.create_connection(outer, timeout=WAIT) as client:
            second, _ = inner.accept()
            with second:
                second.sendall(b"fine")
            assert received(client) == b"fine"


def test_datagrams_of_several_clients_find_back(carry: Carry) -> None:
    with datagrams() as inner:
        outer = carry(inner)
        clients = [datagrams() for _ in range(5)]
        for number, client in enumerate(clients):
            client.sendto(b"%d" % number, outer)
        for _ in clients:
            data, towards = inner.recvfrom(100)
            inner.sendto(b"to " + data, towards)
        for number, client in enumerate(clients):
            data, address = client.recvfrom(100)
            assert (data, address) == (b"to %d" % number, outer)
            client.close()
