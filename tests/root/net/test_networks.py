"""Networks that users make, and stacks that containers share."""

import json
import subprocess

import pytest

from support.dock import Dock
from support.lan import HOST, NEIGHBOUR, PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]


def test_a_network_from_first_to_last(dock: Dock) -> None:
    words = ("--subnet", "10.50.0.0/24", "--gateway", "10.50.0.9", "-o")
    identity = dock("network", "create", *words, "com.docker.network.bridge.name=own0", "mine")
    assert len(identity) == 64
    address = dock.serve("web", "--network", "mine")
    assert address == "10.50.0.1"
    assert "10.50.0.9/24" in dock.lan.host.run("ip", "address", "show", "own0").stdout
    (shown,) = json.loads(dock("network", "inspect", "mine"))
    assert shown["Id"] == identity
    assert shown["IPAM"]["Config"] == [{"Subnet": "10.50.0.0/24", "Gateway": "10.50.0.9"}]
    (member,) = shown["Containers"].values()
    assert (member["Name"], member["IPv4Address"]) == ("web", "10.50.0.1/24")
    (seen,) = json.loads(dock("inspect", "web"))
    assert seen["NetworkSettings"]["Networks"]["mine"]["IPAddress"] == "10.50.0.1"
    rows = [line.split() for line in dock("network", "ls").splitlines()[1:]]
    assert [row[1] for row in rows] == ["bridge", "host", "mine", "none"]
    assert "network 'mine' has 1 containers" in dock("network", "rm", "mine", status=1)
    dock("rm", "-f", "web")
    assert dock("network", "rm", "mine") == "mine"
    assert "own0" not in dock.lan.host.run("ip", "link").stdout
    assert "own0" not in dock.lan.host.run("nft", "list", "ruleset").stdout
    assert "no such network: 'mine'" in dock(
        "run", "--rm", "--network", "mine", "host", "true", status=125
    )


def test_networks_are_isolated_both_ways(dock: Dock) -> None:
    dock("network", "create", "left")
    dock("network", "create", "right")
    left, right = (dock.serve(name, "--network", name) for name in ("left", "right"))
    default = dock.serve("plain", "--network", "bridge")
    gateways = {
        name: json.loads(dock("network", "inspect", name))[0]["IPAM"]["Config"][0]["Gateway"]
        for name in ("left", "right")
    }
    dock.lan.host.mirror(7000)
    for name, others in (
        ("left", (right, default, gateways["right"])),
        ("right", (left, default, gateways["left"])),
        ("plain", (left, right, gateways["left"])),
    ):
        for other in others:
            port = 7000 if other in gateways.values() else 80
            assert dock.ask(name, other, port) == "nothing", (name, other)
    assert dock.ask("left", gateways["left"], 7000) == left
    assert dock.lan.host.ask(left, 80) != "nothing"
    dock("rm", "-f", "left", "right", "plain")
    assert dock("network", "prune", "-f").split() == ["Deleted", "Networks:", "left", "right"]


def test_a_published_port_is_reached_from_another_network(dock: Dock) -> None:
    dock("network", "create", "left")
    address = dock.serve("web", "--network", "left", "-p", "8080:80")
    dock.serve("plain", "--network", "bridge")
    assert dock.ask("plain", HOST, 8080) != "nothing"
    assert dock.ask("plain", address, 80) == "nothing"
    assert dock.lan.peer.ask(HOST, 8080) == PEER


def test_an_internal_network_leads_nowhere(dock: Dock) -> None:
    dock("network", "create", "--internal", "inner")
    one, two = (dock.serve(name, "--network", "inner") for name in ("one", "two"))
    dock.lan.neighbour.mirror(7000)
    assert dock.ask("one", two, 80) == one
    assert dock.ask("one", NEIGHBOUR, 7000) == "nothing"
    assert "default" not in dock("exec", "one", "ip", "route")
    gateway = json.loads(dock("network", "inspect", "inner"))[0]["IPAM"]["Config"][0]["Gateway"]
    words = ("exec", "--privileged", "one", "ip", "route", "add", "default", "via", gateway)
    dock(*words)
    assert dock.ask("one", NEIGHBOUR, 7000) == "nothing"


def test_the_packet_size_is_as_asked(dock: Dock) -> None:
    dock("network", "create", "-o", "com.docker.network.driver.mtu=1400", "small")
    said = dock("run", "--rm", "--network", "small", "host", "ip", "link", "show", "eth0")
    assert "mtu 1400" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--subnet", "10.77.0.0/16", "x"), "overlaps 10.77.0.0/24, which this host reaches"),
        (("--subnet", "192.168.5.128/25", "x"), "overlaps 192.168.5.0/24 of network 'bridge'"),
        (("--subnet", "10.1.0.1/24", "x"), "has bits beyond its prefix"),
        (("--subnet", "10.1.0.0/24", "--gateway", "10.2.0.1", "x"), "is not in 10.1.0.0/24"),
        (("--subnet", "10.1.0.0/31", "x"), "leaves no address"),
        (("--gateway", "10.2.0.1", "x"), "a gateway is given without its subnet"),
        (("host",), "the network 'host' is built in"),
        (("a b",), "'a b' is no name for a network"),
        (("-o", "x=1", "x"), "opt: 'x' is not known"),
        (("-o", "com.docker.network.driver.mtu=67", "x"), "mtu: 67 is outside"),
        (("-d", "macvlan", "x"), "driver: 'macvlan' is not built"),
    ],
)
def test_networks_that_cannot_be(dock: Dock, words: tuple[str, ...], message: str) -> None:
    dock("run", "--rm", "--network", "bridge", "host", "true")
    complaint = dock.lan.host.run(*dock.entry, "network", "create", *words, check=False)
    assert complaint.returncode in (1, 2)
    assert message in complaint.stderr
    assert len(dock("network", "ls", "-q").split()) == 1
    assert "br-" not in dock.lan.host.run("ip", "link").stdout


def test_one_network_is_made_once(dock: Dock) -> None:
    dock("network", "create", "mine")
    assert "there is a network 'mine' already" in dock("network", "create", "mine", status=1)
    assert "is built in and stays" in dock("network", "rm", "bridge", status=1)
    assert "no such network: 'mime'" in dock("network", "rm", "mime", status=1)


def test_a_stack_is_shared(dock: Dock) -> None:
    address = dock.serve("web", "--network", "bridge", "-p", "8080:80")
    shared = ("--network", "container:web")
    said = dock("run", "--rm", *shared, "host", "sh", "-c", "hostname; cat /etc/hosts; ip -br a")
    assert said.startswith(dock("exec", "web", "hostname"))
    assert f"{address}\t" in said
    assert f"{address}/24" in said
    dock("run", "-d", "--name", "beside", *shared, "host", "sleep", "60")
    assert dock.ask("beside", "127.0.0.1", 80) == "127.0.0.1"
    third = ("run", "--rm", "--network", "container:beside", "host", "ip", "-br", "address")
    assert f"{address}/24" in dock(*third)


def test_a_stack_outlives_a_restart_of_its_owner(dock: Dock) -> None:
    address = dock.serve("web", "--network", "bridge", "-p", "8080:80")
    dock("run", "-d", "--name", "beside", "--network", "container:web", "host", "sleep", "60")
    dock("stop", "-t", "0", "web")
    assert f"{address}/24" in dock("exec", "beside", "ip", "-br", "address")
    dock("start", "web")
    assert dock.address("web") == address
    assert dock.ask("beside", "127.0.0.1", 80) == "127.0.0.1"
    assert dock.lan.neighbour.ask(HOST, 8080) == NEIGHBOUR
    dock("stop", "-t", "0", "web", "beside")
    dock.wait_until_clean()
    dock("start", "web")
    dock("start", "beside")
    assert dock.ask("beside", dock.address("web"), 80) != "nothing"


def test_a_stack_of_nobody(dock: Dock) -> None:
    run = ("run", "--rm", "--network", "container:web")
    assert "no such container: 'web'" in dock(*run, "host", "true", status=125)
    dock("create", "--name", "web", "host", "true")
    assert "container 'web' is not running" in dock(*run, "host", "true", status=125)
    assert "--publish means nothing" in dock(*run, "-p", "80", "host", "true", status=125)


def test_a_container_cannot_speak_in_another_name(dock: Dock) -> None:
    """A frame with a mark is seen on the bridge only where it is the container's own."""
    address = dock.serve("web", "--network", "bridge")
    dock.serve("other", "--network", "bridge")
    watch = dock.lan.host.words("/usr/bin/python3", "-c", WATCH)
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "ready\n"
        dock("exec", "web", "/usr/bin/python3", "-c", SHOUT, address, "192.168.5.3")
        seen = set(watching.stdout.readline().split())
    assert seen == {"own-ip", "own-arp"}


SHOUT = """
import socket, struct, sys
own, other = (socket.inet_aton(text) for text in sys.argv[1:])
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
mac = raw.getsockname()[4]
fake = bytes.fromhex("024200000099")
everybody = b"\\xff" * 6
def ip(source, sender, mark):
    data = f"[{mark}]".encode()
    fields = (0x45, 0, 20 + len(data), 0, 0, 9, 253, 0, source, b"\\xff" * 4)
    head = struct.pack("!BBHHHBBH4s4s", *fields)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", 0xFFFF - (total & 0xFFFF) - (total >> 16)) + head[12:]
    raw.send(everybody + sender + b"\\x08\\x00" + head + data)
def arp(source, sender, inner, mark):
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 2, inner, source, everybody, source)
    raw.send(everybody + sender + b"\\x08\\x06" + body + f"[{mark}]".encode())
ip(own, mac, "own-ip")
ip(other, mac, "other-source")
ip(own, fake, "other-hardware")
ip(socket.inet_aton("127.0.0.1"), mac, "loopback-source")
arp(own, mac, mac, "own-arp")
arp(other, mac, mac, "other-arp")
arp(own, mac, fake, "fake-arp")
arp(socket.inet_aton("192.168.5.1"), mac, mac, "gateway-arp")
raw.send(everybody + mac + b"\\x86\\xdd" + bytes(40) + b"[ipv6]")
router = bytes.fromhex("6000000000083afffe80" + 28 * "0" + "ff02" + 26 * "0" + "01" + "8600")
raw.send(bytes.fromhex("333300000001") + mac + b"\\x86\\xdd" + router + b"......[advert]")
raw.send(everybody + mac + b"\\x81\\x00\\x00\\x05\\x08\\x00" + b"[vlan]" + bytes(40))
raw.send(bytes.fromhex("0180c2000000") + mac + b"\\x00\\x10\\x42\\x42\\x03" + b"[stp]" + bytes(30))
"""
WATCH = """
import re, socket, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind(("bridge0", 3))
raw.settimeout(0.2)
print("ready", flush=True)
seen, until = set(), time.monotonic() + 4
while time.monotonic() < until:
    try:
        seen |= set(re.findall(rb"\\[([a-z0-9-]+)\\]", raw.recv(2000)))
    except TimeoutError:
        continue
print(*(one.decode() for one in seen), flush=True)
"""
