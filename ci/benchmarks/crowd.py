"""Many containers at once: their rate, what waits beside each, and whether the last starts as fast.

The peer of our shim is containerd's, which waits beside a container in the same way.
"""

import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Commands, Row, rates_in_turn, timed
from benchmarks.starts import Starts
from toolkit.runtime.client import connect_shim, read_state

AT_ONCE = 50
ROUNDS = 8
IDLE = 100
FLAT = 500
ENDS = 50  # as many of the first and of the last starts are compared
_PATIENCE = 60


def parallel(starts: Starts, peer: Commands, argv: list[str]) -> Row:
    """``parallel crun``: containers a second, of fifty that are asked for at once."""
    lines = [[*argv, f"bench{number}"] for number in range(AT_ONCE)]
    return rates_in_turn(
        "parallel crun",
        goal=0.67,
        ours=lambda: AT_ONCE / timed(lambda: starts.together(AT_ONCE)),
        peer=lambda: AT_ONCE / peer.together(lines),
        runs=ROUNDS,
        unit="1/s",
    )


def flat(starts: Starts) -> Row:
    """``flat 500``: the last fifty starts of five hundred that stay, against the first fifty."""
    with staying(starts, FLAT) as seconds:
        first, last = seconds[:ENDS], seconds[-ENDS:]
    mine, theirs = statistics.median(last), statistics.median(first)
    return Row(
        name="flat 500",
        ours=mine,
        peer=theirs,
        ratio=mine / theirs,
        goal=1.2,
        unit="s",
        runs=FLAT,
    )


def memory(starts: Starts, root: Path, folder: Path) -> Row:
    """``memory containerd-shim``: what waits beside one idle container, of a hundred (PSS).

    The goal is 1 MiB of ours against containerd's 3.3.
    """
    with staying(starts, IDLE):
        shims = {found.shim_pid for path in starts.running if (found := read_state(path))}
        mine = proportional(shims) / IDLE
    with containerd(folder) as client:
        for number in range(IDLE):
            line = [*client, "run", "--detach", "--rootfs", str(root), f"idle{number}"]
            subprocess.run([*line, "/bin/sleep", "3600"], check=True, stdout=subprocess.DEVNULL)
        theirs = proportional(set(_shims(folder))) / IDLE
    return Row(
        name="memory containerd-shim",
        ours=mine,
        peer=theirs,
        ratio=mine / theirs,
        goal=0.3,
        unit="MiB",
        runs=IDLE,
    )


def proportional(pids: set[int]) -> float:
    """The MiB that these processes have to themselves, shared ones divided among the sharers."""
    found = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss":
                found += int(rest.split()[0])
    return found / 1024


@contextmanager
def staying(starts: Starts, count: int) -> Iterator[list[float]]:
    """That many idle containers, each with a shim; the seconds that each took to start."""
    try:
        yield [timed(starts.idle) for _ in range(count)]
    finally:
        for path in starts.running:
            with connect_shim(path) as session:
                session.signal(signal.SIGKILL)
                session.wait()
        starts.running.clear()


@contextmanager
def containerd(folder: Path) -> Iterator[list[str]]:
    """A containerd with stores of its own; the argv prefix of its client."""
    socket, config = folder / "containerd.sock", folder / "containerd.toml"
    config.write_text(
        "version = 2\n"
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'root = "{folder}/containerd"\nstate = "{folder}/containerd-state"\n'
        f'[grpc]\naddress = "{socket}"\n'
    )
    line = ["containerd", "--config", str(config), "--log-level", "error"]
    client = ["ctr", "--address", str(socket)]
    log = folder / "containerd.log"  # its shims write there, too
    with log.open("w") as said, subprocess.Popen(line, stdout=said, stderr=said) as daemon:
        try:
            until = time.monotonic() + _PATIENCE
            while subprocess.run([*client, "version"], capture_output=True, check=False).returncode:
                if time.monotonic() > until:
                    raise RuntimeError("containerd does not answer")
                time.sleep(0.1)
            yield client
        finally:
            _empty(client)
            daemon.terminate()


def _empty(client: list[str]) -> None:
    names = subprocess.run(
        [*client, "tasks", "ls", "-q"], capture_output=True, text=True, check=False
    )
    for name in names.stdout.split():
        for words in (["tasks", "delete", "--force"], ["containers", "delete"]):
            subprocess.run([*client, *words, name], check=False, capture_output=True)


def _shims(folder: Path) -> Iterator[int]:
    """The shims of the containerd that serves in ``folder``."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"containerd-shim" in line and str(folder).encode() in line:
                yield int(entry.name)
