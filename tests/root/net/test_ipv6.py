"""Networks with IPv6, and without it."""

import json
import subprocess

import pytest

from support.dock import Dock
from support.lan import PYTHON

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

SERVE = """
import socket
server = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    client, address = server.accept()
    client.sendall(address[0].encode())
    client.close()
"""
ASK = """
import socket, sys
try:
    sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)
    print(sock.recv(100).decode())
except OSError:
    print("nothing")
"""
LAN6, NEIGHBOUR6 = "fd77::1", "fd77::2"


@pytest.fixture
def six(dock: Dock) -> Dock:
    """The LAN speaks IPv6, and there is a network that does."""
    dock.lan.host.run("ip", "address", "add", f"{LAN6}/64", "dev", "lan0", "nodad")
    dock.lan.neighbour.run("ip", "address", "add", f"{NEIGHBOUR6}/64", "dev", "eth0", "nodad")
    dock.lan.neighbour.run("ip", "route", "add", "default", "via", LAN6)
    words = ("--ipv6", "--subnet", "10.50.0.0/24", "--subnet", "fd50::/64")
    dock("network", "create", *words, "six")
    return dock


def serve(dock: Dock, name: str, *words: str) -> str:
    dock("run", "-d", "--name", name, *words, "host", PYTHON, "-c", SERVE)
    dock.address(name)
    found = json.loads(dock("inspect", name))[0]["NetworkSettings"]["Networks"]
    return "".join(one["GlobalIPv6Address"] for one in found.values())


def ask(dock: Dock, name: str, address: str, port: int = 80) -> str:
    return dock("exec", name, PYTHON, "-c", ASK, address, str(port))


def outside(place: object, address: str, port: int) -> str:
    done: subprocess.CompletedProcess[str] = place.run(PYTHON, "-c", ASK, address, str(port))  # type: ignore[attr-defined] # a Place
    return done.stdout.strip()


def test_containers_have_it_and_reach_each_other_and_the_world(six: Dock) -> None:
    one, two = serve(six, "one", "--network", "six"), serve(six, "two", "--network", "six")
    assert (one, two) == ("fd50::2", "fd50::3")
    assert ask(six, "one", two) == one
    assert "default via fd50::1" in six("exec", "one", "ip", "-6", "route")
    helper = six.lan.neighbour.words(PYTHON, "-c", SERVE)
    with subprocess.Popen(helper) as serving:
        while outside(six.lan.host, NEIGHBOUR6, 80) == "nothing":
            pass
        assert ask(six, "one", NEIGHBOUR6) == LAN6
        serving.kill()
    assert outside(six.lan.neighbour, one, 80) == "nothing"
    hosts = six("exec", "one", "cat", "/etc/hosts")
    assert "fd50::2\t" in hosts


def test_a_port_of_both_families(six: Dock) -> None:
    serve(six, "web", "--network", "six", "-p", "8080:80", "-p", "[::1]:8081:80")
    # an address of IPv6 is of use only once nobody else was found to have it
    answers = (outside(six.lan.neighbour, LAN6, 8080) for _ in range(5))
    assert next((one for one in answers if one != "nothing"), "nothing") == NEIGHBOUR6
    assert outside(six.lan.neighbour, "10.77.0.1", 8080) == "::ffff:10.77.0.2"
    assert outside(six.lan.neighbour, LAN6, 8081) == "nothing"
    for address in ("::1", LAN6, "fd50::1", "127.0.0.1"):
        assert outside(six.lan.host, address, 8080) != "nothing", address
    assert outside(six.lan.host, "::1", 8081) != "nothing"
    assert outside(six.lan.host, "127.0.0.1", 8081) == "nothing"
    assert ask(six, "web", LAN6, 8080) != "nothing"
    assert six("port", "web").splitlines() == [
        "80/tcp -> 0.0.0.0:8080",
        "80/tcp -> [::]:8080",
        "80/tcp -> [::1]:8081",
    ]


def test_ipv6_reaches_a_container_that_has_none(six: Dock) -> None:
    serve(six, "web", "-p", "8080:80")
    assert outside(six.lan.host, "::1", 8080) == "::ffff:192.168.5.1"
    assert outside(six.lan.neighbour, LAN6, 8080) == "::ffff:192.168.5.1"
    assert "inet6" not in six("exec", "web", "ip", "address", "show", "dev", "eth0")
    assert "inet6" not in six.lan.host.run("ip", "address", "show", "dev", "bridge0").stdout


def test_addresses_as_asked(six: Dock) -> None:
    assert serve(six, "web", "--network", "six", "--ip6", "fd50::77") == "fd50::77"
    again = ("run", "--rm", "--network", "six", "--ip6", "fd50::77", "host", "true")
    assert "the address fd50::77 is taken" in six(*again, status=125)
    wrong = ("run", "--rm", "--ip6", "fd50::78", "host", "true")
    assert "network 'bridge' has no IPv6" in six(*wrong, status=125)
    chosen = six("network", "create", "--ipv6", "more")
    (shown,) = json.loads(six("network", "inspect", chosen))
    assert shown["EnableIPv6"]
    assert shown["IPAM"]["Config"][1]["Subnet"].startswith("fd")


def test_a_container_is_no_router_and_nobody_else(six: Dock) -> None:
    own = serve(six, "web", "--network", "six")
    serve(six, "two", "--network", "six")
    bridge = six.lan.host.run("ip", "-br", "link", "show", "type", "bridge").stdout.split()[0]
    accepts = six.lan.host.run("sysctl", "-n", f"net.ipv6.conf.{bridge}.accept_ra").stdout
    assert accepts == "0\n"
    assert six("exec", "two", "cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra") == "0"
    watch = six.lan.host.words(PYTHON, "-c", WATCH, bridge)
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "ready\n"
        six("exec", "web", PYTHON, "-c", SHOUT, own)
        assert set(watching.stdout.readline().split()) == {"own", "own-advert"}


SHOUT = """
import socket, struct, sys
own = socket.inet_pton(socket.AF_INET6, sys.argv[1])
other = socket.inet_pton(socket.AF_INET6, "fd50::3")
router = socket.inet_pton(socket.AF_INET6, "fe80::1")
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
mac = raw.getsockname()[4]
everybody = socket.inet_pton(socket.AF_INET6, "ff02::1")
def send(source, kind, body, mark, sender=mac, next_header=58):
    data = (struct.pack("!BBH", kind, 0, 0) if next_header == 58 else b"") + body
    data += f"[{mark}]".encode()
    head = struct.pack("!IHBB", 6 << 28, len(data), next_header, 255) + source + everybody
    raw.send(bytes.fromhex("333300000001") + sender + b"\\x86\\xdd" + head + data)
def advert(target): return b"\\x20\\0\\0\\0" + target
send(own, 0, b"", "own", next_header=253)
send(other, 0, b"", "other-source", next_header=253)
send(own, 0, b"", "other-hardware", sender=bytes.fromhex("024200000099"), next_header=253)
send(own, 136, advert(own), "own-advert")
send(own, 136, advert(other), "other-advert")
send(own, 136, advert(router), "router-advert")
send(own, 134, bytes(12), "router")
send(router, 134, bytes(12), "fake-router")
send(own, 137, bytes(36), "redirect")
"""
WATCH = """
import re, socket, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind((sys.argv[1], 3))
raw.settimeout(0.2)
print("ready", flush=True)
seen, until = set(), time.monotonic() + 3
while time.monotonic() < until:
    try:
        seen |= set(re.findall(rb"\\[([a-z0-9-]+)\\]", raw.recv(2000)))
    except TimeoutError:
        continue
print(*(one.decode() for one in seen), flush=True)
"""
