"""What a bridge adds to a container, from its making to its end, and how much it carries."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.measure import Commands, Row, in_turn, rates_in_turn
from benchmarks.peers import busybox_root, docker, ensure, imported, podman
from benchmarks.places import ADDRESS, Place, host_and_neighbour, place

DOCKYARD = str(Path(sys.executable).with_name("dockyard"))
_PORT = "5201"  # iperf3's own
_SECONDS = "1"
_RUNS, _ATTEMPTS = 9, 20


def rows(folder: Path) -> Iterator[Row]:
    """Set-up against podman and docker, throughput against docker."""
    ensure("podman", "runc", "conmon", "busybox-static", "netavark", "iptables", "nftables")
    ensure("docker.io", "iperf3")
    os.environ["DOCKYARD_DATA_ROOT"] = str(folder / "data")
    os.environ["DOCKYARD_ROOT"] = str(folder / "run")
    os.environ["DOCKYARD_CGROUP_PARENT"] = "dockyard-bench"
    yield from _setup(folder)
    yield from _throughput(folder)


def _setup(folder: Path) -> Iterator[Row]:
    """``run --rm`` on the default bridge, less the same with ``none``."""
    root = busybox_root(folder / "rootfs")
    with ExitStack() as stack:
        ours, theirs, third = (stack.enter_context(place()) for _ in range(3))

        def added(host: Place, *argv: str, rest: Sequence[str]) -> Callable[[], float]:
            commands = stack.enter_context(Commands(host.words()))

            def measure() -> float:
                run = (*argv, "run", "--rm")
                bridged = commands.seconds([*run, "--network=bridge", *rest])
                return bridged - commands.seconds([*run, "--network=none", *rest])

            return measure

        rest = ("--rootfs", str(root), "true")
        mine = added(ours, DOCKYARD, rest=rest)
        prefix = stack.enter_context(podman(folder))
        peer = added(theirs, *prefix, rest=rest)
        yield in_turn("setup podman", goal=0.3, ours=mine, peer=peer)
        client = stack.enter_context(docker(folder, third.words()))
        peer = added(third, *client, rest=(imported(client, root, "bench"), "true"))
        yield in_turn("setup docker", goal=0.3, ours=mine, peer=peer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One engine on a host with a neighbour, and an iperf3 that serves in a container of it."""

    host: Place
    neighbour: Place
    argv: tuple[str, ...]
    image: tuple[str, ...]

    def serve(self) -> None:
        """Start it."""
        words = ("--detach", "--name=server", "--network=bridge", f"--publish={_PORT}:{_PORT}")
        self.host.run(*self.argv, "run", *words, *self.image, "iperf3", "-s")

    def inside(self) -> float:
        """Gbit/s from another container on the same bridge."""
        shown = self.host.run(*self.argv, "inspect", "server")
        address = json.loads(shown)[0]["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        run = (*self.argv, "run", "--rm", "--network=bridge", *self.image)
        return _rate(self.host, *run, *_client(address))

    def published(self) -> float:
        """Gbit/s from the neighbour through the published port."""
        return _rate(self.neighbour, *_client(ADDRESS))

    def end(self) -> None:
        """Stop it."""
        self.host.run(*self.argv, "rm", "--force", "server")


def _throughput(folder: Path) -> Iterator[Row]:
    """iperf3 from container to container, and from a neighbour through a published port."""
    root = _iperf_root(folder / "iperf")
    with ExitStack() as stack:
        host, neighbour = stack.enter_context(host_and_neighbour())
        rootfs = ("--rootfs", str(root))
        ours = Side(host=host, neighbour=neighbour, argv=(DOCKYARD,), image=rootfs)
        host, neighbour = stack.enter_context(host_and_neighbour())
        argv = tuple(stack.enter_context(docker(folder, host.words())))
        image = (imported(argv, root, "iperf"),)
        peer = Side(host=host, neighbour=neighbour, argv=argv, image=image)
        for side in (ours, peer):
            side.serve()
            stack.callback(side.end)
        for name, rate in (("throughput docker", Side.inside), ("port docker", Side.published)):
            yield rates_in_turn(
                name, goal=1 / 0.95, ours=partial(rate, ours), peer=partial(rate, peer), runs=_RUNS
            )


def _client(address: str) -> tuple[str, ...]:
    return ("iperf3", "--json", "--client", address, "--time", _SECONDS)


def _rate(where: Place, *argv: str) -> float:
    """What arrived; a server that has just ended another test says that it is busy."""
    for _ in range(_ATTEMPTS):
        said = where.said(*argv)
        if "busy" not in said.get("error", ""):
            break
        time.sleep(0.2)
    return float(said["end"]["sum_received"]["bits_per_second"]) / 1e9


def _iperf_root(folder: Path) -> Path:
    """A root file system with iperf3 and the libraries that it needs."""
    busybox_root(folder)
    program = shutil.which("iperf3")
    assert program
    shutil.copy(program, folder / "bin/iperf3")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for word in listed.split():
        if word.startswith("/"):
            copy = folder / word.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, copy)
    return folder
