"""Figures of a whole report, out of files as both versions write them."""

import os
from pathlib import Path

import pytest

from toolkit.cgroup.details import Device, Usage, read_details
from toolkit.cgroup.oom import OomWatch
from toolkit.core.errors import UnsupportedError

V1 = {
    "memory.stat": "cache 4096\nrss 8192\n",
    "memory.failcnt": "3\n",
    "memory.memsw.usage_in_bytes": "10\n",
    "memory.memsw.limit_in_bytes": "30\n",
    "memory.memsw.max_usage_in_bytes": "20\n",
    "memory.memsw.failcnt": "1\n",
    "memory.kmem.usage_in_bytes": "7\n",
    "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n",
    "blkio.throttle.io_serviced_recursive": "8:0 Write 2\n",
    "hugetlb.2MB.usage_in_bytes": "5\n",
    "hugetlb.2MB.limit_in_bytes": "6\n",
    "hugetlb.2MB.failcnt": "0\n",
}
V2 = {
    "memory.stat": "file 4096\nanon 8192\n",
    "memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n",
    "memory.swap.current": "10\n",
    "memory.swap.max": "max\n",
    "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:32\n",
    "hugetlb.2MB.current": "5\n",
    "hugetlb.2MB.max": "6\n",
    "hugetlb.2MB.rsvd.current": "0\n",
}


def fill(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder)


def test_v1(tmp_path: Path) -> None:
    folder = fill(tmp_path, V1)
    found = read_details(dict.fromkeys(("memory", "blkio", "hugetlb"), folder))
    assert found.memory == {"cache": 4096, "rss": 8192}
    assert found.memory_failures == 3
    assert found.swap == Usage(usage=10, highest=20, limit=30, failures=1)
    assert found.kernel == Usage(usage=7)
    assert found.io_bytes == (Device(major=8, minor=0, kind="Read", value=4096),)
    assert found.io_calls == (Device(major=8, minor=0, kind="Write", value=2),)
    assert found.hugepages == {"2MB": Usage(usage=5, limit=6, failures=0)}


def test_v2(tmp_path: Path) -> None:
    found = read_details({"unified": fill(tmp_path, V2)})
    assert found.memory == {"file": 4096, "anon": 8192}
    assert found.memory_failures == 4
    assert found.swap == Usage(usage=10)
    kinds = [(entry.kind, entry.value) for entry in (*found.io_bytes, *found.io_calls)]
    assert kinds == [
        ("Read", 1),
        ("Write", 2),
        ("Discard", 5),
        ("Read", 3),
        ("Write", 4),
        ("Discard", 6),
    ]
    assert found.hugepages == {"2MB": Usage(usage=5, limit=6)}


def test_a_group_that_is_gone_has_nothing(tmp_path: Path) -> None:
    found = read_details({"unified": str(tmp_path / "gone")})
    assert (found.memory, found.io_bytes, found.hugepages) == ({}, (), {})


def test_kills_are_counted_since_the_last_look(tmp_path: Path) -> None:
    folder = fill(tmp_path, V2)
    with OomWatch({"unified": folder}) as watch:
        assert watch.take() == 0
        (tmp_path / "memory.events").write_text("oom_kill 3\n")
        assert watch.take() == 2
        assert watch.take() == 0
        assert os.fstat(watch.fileno())


def test_without_a_memory_controller_nobody_tells(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no memory controller"):
        OomWatch({"unified": str(tmp_path)})
