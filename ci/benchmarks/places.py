"""Network namespaces that stand for machines, so that nothing of this one is touched."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

ADDRESS = "10.77.0.1"
"""The host's on its LAN; its neighbour has the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One namespace, held by a process that sleeps."""

    pid: int

    def words(self, *argv: str) -> tuple[str, ...]:
        """The command line that runs ``argv`` there."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv)

    def run(self, *argv: str) -> str:
        """What a program prints there, which must end with status 0."""
        return subprocess.run(
            self.words(*argv), check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
        ).stdout

    def said(self, *argv: str) -> Any:
        """The JSON that a program prints there, whatever its status."""
        argv = self.words(*argv)
        done = subprocess.run(
            argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        return json.loads(done.stdout)


@contextmanager
def place() -> Iterator[Place]:
    """A namespace with its loopback up."""
    with subprocess.Popen(("unshare", "--net", "sleep", "infinity")) as holder:
        try:
            made = Place(pid=holder.pid)
            while os.path.samestat(
                os.stat("/proc/self/ns/net"), os.stat(f"/proc/{holder.pid}/ns/net")
            ):
                time.sleep(0.01)
            made.run("ip", "link", "set", "lo", "up")
            yield made
        finally:
            holder.kill()


@contextmanager
def host_and_neighbour() -> Iterator[tuple[Place, Place]]:
    """Two of them on one LAN."""
    with ExitStack() as stack:
        host, neighbour = stack.enter_context(place()), stack.enter_context(place())
        peer = ("peer", "name", "eth0", "netns", str(neighbour.pid))
        host.run("ip", "link", "add", "lan0", "type", "veth", *peer)
        host.run("ip", "address", "add", f"{ADDRESS}/24", "dev", "lan0")
        host.run("ip", "link", "set", "lan0", "up")
        neighbour.run("ip", "address", "add", "10.77.0.2/24", "dev", "eth0")
        neighbour.run("ip", "link", "set", "eth0", "up")
        yield host, neighbour
