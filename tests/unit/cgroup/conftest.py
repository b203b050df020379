"""A folder that stands for a cgroup file system: its groups have the files that a kernel gives."""

from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.cgroup.layout import UNIFIED, Hierarchy, Layout

V2_FILES = {
    "cgroup.controllers": "cpuset cpu io memory pids",
    "cgroup.subtree_control": "",
    "cgroup.procs": "",
    "cgroup.events": "populated 0\nfrozen 0\n",
    "cgroup.freeze": "0",
    "cgroup.kill": "",
    "cpu.max": "max 100000",
    "cpu.weight": "100",
    "cpu.stat": "usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_periods 2\n",
    "cpuset.cpus": "",
    "cpuset.mems": "",
    "memory.current": "4096",
    "memory.peak": "8192",
    "memory.max": "max",
    "memory.low": "0",
    "memory.swap.max": "max",
    "memory.stat": "anon 1\ninactive_file 2048\n",
    "memory.events": "low 0\noom 2\noom_kill 1\n",
    "pids.current": "1",
    "pids.max": "max",
    "io.stat": "254:0 rbytes=10 wbytes=20 rios=1\n254:1 rbytes=1 wbytes=2\n",
}
V1_FILES = {
    "cpu": {
        "cpu.shares": "1024",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "-1",
        "cpu.stat": "nr_periods 5\nnr_throttled 2\nthrottled_time 3000\n",
    },
    "cpuacct": {
        "cpuacct.usage": "9000",
        "cpuacct.usage_user": "5000",
        "cpuacct.usage_sys": "4000",
    },
    "cpuset": {"cpuset.cpus": "0-1", "cpuset.mems": "0"},
    "memory": {
        "memory.usage_in_bytes": "4096",
        "memory.max_usage_in_bytes": "8192",
        "memory.limit_in_bytes": "9223372036854771712",
        "memory.soft_limit_in_bytes": "9223372036854771712",
        "memory.memsw.limit_in_bytes": "9223372036854771712",
        "memory.stat": "cache 1\ntotal_inactive_file 1024\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    },
    "devices": {"devices.allow": "", "devices.deny": ""},
    "freezer": {"freezer.state": "THAWED\n"},
    "pids": {"pids.max": "max", "pids.current": "1"},
    "blkio": {
        "blkio.throttle.io_service_bytes_recursive": "254:0 Read 10\n254:0 Write 20\nTotal 30\n"
    },
}

Fill = Callable[[Path, dict[str, str]], Path]


def fill(directory: Path, files: dict[str, str]) -> Path:
    """A group with the files of a kernel."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name).write_text(text)
    return directory


@pytest.fixture
def v2(tmp_path: Path) -> Layout:
    """A v2 machine that already has the empty groups ``dockyard/box``."""
    for path in (tmp_path, tmp_path / "dockyard", tmp_path / "dockyard" / "box"):
        fill(path, V2_FILES)
    mount = str(tmp_path)
    own = str(tmp_path / "system.slice")
    hierarchy = Hierarchy(controllers=(UNIFIED,), mount=mount, own=own, version=2)
    return Layout(kind="v2", v2=hierarchy)


@pytest.fixture
def v1(tmp_path: Path) -> Layout:
    """A v1 machine whose groups lie below ``own`` and that has the empty ``dockyard/box``."""
    hierarchies = []
    for controller, files in V1_FILES.items():
        mount = tmp_path / controller
        tasks = {"tasks": "", "cgroup.procs": ""}
        for path in ("", "own", "own/dockyard", "own/dockyard/box", "dockyard/box"):
            fill(mount / path, {**files, **tasks})
        hierarchies.append(
            Hierarchy(
                controllers=(controller,), mount=str(mount), own=str(mount / "own"), version=1
            )
        )
    return Layout(kind="v1", v1=tuple(hierarchies))
