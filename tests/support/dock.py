"""``dockyard`` on the host of a LAN that is not this machine's."""

import sys
import time
from dataclasses import dataclass

from support.lan import ASK, MIRROR, PYTHON, Lan

ENTRY = (sys.executable, "-m", "toolkit.cli.entry")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dock:
    """``dockyard`` on the host of a LAN."""

    lan: Lan
    entry: tuple[str, ...] = ENTRY

    def __call__(self, *words: str, status: int = 0) -> str:
        """Run it; its output, or what it complained where a ``status`` is expected."""
        done = self.lan.host.run(*ENTRY, *words, check=False)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return (done.stderr if status else done.stdout).strip()

    def serve(self, name: str, *words: str, ports: tuple[int, ...] = (80,)) -> str:
        """A container in the background that answers on ``ports``; its address."""
        numbers = [str(port) for port in ports]
        self("run", "-d", "--name", name, *words, "host", PYTHON, "-c", MIRROR, *numbers)
        return self.address(name)

    def address(self, name: str, *, served: bool = True) -> str:
        """The address inside, once what was started there answers; empty where there is none."""
        deadline = time.monotonic() + 60
        while served and self("exec", name, "ss", "-lntH") == "":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        found = self("exec", name, "ip", "-4", "-o", "address").split()
        inside = [word for place, word in enumerate(found) if found[place - 1] == "inet"]
        return "".join(one.partition("/")[0] for one in inside if not one.startswith("127."))

    def ask(self, name: str, address: str, port: int, *, protocol: str = "tcp") -> str:
        """Whom a mirror takes a running container for."""
        return self("exec", name, PYTHON, "-c", ASK, protocol, address, str(port), "2")

    def links(self) -> set[str]:
        """The links of the host that begin with ``veth``."""
        lines = self.lan.host.run("ip", "-br", "link").stdout.splitlines()
        return {line.split("@")[0].split()[0] for line in lines if line.startswith("veth")}

    def elements(self) -> int:
        """How many elements the rules for containers hold."""
        done = self.lan.host.run("nft", "list", "map", "bridge", "dockyard", "wires", check=False)
        return done.stdout.count("goto")

    def wait_until_clean(self) -> None:
        """Nothing of any container is left; a namespace takes a moment to go."""
        deadline = time.monotonic() + 60
        while self.links():
            assert time.monotonic() < deadline, self.links()
            time.sleep(0.05)
        self("ps")
        while self.elements():
            assert time.monotonic() < deadline
            time.sleep(0.05)
