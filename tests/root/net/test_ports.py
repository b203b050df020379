"""Published ports from every vantage point, and what must not be one."""

import os
import signal
import subprocess
import time

import pytest

from support.dock import Dock
from support.lan import HOST, NEIGHBOUR, PYTHON, TO_PEER

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

BRIDGE = ("--network", "bridge")
GATEWAY = "192.168.5.1"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_from_everywhere(dock: Dock, protocol: str) -> None:
    own = dock.serve("web", *BRIDGE, "-p", f"8080:80/{protocol}")
    other = dock.serve("other", *BRIDGE)
    lan = dock.lan

    def ask(place: str, address: str) -> str:
        if place in ("web", "other"):
            return dock.ask(place, address, 8080, protocol=protocol)
        found: str = getattr(lan, place).ask(address, 8080, protocol=protocol)
        return found

    assert ask("neighbour", HOST) == "10.77.0.2"
    assert ask("second", HOST) == "10.77.0.3"
    assert ask("peer", TO_PEER) == "10.78.0.2"
    assert ask("peer", HOST) == "10.78.0.2"
    for address in ("127.0.0.1", "127.1.2.3", HOST, GATEWAY):
        assert ask("host", address) != "nothing", address
    assert ask("web", HOST) == GATEWAY
    assert ask("web", GATEWAY) == GATEWAY
    assert ask("other", HOST) == GATEWAY
    assert other != own


def test_only_what_is_published_is_reached(dock: Dock) -> None:
    address = dock.serve("web", *BRIDGE, "-p", "8080:80", ports=(80, 81))
    dock.lan.neighbour.run("ip", "route", "add", "192.168.5.0/24", "via", HOST)
    assert dock.lan.neighbour.ask(HOST, 8080) == "10.77.0.2"
    assert dock.lan.neighbour.ask(HOST, 8080, protocol="udp") == "nothing"
    assert dock.lan.neighbour.ask(HOST, 8081) == "nothing"
    assert dock.lan.neighbour.ask(address, 81) == "nothing"
    assert dock.lan.neighbour.ask(address, 80) == "nothing"


def test_a_port_of_the_hosts_loopback_is_the_hosts_alone(dock: Dock) -> None:
    """CVE-2020-8558, and CVE-2025-54388: nobody gets there by another way."""
    address = dock.serve("web", *BRIDGE, "-p", "127.0.0.1:8080:80")
    dock.serve("other", *BRIDGE)
    lan = dock.lan
    lan.host.mirror(9000)
    assert lan.host.ask("127.0.0.1", 8080) == GATEWAY
    for place in (lan.neighbour, lan.second, lan.peer):
        assert place.ask(HOST, 8080) == "nothing"
        assert place.ask(address, 80) == "nothing"
    assert dock.ask("other", HOST, 8080) == "nothing"
    lan.neighbour.run("ip", "route", "add", "192.168.5.0/24", "via", HOST)
    assert lan.neighbour.ask(address, 80) == "nothing"
    # A neighbour that sends what is meant for 127.0.0.1 over the wire.
    lan.neighbour.run("ip", "link", "set", "lo", "down")
    lan.neighbour.run("ip", "route", "flush", "table", "local")
    lan.neighbour.run("ip", "route", "add", "127.0.0.1/32", "via", HOST, "dev", "eth0")
    lan.neighbour.run("sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1")
    lan.neighbour.run("ip", "route", "add", "local", "10.77.0.2", "dev", "eth0", "table", "local")
    assert lan.neighbour.ask("127.0.0.1", 9000, wait=1) == "nothing"
    assert lan.neighbour.ask("127.0.0.1", 8080, wait=1) == "nothing"


def test_a_port_on_one_address(dock: Dock) -> None:
    dock.serve("web", *BRIDGE, "-p", f"{HOST}:8080:80")
    assert dock.lan.neighbour.ask(HOST, 8080) == "10.77.0.2"
    assert dock.lan.peer.ask(TO_PEER, 8080) == "nothing"
    assert dock.lan.host.ask("127.0.0.1", 8080) == "nothing"


def test_a_taken_port_fails_before_anything_is_made(dock: Dock) -> None:
    dock.lan.host.mirror(8080)
    run = ("run", "--rm", *BRIDGE, "-p", "8080:80", "host", "true")
    assert "port 0.0.0.0:8080/tcp is taken by a program of this host" in dock(*run, status=125)
    assert "bridge0" not in dock.lan.host.run("ip", "link").stdout
    assert dock("ps", "-aq") == ""
    dock.serve("web", *BRIDGE, "-p", "127.0.0.1:8081:80")
    again = ("run", "--rm", *BRIDGE, "-p", "8081:80", "host", "true")
    assert "port 0.0.0.0:8081/tcp is taken by container" in dock(*again, status=125)
    dock("rm", "-f", "web")
    dock("run", "--rm", *BRIDGE, "-p", "8081:80", "host", "true")


def test_ranges_and_any_port_as_docker_prints_them(dock: Dock) -> None:
    words = ("-p", "8000-8001:80-81", "-p", "127.0.0.1:9053:53/udp", "-p", "90")
    dock.serve("web", *BRIDGE, *words, ports=(80, 81, 90))
    lines = dock("port", "web").splitlines()
    assert lines[:5] == [
        "53/udp -> 127.0.0.1:9053",
        "80/tcp -> 0.0.0.0:8000",
        "80/tcp -> [::]:8000",
        "81/tcp -> 0.0.0.0:8001",
        "81/tcp -> [::]:8001",
    ]
    chosen = lines[5]
    outer = int(chosen.removeprefix("90/tcp -> 0.0.0.0:"))
    assert 32768 <= outer < 61000
    assert dock.lan.neighbour.ask(HOST, outer) == "10.77.0.2"
    assert dock.lan.neighbour.ask(HOST, 8001) == "10.77.0.2"
    assert dock("port", "web", "80").splitlines() == ["0.0.0.0:8000", "[::]:8000"]
    assert dock("port", "web", "53/udp") == "127.0.0.1:9053"
    assert "no public port '53/tcp'" in dock("port", "web", "53", status=1)
    assert "0.0.0.0:8000->80/tcp" in dock("ps")


def test_a_port_leads_nowhere_once_its_container_is_over(dock: Dock) -> None:
    dock.serve("web", *BRIDGE, "-p", "8080:80")
    dock("rm", "-f", "web")
    assert dock.lan.neighbour.ask(HOST, 8080) == "nothing"
    dock.lan.host.mirror(8080)
    assert dock.lan.neighbour.ask(HOST, 8080) == "10.77.0.2"


def test_answers_come_back_through_a_connection_that_was_open(dock: Dock) -> None:
    """A published port carries more than one packet each way."""
    many = "import socket; s = socket.create_server(('0.0.0.0', 80)); c, _ = s.accept()\n"
    many += "c.sendall(b'x' * 3_000_000); c.close()"
    dock("run", "-d", "--name", "big", *BRIDGE, "-p", "8080:80", "host", PYTHON, "-c", many)
    dock.address("big")
    read = f"import socket; s = socket.create_connection(({HOST!r}, 8080)); n = 0\n"
    read += "while d := s.recv(65536): n += len(d)\nprint(n)"
    done = subprocess.run(
        dock.lan.neighbour.words(PYTHON, "-c", read), capture_output=True, text=True, check=True
    )
    assert done.stdout == "3000000\n"


BIND = "import socket; socket.create_server(('{}', {})); print('had')"


def test_a_port_is_held_while_its_container_runs(dock: Dock) -> None:
    host = dock.lan.host

    def bind(address: str, port: int = 8080) -> str:
        words = (PYTHON, "-c", BIND.format(address, port))
        return host.run(*words, check=False).stdout.strip()

    dock.serve("web", "-p", "8080:80", "-p", "127.0.0.1:8081:80")
    assert (bind("0.0.0.0"), bind("127.0.0.1"), bind("10.77.0.1")) == ("", "", "")
    assert (bind("127.0.0.1", 8081), bind("10.77.0.1", 8081)) == ("", "had")
    pids = host.run("ss", "-lntpH", "sport", "=", "8080").stdout
    assert "dockyard-ports" in pids
    pid = pids.split("pid=")[1].split(",")[0]
    os.kill(int(pid), signal.SIGKILL)
    dock("ps")  # which sees that nobody holds it any more
    assert bind("127.0.0.1") == ""
    dock("stop", "-t", "0", "web")
    assert bind("127.0.0.1") == "had"
    dock("start", "web")
    assert bind("127.0.0.1") == ""
    dock("kill", "web")
    deadline = time.monotonic() + 60
    while bind("127.0.0.1") == "":
        assert time.monotonic() < deadline


def test_what_is_exposed_is_published_by_one_flag(dock: Dock) -> None:
    dock.serve("web", "-P", "--expose", "80", "--expose", "81/udp", "-p", "9000:90")
    lines = dict(line.split(" -> ") for line in dock("port", "web").splitlines() if "0.0" in line)
    assert set(lines) == {"80/tcp", "81/udp", "90/tcp"}
    outer = int(lines["80/tcp"].partition(":")[2])
    assert outer >= 32768
    assert dock.lan.neighbour.ask(HOST, outer) == NEIGHBOUR


def test_a_range_means_any_port_of_it(dock: Dock) -> None:
    dock.serve("one", "-p", "8000-8001:80")
    dock.serve("two", "-p", "8000-8001:80")
    assert dock("port", "one", "80").splitlines()[0] == "0.0.0.0:8000"
    assert dock("port", "two", "80").splitlines()[0] == "0.0.0.0:8001"
    run = ("run", "--rm", "-p", "8000-8001:80", "host", "true")
    assert "no port of 8000-8001 is free" in dock(*run, status=125)
