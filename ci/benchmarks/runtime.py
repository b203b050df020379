"""One container's start-to-exit: our launcher against the runtimes that are written in C and Go."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from benchmarks import crowd
from benchmarks.measure import Commands, Row, in_turn, timed
from benchmarks.peers import CRUN_NAMESPACE, busybox_root, ensure, oci_bundle
from benchmarks.starts import Starts
from toolkit.runtime.client import Launcher


def rows(folder: Path) -> Iterator[Row]:
    """One start, warm and cold, one exec, and many containers at once."""
    yield from warm(folder)
    yield from cold(folder)


def warm(folder: Path) -> Iterator[Row]:
    """``warm crun``: ``/bin/true`` with all namespaces, capabilities and a cgroup.

    Neither has a seccomp filter (crun's default bundle has none); ours mounts an overlay root too.
    Both keep their state on a tmpfs, as ``/run`` is one on a host.
    """
    ensure("crun", "busybox-static")
    bundle = oci_bundle(folder / "crun", "crun")
    root = busybox_root(folder / "rootfs")
    with (
        TemporaryDirectory(prefix="dockyard-bench-", dir="/dev/shm") as run,
        Launcher.spawn() as launcher,
        Commands(CRUN_NAMESPACE) as peer,
    ):
        starts = Starts(launcher, root, folder=folder, states=Path(run, "ours"))
        argv = ["crun", f"--root={run}/crun", "run", f"--bundle={bundle}"]
        yield in_turn(
            "warm crun",
            goal=0.5,
            ours=lambda: timed(starts.one),
            peer=lambda: peer.seconds([*argv, "bench"]),
        )
        yield crowd.parallel(starts, peer, argv)
        yield crowd.flat(starts)
        ensure("containerd", "runc")
        yield crowd.memory(starts, root, folder)


def cold(folder: Path) -> Iterator[Row]:
    """``cold runc`` and ``exec runc``: whole commands, on one bundle of runc's own default."""
    ensure("runc", "busybox-static")
    bundle = oci_bundle(folder / "runc", "runc")
    ours = [str(Path(sys.executable).with_name("dockyard-oci")), f"--root={folder / 'oci-state'}"]
    peer = ["runc", f"--root={folder / 'runc-state'}"]
    with Commands() as commands:
        run = ["run", f"--bundle={bundle}", "bench"]
        yield in_turn(
            "cold runc",
            goal=1.5,
            ours=lambda: commands.seconds([*ours, *run]),
            peer=lambda: commands.seconds([*peer, *run]),
        )
        with Sleeping(bundle, ours), Sleeping(bundle, peer):
            yield in_turn(
                "exec runc",
                goal=1.5,
                ours=lambda: commands.seconds([*ours, "exec", Sleeping.NAME, "/bin/true"]),
                peer=lambda: commands.seconds([*peer, "exec", Sleeping.NAME, "/bin/true"]),
            )


class Sleeping:
    """A container of one runtime that stands there to be entered."""

    NAME = "bench-sleeping"

    def __init__(self, bundle: Path, runtime: list[str]) -> None:
        self._runtime = runtime
        self._bundle = bundle.parent / f"sleeping-{Path(runtime[0]).name}"
        self._bundle.mkdir()
        config = json.loads((bundle / "config.json").read_text())
        config["process"]["args"] = ["/bin/sleep", "3600"]
        config["root"]["path"] = str(bundle / "rootfs")
        config["linux"]["cgroupsPath"] = self._bundle.name  # two runtimes cannot share a group
        (self._bundle / "config.json").write_text(json.dumps(config))

    def __enter__(self) -> Self:
        argv = [*self._runtime, "run", "--detach", f"--bundle={self._bundle}", self.NAME]
        subprocess.run(
            argv,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._runtime, "delete", "--force", self.NAME], check=True)
