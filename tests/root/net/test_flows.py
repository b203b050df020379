"""Flows that the kernel remembers are not led to whoever was there before."""

import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from support.dock import Dock
from support.lan import HOST, NEIGHBOUR, PEER, PYTHON
from support.own_network import in_own_network, ip
from toolkit.net.flows import Flows

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

# One socket that asks whenever it is told to, and says who was answered.
CLIENT = f"""
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(30)
sock.connect(({HOST!r}, 8080))
for _ in sys.stdin:
    try:
        sock.send(b"?")
        print(sock.recv(100).decode(), flush=True)
    except OSError:
        print("nothing", flush=True)
"""


@pytest.fixture
def client(dock: Dock) -> Iterator[Callable[[], str]]:
    argv = dock.lan.neighbour.words(PYTHON, "-c", CLIENT)
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as running:

        def ask() -> str:
            assert running.stdin
            assert running.stdout
            running.stdin.write("\n")
            return running.stdout.readline().strip()

        yield ask
        running.kill()


def flows(dock: Dock, *words: str) -> str:
    return dock.lan.host.run("conntrack", "-L", *words).stdout


def test_a_client_that_goes_on_reaches_who_has_the_port_now(
    dock: Dock, client: Callable[[], str], require: Callable[[str], str]
) -> None:
    require("conntrack")
    dock.serve("first")  # there are rules, and flows are counted
    assert client() == "nothing"
    dock.serve("one", "-p", "8080:80/udp")
    assert client() == NEIGHBOUR  # led inward by the rules, and not by the keeper
    assert f"src={dock.address('one')}" in flows(dock, "-p", "udp")
    dock("rm", "-f", "one")
    assert flows(dock, "-p", "udp", "--dport", "8080") == ""
    dock.serve("two", "-p", "8080:80/udp")
    assert client() == NEIGHBOUR


def test_an_address_that_is_used_again_has_no_flows_of_another(
    dock: Dock, require: Callable[[str], str]
) -> None:
    require("conntrack")
    for name in ("udp_timeout", "udp_timeout_stream"):  # a slow machine shall see them, too
        dock.lan.host.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_{name}=3600")
    dock.lan.peer.mirror(7000)
    for kept in (True, False):
        dock.serve("web", "--ip", "192.168.5.50")
        assert ("192.168.5.50" in flows(dock)) is False
        assert dock.ask("web", PEER, 7000, protocol="udp") == "10.78.0.1"
        assert "src=192.168.5.50" in flows(dock)
        dock("rm", "-f", "web")
        assert ("192.168.5.50" in flows(dock)) is True, kept


def test_only_what_was_asked_for_is_forgotten(require: Callable[[str], str]) -> None:
    for program in ("conntrack", "nft"):
        require(program)

    def steps() -> tuple[list[str], list[str], list[str]]:
        ip("link", "set", "lo", "up")
        rule = "add table inet t; add chain inet t c { type filter hook output priority 0; }"
        subprocess.run(["nft", f"{rule}; add rule inet t c ct state new accept"], check=True)
        kinds = (socket.AF_INET, socket.AF_INET6)
        sockets = [socket.socket(kind, socket.SOCK_DGRAM) for kind in kinds]
        for port in (4000, 4001):
            sockets[0].sendto(b"?", ("127.0.0.5", port))
            sockets[0].sendto(b"?", ("127.0.0.6", port))
            sockets[1].sendto(b"?", ("::1", port))
        with Flows() as tracked:
            tracked.forget_port("udp", 4000)
            first = _ends()
            tracked.forget_address("127.0.0.6")
            second = _ends()
            tracked.forget_address("::1")
        return first, second, _ends()

    first, second, third = in_own_network(steps)
    assert first == ["127.0.0.5 4001", "127.0.0.6 4001", "::1 4001"]
    assert second == ["127.0.0.5 4001", "::1 4001"]
    assert third == ["127.0.0.5 4001"]


def _ends() -> list[str]:
    """Where each flow leads, as conntrack(8) tells it."""
    found = set()
    for family in ("ipv4", "ipv6"):
        argv = ["conntrack", "-L", "-f", family]
        for line in subprocess.run(
            argv, capture_output=True, text=True, check=True
        ).stdout.splitlines():
            words = dict(word.split("=", 1) for word in reversed(line.split()) if "=" in word)
            found.add(f"{words['dst']} {words['dport']}")
    return sorted(found)
