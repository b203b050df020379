"""User namespaces: whose ids the container's are, what it may do with them, and who joins it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.boxes import make_root
from support.oci_boxes import Oci

pytestmark = pytest.mark.root

FIRST, COUNT = 200_000, 1000
MAPS = [{"containerID": 0, "hostID": FIRST, "size": COUNT}]
KINDS = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
MAPPED: dict[str, Any] = {
    "namespaces": [{"type": kind} for kind in KINDS],
    "uidMappings": MAPS,
    "gidMappings": MAPS,
}
WRITABLE = {"readonly": False}


@pytest.fixture
def mapped(program: str, home: Path, require: Callable[[str], str]) -> Iterator[Oci]:
    """``oci`` with a root file system that belongs to the mapped root."""
    root = make_root(home / "image", require("busybox"))
    for path in (root, *root.rglob("*")):
        os.chown(path, FIRST, FIRST, follow_symlinks=False)
    made = Oci(program, root, home, os.environ["DOCKYARD_CGROUP_PARENT"])
    yield made
    made.end()


def test_root_inside_is_somebody_else_outside(mapped: Oci) -> None:
    script = "id -u; cat /proc/self/uid_map /proc/self/setgroups; touch /new; mount -t tmpfs x /tmp"
    bundle = mapped.bundle("sh", "-c", script, root=WRITABLE, linux=MAPPED)
    done = mapped.call("run", "--bundle", str(bundle), "box")
    assert done.status == 1
    assert done.err == "mount: permission denied (are you root?)\n"  # it has no capability for it
    assert done.out.split() == ["0", "0", str(FIRST), str(COUNT), "allow"]
    made = next(mapped.states.parent.glob("image/new")).stat()
    assert (made.st_uid, made.st_gid) == (FIRST, FIRST)


def test_its_namespaces_are_its_own(mapped: Oci) -> None:
    every = [f"CAP_{name}" for name in ("SYS_ADMIN", "NET_ADMIN", "SYS_CHROOT")]
    sets = dict.fromkeys(("bounding", "effective", "permitted"), every)
    script = (
        "hostname new && mount -t tmpfs x /tmp && echo 7 > /proc/sys/net/core/somaxconn; hostname"
    )
    linux = {**MAPPED, "readonlyPaths": []}
    process = {"capabilities": sets}
    bundle = mapped.bundle("sh", "-c", script, process=process, linux=linux)
    assert mapped.must("run", "--bundle", str(bundle), "box") == "new\n"


def test_a_user_can_open_the_pipes_that_are_its_stdio(mapped: Oci) -> None:
    who = {"uid": 5, "gid": 6, "additionalGids": [7]}
    script = "id -u; id -g; id -G; echo again > /proc/self/fd/1"
    bundle = mapped.bundle("sh", "-c", script, process={"user": who}, linux=MAPPED)
    line = (mapped.program, "--root", str(mapped.states), "run", "--bundle", str(bundle), "box")
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert done.stdout == "5\n6\n6 7\nagain\n"


def test_a_whole_life(mapped: Oci) -> None:
    limits = {"pids": {"limit": 50}, "memory": {"limit": 64 << 20}}
    adjusted = {"oomScoreAdj": 100, "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]}
    linux = {**MAPPED, "resources": limits}
    bundle = mapped.bundle("sleep", "600", process=adjusted, linux=linux)
    mapped.must("create", "--bundle", str(bundle), "box")
    mapped.must("start", "box")
    pid = mapped.state("box")["pid"]
    owner = Path(f"/proc/{pid}").stat()
    assert owner.st_uid == FIRST
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "100\n"
    group = json.loads((mapped.states / "box/state.json").read_text())["cgroup"]
    for directory in set(group.values()):
        assert str(pid) in Path(directory, "cgroup.procs").read_text().split()
    said = mapped.must("exec", "box", "sh", "-c", "id -u; cat /proc/self/uid_map").split()
    assert said == ["0", "0", str(FIRST), str(COUNT)]
    script = "readlink /proc/self/ns/user; readlink /proc/1/ns/user"
    one, other = mapped.must("exec", "box", "sh", "-c", script).split()
    assert one == other
    assert mapped.must("exec", "--user", "3:4", "box", "id", "-u") == "3\n"
    mapped.must("kill", "box", "KILL")
    mapped.wait_for("box", "stopped")
    mapped.must("delete", "box")


def test_a_bind_comes_from_where_only_the_hosts_root_may_look(mapped: Oci, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    (secret / "file").write_text("given")
    (secret / "file").chmod(0o644)
    mount = {"destination": "/tmp/file", "source": str(secret / "file"), "options": ["bind", "ro"]}
    bundle = mapped.bundle("cat", "/tmp/file", linux=MAPPED)
    add(bundle, mount)
    assert mapped.must("run", "--bundle", str(bundle), "box") == "given"


def add(bundle: Path, *mounts: dict[str, Any]) -> None:
    config = json.loads((bundle / "config.json").read_text())
    config["mounts"] += mounts
    (bundle / "config.json").write_text(json.dumps(config))


def test_one_joins_the_namespaces_of_another(mapped: Oci) -> None:
    mapped.must("run", "-d", "--bundle", str(mapped.bundle("sleep", "600", linux=MAPPED)), "one")
    pid = mapped.state("one")["pid"]
    files = {"network": "net"}
    joined = [
        {"type": kind, "path": f"/proc/{pid}/ns/{files.get(kind, kind)}"}
        for kind in ("user", "pid", "network", "ipc", "uts", "cgroup")
    ]
    dummy = [{"containerID": 0, "hostID": 0, "size": 1}]  # podman lists one where it joins
    linux = {"uidMappings": dummy, "gidMappings": dummy, "namespaces": [*joined, {"type": "mount"}]}
    script = "for kind in user pid net ipc uts cgroup; do readlink /proc/self/ns/$kind; done"
    links = ("sh", "-c", script)
    process = {"user": {"uid": 3, "gid": 4}}
    other = mapped.bundle(*links, name="other", process=process, linux=linux, hostname="")
    theirs = mapped.must("exec", "one", *links)
    assert mapped.must("run", "--bundle", str(other), "other") == theirs


def test_a_terminal(mapped: Oci) -> None:
    bundle = mapped.bundle("tty", process={"terminal": True}, linux=MAPPED)
    line = f"{mapped.program} --root {mapped.states} run --bundle {bundle} box"
    argv = ("script", "-qec", line, "/dev/null")
    stdin, never_closed = os.pipe()  # script(1) shows the end of its own input
    done = subprocess.run(argv, check=True, capture_output=True, text=True, stdin=stdin)
    os.close(stdin)
    os.close(never_closed)
    assert done.stdout.startswith("/dev/pts/0\n")


@pytest.mark.parametrize(
    ("linux", "user", "said"),
    [
        ({"uidMappings": []}, {}, "linux.uidMappings: a new user namespace needs them"),
        (
            {"gidMappings": [{"containerID": 1, "hostID": 5, "size": 1}]},
            {},
            "linux.gidMappings: id 0 of the container is not mapped",
        ),
        ({"uidMappings": [*MAPS, *MAPS]}, {}, "linux.uidMappings[1].containerID: the range"),
        (
            {"uidMappings": [{"containerID": 0, "hostID": -1, "size": 1}]},
            {},
            "linux.uidMappings[0]: a range of 1 ids from 0 to -1 is none",
        ),
        ({}, {"uid": COUNT}, f"process.user.uid: {COUNT} is not mapped"),
        ({}, {"additionalGids": [0, 5000]}, "process.user.additionalGids[1]: 5000 is not"),
        (
            {"namespaces": [{"type": "mount"}]},
            {},
            "linux.uidMappings: there is no user namespace to map ids in",
        ),
    ],
)
def test_maps_that_fit_nothing_are_refused(
    oci: Oci, linux: dict[str, Any], user: dict[str, Any], said: str
) -> None:
    process = {"user": {"uid": 0, "gid": 0, **user}}
    bundle = oci.bundle("true", process=process, hostname="", linux={**MAPPED, **linux})
    refused = oci.call("create", "--bundle", str(bundle), "box")
    assert refused.status == 1
    assert said in refused.err
    assert oci.must("list", "--quiet") == ""
