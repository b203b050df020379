"""A machine to apply playbooks to: namespaces and a root of its own, thrown away afterwards."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import toolkit

# $1 is a folder for the root, $2… are folders that must be visible inside, as they are here.
_BOOT = r"""
set -e
mount --make-rprivate /
base=$1; shift
mount -t tmpfs -o mode=0755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
root="$base/root"
for where in "$@"; do
    mkdir -p "$root$where"
    mount --bind -o ro "$where" "$root$where"
done
for where in run var/lib/dockyard; do
    mkdir -p "$root/$where"
    mount -t tmpfs -o mode=0755 tmpfs "$root/$where"
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mkdir "$root/run/upper"
mount --bind "$base/upper" "$root/run/upper"
ip link set lo up
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, kw_only=True)
class Box:
    """The machine; ``pid`` is its first process, seen from outside."""

    pid: int

    @property
    def root(self) -> Path:
        """Its file system."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def upper(self) -> Path:
        """What was written there: new and changed files, and a mark for each that is gone."""
        return self.root / "run/upper"

    def run(
        self, *argv: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DOCKYARD_")}
        return subprocess.run(
            ("nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", *argv),
            check=check,
            capture_output=True,
            text=True,
            env={**kept, **(env or {})},
        )

    def dockyard(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``dockyard`` inside."""
        return self.run(sys.executable, "-m", "toolkit.cli.entry", *words, check=check)

    def events(self, *words: str, check: bool = True) -> list[dict[str, Any]]:
        """What ``dockyard … --json`` printed."""
        done = self.dockyard(*words, "--json", check=check)
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def make_box(base: Path, *, shown: tuple[Path, ...] = ()) -> Iterator[Box]:
    """A copy of this machine with its own root, network and processes.

    ``base`` is an empty folder for it; ``shown`` are folders that it sees as they are here.
    """
    code = Path(toolkit.__file__).parent.parent
    needed = {sys.prefix, str(code), *map(str, shown)}
    script = ("sh", "-c", _BOOT, "boot", str(base), *sorted(needed))
    argv = ("unshare", "-m", "-u", "-i", "-n", "-p", "-f", "--kill-child", *script)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as starter:
        try:
            assert starter.stdout is not None
            assert starter.stdout.readline() == "ready\n"
            children = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text()
            yield Box(pid=int(children.split()[0]))
        finally:
            starter.kill()
