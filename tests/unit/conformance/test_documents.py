from typing import Any

import pytest

from toolkit.conformance.documents import (
    Box,
    HostDoc,
    Path,
    names_of,
    parse_mountinfo,
    parse_status,
)

MOUNTS = """\
339 338 0:128 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
365 339 0:134 / /proc/acpi ro,relatime - tmpfs none rw,size=4k
400 338 0:140 / /sys ro shared:1 master:2 - sysfs sysfs ro
401 338 0:141 / /sys rw - tmpfs
"""


def test_capabilities_have_names() -> None:
    assert names_of(0) == frozenset()
    assert names_of(0x20000420) == {"AUDIT_WRITE", "KILL", "NET_BIND_SERVICE"}


def test_a_capability_of_tomorrow_keeps_its_number() -> None:
    assert names_of(1 << 63) == {"CAP_63"}


def test_status_is_read_by_name() -> None:
    text = "Name:\tx\nUid:\t1\t2\t3\t4\nGroups:\t5 6 \nCapBnd:\t0000000000000001\nNoNewPrivs:\t1\n"
    status = parse_status(text)
    assert status.uids == (1, 2, 3, 4)
    assert status.groups == (5, 6)
    assert status.sets["CapBnd"] == {"CHOWN"}
    assert status.no_new_privileges
    assert status.seccomp == 0


def test_mountinfo_with_and_without_optional_fields() -> None:
    mounts = parse_mountinfo(MOUNTS)
    assert [mount.kind for mount in mounts] == ["proc", "tmpfs", "sysfs", "tmpfs"]
    assert mounts[1].super_options == {"rw", "size=4k"}
    assert mounts[3].source == ""


def test_the_topmost_mount_counts(box: Box) -> None:
    box.init.raw["mountinfo"] = MOUNTS
    mount = box.init.mount_at("/sys")
    assert mount is not None
    assert mount.kind == "tmpfs"
    assert box.init.mount_at("/none") is None


def test_the_null_device_is_known_when_it_reads_empty() -> None:
    assert Path(kind="c", device="1:3", size=0).is_null
    assert not Path(kind="c", device="1:5", size=0).is_null
    assert not Path(kind="absent").reachable


@pytest.mark.parametrize(
    ("controllers", "version"),
    [([""], "v2"), (["", "memory", "name=systemd"], "hybrid"), (["memory"], "v1")],
)
def test_the_cgroup_version_is_found_by_looking(
    documents: dict[str, Any], controllers: list[str], version: str
) -> None:
    host = HostDoc({**documents["host"], "controllers": controllers, "unified": ["memory"]})
    assert host.cgroup_version == version
    assert "memory" in host.controllers


def test_links_for_children_are_no_namespaces(box: Box) -> None:
    assert "pid_for_children" not in box.init.ns
    assert {"pid", "net", "mnt", "uts", "ipc", "cgroup", "user"} <= set(box.init.ns)
    assert box.outside.ns == box.init.ns
