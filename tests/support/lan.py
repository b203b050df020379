"""Network namespaces that stand for machines: a host, two neighbours on its LAN, a routed peer.

The host has 10.77.0.1 on the LAN and 10.78.0.1 towards the peer; the neighbours are 10.77.0.2 and
10.77.0.3, the peer 10.78.0.2. The first neighbour and the peer know nothing of the containers'
subnets, unless a test tells them; the second sends to all of them through the host, as one would
who wants to get at what is not published. A switch joins the three of the LAN.
"""

import os
import subprocess
import time
from dataclasses import dataclass, field

HOST, NEIGHBOUR, SECOND = "10.77.0.1", "10.77.0.2", "10.77.0.3"
TO_PEER, PEER = "10.78.0.1", "10.78.0.2"

PYTHON = "/usr/bin/python3"

# Answers everybody with the address that they seem to have.
MIRROR = """
import socket, sys, threading
def tcp(port):
    server = socket.create_server(("0.0.0.0", port))
    while True:
        client, address = server.accept()
        client.sendall(address[0].encode())
        client.close()
def udp(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    while True:
        _, address = server.recvfrom(100)
        server.sendto(address[0].encode(), address)
for port in map(int, sys.argv[1:]):
    threading.Thread(target=tcp, args=(port,)).start()
    threading.Thread(target=udp, args=(port,)).start()
"""
ASK = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
sock = socket.socket(socket.AF_INET, kind)
sock.settimeout(float(sys.argv[4]))
try:
    sock.connect((sys.argv[2], int(sys.argv[3])))
    # Whoever is connected gets an answer, however busy this machine is.
    sock.settimeout(60 if kind == socket.SOCK_STREAM else 2 * float(sys.argv[4]))
    if kind == socket.SOCK_DGRAM:
        sock.send(b"?")
    print(sock.recv(100).decode())
except OSError as error:
    print("nothing")
"""


@dataclass(kw_only=True, slots=True)
class Place:
    """One namespace, held by a process that sleeps."""

    holder: "subprocess.Popen[bytes]"
    helpers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @classmethod
    def make(cls) -> "Place":
        """A namespace with its loopback up."""
        holder = subprocess.Popen(("unshare", "--net", "sleep", "3600"))
        place = cls(holder=holder)
        while place._is_ours():
            time.sleep(0.01)
        place.run("ip", "link", "set", "lo", "up")
        return place

    def _is_ours(self) -> bool:
        """Whether the holder has not yet left this process's own namespace."""
        own = os.stat("/proc/self/ns/net")
        return os.path.samestat(own, os.stat(f"/proc/{self.holder.pid}/ns/net"))

    def words(self, *argv: str) -> tuple[str, ...]:
        """The command line that runs ``argv`` there."""
        return ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *argv)

    def run(self, *argv: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a program there to its end."""
        return subprocess.run(
            self.words(*argv), capture_output=True, text=True, check=check, timeout=180
        )

    def ask(self, address: str, port: int, *, protocol: str = "tcp", wait: float = 2) -> str:
        """Whom a mirror takes this place for; ``nothing`` where none answers."""
        argv = (PYTHON, "-c", ASK, protocol, address, str(port), str(wait))
        return self.run(*argv).stdout.strip()

    def mirror(self, *ports: int) -> None:
        """Answer there until the end of the test."""
        argv = self.words(PYTHON, "-c", MIRROR, *map(str, ports))
        unmarked = {key: value for key, value in os.environ.items() if not key.startswith("DOCK")}
        self.helpers.append(subprocess.Popen(argv, env=unmarked))
        deadline = time.monotonic() + 60
        while any(self.ask("127.0.0.1", port, wait=1) == "nothing" for port in ports):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self) -> None:
        """End it with all that runs there."""
        for process in (*self.helpers, self.holder):
            process.kill()
            process.wait()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lan:
    """All of them."""

    host: Place
    neighbour: Place
    second: Place
    peer: Place
    switch: Place

    @classmethod
    def make(cls) -> "Lan":
        """Wire them up."""
        lan = cls(**{name: Place.make() for name in cls.__dataclass_fields__})
        lan.switch.run("ip", "link", "add", "lan", "up", "type", "bridge")
        lan._plug(lan.host, "lan0", HOST)
        lan._plug(lan.neighbour, "eth0", NEIGHBOUR)
        lan._plug(lan.second, "eth0", SECOND)
        lan._wire(lan.peer, "wan0", TO_PEER, PEER)
        for one in (lan.neighbour, lan.second):
            one.run("ip", "route", "add", "default", "via", HOST)
        lan.peer.run("ip", "route", "add", "default", "via", TO_PEER)
        return lan

    def _plug(self, place: Place, name: str, address: str) -> None:
        """Lead a cable from the switch to a machine."""
        port = f"to-{address.rpartition('.')[2]}"
        words = ("type", "veth", "peer", "name", name, "netns", str(place.holder.pid))
        self.switch.run("ip", "link", "add", port, "master", "lan", *words)
        self.switch.run("ip", "link", "set", port, "up")
        place.run("ip", "address", "add", f"{address}/24", "dev", name)
        place.run("ip", "link", "set", name, "up")

    def _wire(self, other: Place, name: str, ours: str, theirs: str) -> None:
        pid = str(other.holder.pid)
        words = ("type", "veth", "peer", "name", "eth0", "netns", pid)
        self.host.run("ip", "link", "add", name, *words)
        self.host.run("ip", "address", "add", f"{ours}/24", "dev", name)
        self.host.run("ip", "link", "set", name, "up")
        other.run("ip", "address", "add", f"{theirs}/24", "dev", "eth0")
        other.run("ip", "link", "set", "eth0", "up")

    def close(self) -> None:
        """End them all."""
        for place in (self.host, self.neighbour, self.second, self.peer, self.switch):
            place.close()
