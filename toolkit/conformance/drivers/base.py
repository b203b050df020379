"""What every driver does, and the root directory that those without images share."""

from dataclasses import dataclass
from typing import Protocol

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.machine import Machine, Ran

PASSWD = "root:x:0:0:root:/root:/bin/sh\nprobe:x:1000:1000:probe:/:/bin/sh\n"  # noqa: S105 - no password
GROUP = "root:x:0:\nprobe:x:1000:\n"
# Links into /usr where a host has merged them (all supported ones); copies would be slow.
_SKELETON = """
set -eu
umask 022
mkdir "$1"
cd "$1"
mkdir -p dev etc proc root run sys tmp usr var/tmp
chmod 1777 tmp var/tmp
for name in bin sbin lib lib64 lib32; do
    if [ -e "/usr/$name" ]; then ln -s "usr/$name" "$name"; fi
done
printf %s "$2" > etc/passwd
printf %s "$3" > etc/group
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A running container: its id, its first process as the host counts, its host name if asked."""

    id: str
    pid: int
    hostname: str = ""


class Driver(Protocol):
    """One runtime on one host."""

    @property
    def name(self) -> str:
        """How the runtime was named on the command line."""

    @property
    def profile(self) -> str:
        """Which profile holds its defaults."""

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        """Start a container that goes on running; raises ``BoxError``."""

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        """Run one more process in it, to its end."""

    def run(self, argv: tuple[str, ...]) -> Ran:
        """Run a container with defaults to its end and remove it."""

    def remove(self, started: Started) -> None:
        """Kill it and remove everything of it."""

    def close(self) -> None:
        """Remove whatever the driver made for itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """Where a driver works: the host, what is known about it, and a name for this session."""

    machine: Machine
    host: HostDoc
    session: str


def with_swap(spec: BoxSpec, host: HostDoc) -> int:
    """The limit on memory and swap together, so that swap does not widen the limit; 0 is none."""
    return spec.memory if host.swaps and host.counts_swap else 0


def make_root(machine: Machine, root: str) -> None:
    """Make a root directory whose programs come from the host's ``/usr``, mounted read-only."""
    argv = ("sh", "-c", _SKELETON, "sh", root, PASSWD, GROUP)
    machine.must(argv, "a root directory cannot be made")
