"""What a test may leave behind, counted by what carries its mark or its folder."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Mounts below a folder, and cgroups, processes and network namespaces with a mark."""

    folder: Path
    mark: str
    found: frozenset[str]

    @classmethod
    def take(cls, folder: Path, mark: str) -> "Snapshot":
        """Look now."""
        found = {*_mounts(folder), *_cgroups(mark), *_processes(mark), *_run_states(folder)}
        return cls(folder=folder, mark=mark, found=frozenset(found))

    def wait_until_like(self, before: "Snapshot", *, timeout: float = 30) -> list[str]:
        """What is more than ``before``, after giving what is ending a moment to end."""
        deadline = time.monotonic() + timeout
        now = self
        while now.found - before.found and time.monotonic() < deadline:
            time.sleep(0.05)
            now = Snapshot.take(self.folder, self.mark)
        return sorted(now.found - before.found)


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [f"mount {line.split()[4]}" for line in lines if str(folder) in line]


def _cgroups(mark: str) -> list[str]:
    # os.walk passes over what other tests remove meanwhile; rglob does not.
    return [
        f"cgroup {folder}/{name}"
        for folder, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if name.startswith(mark)
    ]


def _processes(mark: str) -> list[str]:
    needle = f"DOCKYARD_TEST_MARK={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(_own_pid()):
            continue
        try:
            if needle in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"process {entry.name} {command}")
        except OSError:  # it ended while we looked, or it is a kernel thread
            continue
    return found


def _own_pid() -> int:
    return int(Path("/proc/self").readlink().name)


def _run_states(folder: Path) -> list[str]:
    return [f"state {path}" for path in (folder / "run").glob("*/state.json")]
