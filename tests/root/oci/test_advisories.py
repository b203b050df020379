"""Bugs that other runtimes had, tried on ours: harmless canaries stand where the host would be.

``tests/unit/test_advisories.py`` says which advisory each test is about.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

SWAP = """
import os, sys
directory, link = sys.argv[1:]
while True:
    os.rename(directory, directory + ".aside")
    os.rename(link, directory)
    os.rename(directory, link)
    os.rename(directory + ".aside", directory)
"""


@pytest.fixture
def image(busybox_root: Path, tmp_path: Path) -> Path:
    """A copy of the root that a test may spoil."""
    return Path(shutil.copytree(busybox_root, tmp_path / "image", symlinks=True))


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder of the host that must stay as it is, and must not be seen."""
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "bird").write_text("sings")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["bird"]
    assert (folder / "bird").read_text() == "sings"


def bundle(oci: Oci, image: Path, *args: str, mounts: list[Any] | None = None, **more: Any) -> str:
    made = oci.bundle(*args, root={"path": str(image), "readonly": False}, **more)
    path = made / "config.json"
    config = json.loads(path.read_text())
    config["mounts"] += mounts or []
    path.write_text(json.dumps(config))
    return str(made)


@pytest.mark.parametrize("name", ["proc", "sys", "dev", "dev/pts", "dev/shm"])
def test_a_mount_point_that_is_a_link(oci: Oci, image: Path, canary: Path, name: str) -> None:
    place = image / name
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(canary)
    line = ("run", "--bundle", bundle(oci, image, "ls", "/proc", f"/{name}"), "box")
    done = oci.call(*line)
    assert "bird" not in done.out
    if name in ("proc", "sys"):
        assert done.status == 1
        assert "of the image is a symbolic link" in done.err


def test_a_directory_that_is_swapped_for_a_link_during_starts(
    oci: Oci, image: Path, canary: Path
) -> None:
    (image / "data").mkdir()
    (image / "link").symlink_to(canary)
    mounts = [
        {"destination": "/data/in", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/data/deep/er", "type": "tmpfs", "source": "tmpfs"},
    ]
    made = bundle(oci, image, "ls", "/data/", mounts=mounts)
    argv = (sys.executable, "-c", SWAP, str(image / "data"), str(image / "link"))
    with subprocess.Popen(argv) as swapping:
        try:
            said = [oci.call("run", "--bundle", made, f"box{number}").out for number in range(12)]
        finally:
            swapping.kill()
    assert not any("bird" in text for text in said)
    assert str(canary) not in Path("/proc/self/mountinfo").read_text()


def test_a_parameter_is_written_to_the_kernel_only(oci: Oci, image: Path, canary: Path) -> None:
    (canary / "bird").write_text("sings")
    fake = canary.parent / "fake"
    (fake / "net/core").mkdir(parents=True)
    target = fake / "net/core/somaxconn"
    target.write_text("untouched")
    mounts = [{"destination": "/proc/sys", "source": str(fake), "options": ["bind"]}]
    linux = {"sysctl": {"net.core.somaxconn": "77"}, "readonlyPaths": []}
    made = bundle(oci, image, "true", mounts=mounts, linux=linux)
    done = oci.call("run", "--bundle", made, "box")
    assert done.status == 1
    assert "'net.core.somaxconn' of the container is no kernel parameter" in done.err
    assert target.read_text() == "untouched"


def test_a_working_directory_behind_a_link(oci: Oci, image: Path, canary: Path) -> None:
    (image / "work").symlink_to(canary)
    process = {"cwd": "/work/made"}
    done = oci.call("run", "--bundle", bundle(oci, image, "pwd", process=process), "box")
    assert str(canary) not in os.listdir("/")
    assert done.status in (0, 1)


def test_a_working_directory_that_the_user_cannot_enter(oci: Oci, image: Path) -> None:
    (image / "closed").mkdir(mode=0o700)
    process = {
        "cwd": "/closed/below",
        "user": {"uid": 5, "gid": 5},
        "capabilities": {},
    }
    made = bundle(oci, image, "sh", "-c", "pwd; ls; touch x || echo refused", process=process)
    done = oci.call("run", "--bundle", made, "box")
    assert "refused" in done.out or done.status != 0
    assert not Path("/closed").exists()


@pytest.mark.parametrize("how", ["run", "exec"])
def test_no_capability_is_inheritable_unless_asked_for(oci: Oci, how: str) -> None:
    looks = ("grep", "CapInh", "/proc/self/status")
    if how == "run":
        said = oci.must("run", "--bundle", str(oci.bundle(*looks)), "box")
    else:
        oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "600")), "box")
        said = oci.must("exec", "--cap", "CAP_NET_RAW", "box", *looks)
    assert said.split() == ["CapInh:", "0000000000000000"]


def test_only_the_groups_that_are_asked_for(oci: Oci) -> None:
    user = {"uid": 5, "gid": 6, "additionalGids": [7]}
    made = oci.bundle("id", "-G", process={"user": user})
    before = os.getgroups()
    os.setgroups([*before, 4242])
    try:
        assert oci.must("run", "--bundle", str(made), "box").split() == ["6", "7"]
    finally:
        os.setgroups(before)


def test_groups_of_control_cannot_be_written(oci: Oci) -> None:
    script = "cd /sys/fs/cgroup && ls > /dev/null && mkdir x 2>&1; find . -name release_agent"
    said = oci.call("run", "--bundle", str(oci.bundle("sh", "-c", script)), "box").out
    assert "Read-only file system" in said
    assert "release_agent" not in said


def test_abstract_sockets_of_the_host_are_out_of_reach(oci: Oci) -> None:
    name = f"\0dockyard-test-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "600")), "box")
        pid = oci.state("box")["pid"]
        seen = Path(f"/proc/{pid}/net/unix").read_text()
    assert name[1:] not in seen
    assert "@" not in seen  # and ours has none there, whoever could call it


def test_our_own_sockets_have_names_that_permissions_guard(oci: Oci) -> None:
    oci.must("create", "--bundle", str(oci.bundle("sleep", "600")), "box")
    assert (oci.states / "box").stat().st_mode & 0o777 == 0o700
    ours = [line for line in Path("/proc/net/unix").read_text().splitlines() if "dockyard" in line]
    assert not any("@" in line.split()[-1][:1] for line in ours if str(oci.states) in line)


def test_an_exec_cannot_be_traced_before_its_program_runs(oci: Oci) -> None:
    every = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]
    capabilities = dict.fromkeys(("bounding", "effective", "permitted"), every)
    # It looks at every process of the container as it comes, and for what that has open.
    script = (
        "for n in $(seq 400); do for p in /proc/[0-9]*; do"
        " case $(readlink $p/exe) in */busybox|'') ;; *) ls -l $p/fd $p/cwd;; esac; done; done"
    )
    made = oci.bundle("sh", "-c", script, process={"capabilities": capabilities})
    log = oci.states.parent / "seen"
    line = (oci.program, "--root", str(oci.states), "run", "--bundle", str(made), "box")
    with log.open("wb") as out, subprocess.Popen(line, stdout=out, stderr=out) as watching:
        deadline = time.monotonic() + 60
        while oci.call("state", "box").status and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(4):
            oci.call("exec", "box", "true")
        oci.call("kill", "box", "KILL")
        watching.wait(60)
    seen = log.read_text(errors="replace")
    assert str(oci.states) not in seen
    assert "/usr/lib/python3" not in seen
