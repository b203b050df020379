"""Whole commands as people type them: ours against podman's."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Commands, Row, in_turn
from benchmarks.peers import busybox_root, ensure, podman


def rows(folder: Path) -> Iterator[Row]:
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
