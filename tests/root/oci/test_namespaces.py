"""Namespaces: all kinds made and joined, and the clocks of one."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

FILES = {"network": "net", "mount": "mnt"}
KINDS = ("pid", "network", "ipc", "uts", "mount", "cgroup", "time")


def listed(*kinds: str, pid: int = 0) -> list[dict[str, str]]:
    """The namespaces of these kinds; those of process ``pid``, if given, but its mounts."""
    return [
        {"type": kind, **({"path": f"/proc/{pid}/ns/{FILES.get(kind, kind)}"} if pid else {})}
        for kind in kinds
    ]


def links(oci: Oci, name: str) -> dict[str, str]:
    pid = oci.state(name)["pid"]
    return {kind: os.readlink(f"/proc/{pid}/ns/{FILES.get(kind, kind)}") for kind in KINDS}


def test_all_are_made_and_joined(oci: Oci) -> None:
    made = oci.bundle("sleep", "600", linux={"namespaces": listed(*KINDS)})
    oci.must("run", "-d", "--bundle", str(made), "one")
    own = {kind: os.readlink(f"/proc/self/ns/{FILES.get(kind, kind)}") for kind in KINDS}
    theirs = links(oci, "one")
    assert not set(own.items()) & set(theirs.items())
    joined = listed(*(kind for kind in KINDS if kind != "mount"), pid=oci.state("one")["pid"])
    namespaces = [*joined, {"type": "mount"}]
    other = oci.bundle("sleep", "600", name="two", hostname="", linux={"namespaces": namespaces})
    oci.must("run", "-d", "--bundle", str(other), "two")
    assert {kind for kind, link in links(oci, "two").items() if link != theirs[kind]} == {"mount"}
    script = "for kind in pid net ipc uts mnt cgroup time; do readlink /proc/self/ns/$kind; done"
    assert oci.must("exec", "one", "sh", "-c", script).split() == [theirs[kind] for kind in KINDS]


def test_clocks_are_set(oci: Oci) -> None:
    offsets = {"boottime": {"secs": 1_000_000, "nanosecs": 5}, "monotonic": {"secs": 2_000_000}}
    linux = {"namespaces": listed(*KINDS), "timeOffsets": offsets}
    bundle = oci.bundle("cat", "/proc/uptime", linux=linux)
    up = float(oci.must("run", "--bundle", str(bundle), "box").split()[0])
    outside = float(Path("/proc/uptime").read_text().split()[0])
    assert 999_900 < up - outside < 1_000_100
    held = oci.bundle("sleep", "600", name="held", linux=linux)
    oci.must("run", "-d", "--bundle", str(held), "held")
    inside = float(oci.must("exec", "held", "cat", "/proc/uptime").split()[0])
    assert inside - outside > 999_900


def test_one_is_listed_twice(oci: Oci) -> None:
    bundle = oci.bundle("true", linux={"namespaces": listed("mount", "pid", "pid")})
    refused = oci.call("create", "--bundle", str(bundle), "box")
    assert "config.json: linux.namespaces[2].type: 'pid' is listed twice" in refused.err
    assert not oci.states.exists() or not os.listdir(oci.states)


def test_a_path_leads_to_another_kind(oci: Oci) -> None:
    namespaces = [*listed("mount"), {"type": "network", "path": "/proc/self/ns/pid"}]
    bundle = oci.bundle("true", hostname="", linux={"namespaces": namespaces})
    refused = oci.call("create", "--bundle", str(bundle), "box")
    said = "linux.namespaces[1].path: '/proc/self/ns/pid' is no network namespace"
    assert refused.status == 1
    assert said in refused.err
    assert json.loads(oci.must("list", "--format", "json")) == []


def test_a_joined_mount_namespace_gets_the_containers_root(oci: Oci) -> None:
    argv = ("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo up; exec sleep 600")
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"up\n"
            path = f"/proc/{owner.pid}/ns/mnt"
            namespaces = [*listed("pid", "network", "ipc", "uts"), {"type": "mount", "path": path}]
            bundle = oci.bundle("sleep", "600", linux={"namespaces": namespaces})
            oci.must("run", "-d", "--bundle", str(bundle), "box")
            assert os.readlink(f"/proc/{oci.state('box')['pid']}/ns/mnt") == os.readlink(path)
            said = oci.must("exec", "box", "sh", "-c", "readlink /proc/self/ns/mnt; ls /")
            assert said.split()[0] == os.readlink(path)
            assert "home" not in said.split()
            oci.must("delete", "--force", "box")
        finally:
            owner.kill()
    assert str(oci.states) not in Path("/proc/self/mountinfo").read_text()
    assert str(bundle) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("path", ["/proc/self/ns/mnt", "/proc/thread-self/ns/mnt"])
def test_the_hosts_mounts_are_not_joined(oci: Oci, path: str) -> None:
    namespaces = [*listed("pid"), {"type": "mount", "path": path}]
    bundle = oci.bundle("true", hostname="", linux={"namespaces": namespaces})
    refused = oci.call("run", "--bundle", str(bundle), "box")
    assert refused.status == 1
    assert "linux.namespaces[1].path: " in refused.err
    assert "is the host's mount namespace" in refused.err
    assert oci.must("list", "--quiet") == ""
