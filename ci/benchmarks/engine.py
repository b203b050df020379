"""Whole commands as people type them: ours against podman's, and Docker's against two daemons."""

import os
import statistics
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import daemons
from benchmarks.daemons import IMAGE, Daemon
from benchmarks.measure import Commands, Row, in_turn, timed
from benchmarks.peers import busybox_root, ensure, podman

_AT_ONCE = 50
_MANY = 1000
_ROUNDS = 5


def rows(folder: Path) -> Iterator[Row]:
    """Against dockerd, then against podman."""
    yield from against_docker(folder)
    yield from against_podman(folder)


def against_docker(folder: Path) -> Iterator[Row]:
    """The same ``docker`` command against our socket and against dockerd's."""
    ensure("docker.io", "containerd", "runc", "iptables", "busybox-static")
    root = busybox_root(folder / "image")
    with daemons.ours(folder / "ours") as ours, daemons.dockerd(folder / "docker") as peer:
        yield _memory(ours, peer)
        for one in (ours, peer):
            daemons.give_image(one, root)
        with Commands() as commands:

            def seconds(daemon: Daemon, *words: str) -> float:
                return commands.seconds([*daemon.client, *words])

            for network in ("none", "bridge"):
                words = ("run", "--rm", f"--network={network}", IMAGE, "true")
                yield in_turn(
                    f"docker run {network}",
                    goal=0.35,
                    ours=lambda words=words: seconds(ours, *words),
                    peer=lambda words=words: seconds(peer, *words),
                )
            for one in (ours, peer):
                seconds(one, "run", "-d", "--name=stands", "--network=none", IMAGE, "sleep", "3600")
            yield in_turn(
                "docker exec",
                goal=0.6,
                ours=lambda: seconds(ours, "exec", "stands", "true"),
                peer=lambda: seconds(peer, "exec", "stands", "true"),
            )
            yield _parallel(ours, peer)
            for one in (ours, peer):
                _create(one, _MANY)
            yield in_turn(
                "ps docker",
                goal=0.5,
                ours=lambda: seconds(ours, "ps", "-a"),
                peer=lambda: seconds(peer, "ps", "-a"),
                runs=10,
            )


def _memory(ours: Daemon, peer: Daemon) -> Row:
    """Both have answered one request."""
    mine, theirs = ours.memory(), peer.memory()
    return Row(
        name="memory docker",
        ours=mine,
        peer=theirs,
        ratio=mine / theirs,
        goal=0.6,
        unit="MiB",
        runs=1,
    )


def _parallel(ours: Daemon, peer: Daemon) -> Row:
    """Starts a second, when fifty clients ask at once; the inverse ratio, for it is a rate."""
    pairs = [(_rate(ours), _rate(peer)) for _ in range(_ROUNDS)]
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    return Row(
        name="parallel docker",
        ours=mine,
        peer=theirs,
        ratio=theirs / mine,
        goal=1 / 8,
        unit="1/s",
        runs=_ROUNDS,
    )


def _rate(daemon: Daemon) -> float:
    made: list[str] = []
    body = {"Image": IMAGE, "Cmd": ["sleep", "3600"], "HostConfig": {"NetworkMode": "none"}}

    def start(_: int) -> None:
        api = daemon.api()
        container = api.ask("POST", "/containers/create", body)["Id"]
        made.append(container)
        api.ask("POST", f"/containers/{container}/start")
        api.close()

    with ThreadPoolExecutor(_AT_ONCE) as clients:
        taken = timed(lambda: list(clients.map(start, range(_AT_ONCE))))
    for container in made:
        daemon.api().ask("DELETE", f"/containers/{container}?force=1")
    return _AT_ONCE / taken


def _create(daemon: Daemon, count: int) -> None:
    """Containers that are listed."""
    body = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}

    def make(_: int) -> None:
        api = daemon.api()
        api.ask("POST", "/containers/create", body)
        api.close()

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(make, range(count)))


def against_podman(folder: Path) -> Iterator[Row]:
    """``run podman``: ``run --rm --network none`` of ``/bin/true`` on the same root directory."""
    ensure("podman", "runc", "conmon", "busybox-static")
    root = busybox_root(folder / "rootfs")
    os.environ["DOCKYARD_DATA_ROOT"] = str(folder / "data")
    os.environ["DOCKYARD_ROOT"] = str(folder / "run")
    os.environ["DOCKYARD_CGROUP_PARENT"] = "dockyard-bench"
    what = ["run", "--rm", "--network=none"]
    with podman(folder) as prefix, Commands() as commands:
        ours = [
            str(Path(sys.executable).with_name("dockyard")),
            *what,
            "--rootfs",
            str(root),
            "true",
        ]
        peer = [*prefix, *what, "--rootfs", str(root), "true"]
        yield in_turn(
            "run podman",
            goal=0.5,
            ours=lambda: commands.seconds(ours),
            peer=lambda: commands.seconds(peer),
        )
