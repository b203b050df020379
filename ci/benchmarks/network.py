"""What a bridge adds to a container, from its making to its end: ours against podman's."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Commands, Row, in_turn
from benchmarks.peers import busybox_root, ensure, podman

# A host of its own: nothing of this machine's network is touched.
_HOST = ("unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")


def rows(folder: Path) -> Iterator[Row]:
    """``setup podman``: ``run --rm`` on the default bridge, less the same with ``none``."""
    ensure("podman", "runc", "conmon", "busybox-static", "netavark", "iptables", "nftables")
    root = busybox_root(folder / "rootfs")
    os.environ["DOCKYARD_DATA_ROOT"] = str(folder / "data")
    os.environ["DOCKYARD_ROOT"] = str(folder / "run")
    os.environ["DOCKYARD_CGROUP_PARENT"] = "dockyard-bench"
    with podman(folder) as prefix, Commands(_HOST) as commands:

        def added(*argv: str) -> float:
            run = (*argv, "run", "--rm")
            rest = ("--rootfs", str(root), "true")
            bridged = commands.seconds([*run, "--network=bridge", *rest])
            return bridged - commands.seconds([*run, "--network=none", *rest])

        yield in_turn(
            "setup podman",
            goal=0.3,
            ours=lambda: added(str(Path(sys.executable).with_name("dockyard"))),
            peer=lambda: added(*prefix),
        )
