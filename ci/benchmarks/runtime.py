"""One container's start-to-exit: our launcher against the runtimes that are written in C and Go."""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Commands, Row, in_turn, timed
from benchmarks.peers import CRUN_NAMESPACE, busybox_root, ensure, oci_bundle
from toolkit.engine.config import ContainerConfig
from toolkit.engine.spec import Context, to_spec
from toolkit.oci.image import ImageConfig
from toolkit.runtime.client import Launcher
from toolkit.runtime.request import Overlay, StartRequest


def rows(folder: Path) -> Iterator[Row]:
    """``warm crun``: ``/bin/true`` with all namespaces, capabilities and a cgroup.

    Neither has a seccomp filter (crun's default bundle has none); ours mounts an overlay root too.
    """
    ensure("crun", "busybox-static")
    bundle = oci_bundle(folder / "crun", "crun")
    root = busybox_root(folder / "rootfs")
    with Launcher.spawn() as launcher, Commands(CRUN_NAMESPACE) as peer:
        starts = Starts(launcher, root, folder)
        state = f"--root={folder / 'crun-state'}"
        argv = ["crun", state, "run", f"--bundle={bundle}", "bench"]
        yield in_turn(
            "warm crun", goal=0.7, ours=lambda: timed(starts.one), peer=lambda: peer.seconds(argv)
        )


class Starts:
    """Starts ``/bin/true`` again and again through one launcher."""

    def __init__(self, launcher: Launcher, root: Path, folder: Path) -> None:
        self._launcher = launcher
        self._count = 0
        self._folder = folder
        nothing = os.open(os.devnull, os.O_RDWR)
        self._stdio = (nothing, nothing, nothing)
        config = ContainerConfig(rootfs=str(root), command=("/bin/true",), seccomp="unconfined")
        self._spec = to_spec(config, ImageConfig(labels={}), Context(id="bench"))
        self._root = str(root)
        (folder / "states").mkdir()

    def one(self) -> None:
        """One container, from the request to its exit status."""
        self._count += 1
        name = f"bench{self._count}"
        upper, work = self._folder / name / "upper", self._folder / name / "work"
        upper.mkdir(parents=True)
        work.mkdir()
        request = StartRequest(
            id=name,
            spec=self._spec,
            state_dir=str(self._folder / "states" / name),
            cgroup=f"dockyard-bench/{name}",
            overlay=Overlay(lower=(self._root,), upper=str(upper), work=str(work), volatile=True),
            remove=(str(self._folder / name), str(self._folder / "states" / name)),
            passthrough=True,
        )
        with self._launcher.start(request, self._stdio) as session:
            status = session.wait()
        if status != 0:
            raise RuntimeError(f"/bin/true ended with status {status}")
