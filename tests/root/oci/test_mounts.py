"""Mounts: mapped ids, recursive options, and who sees what is mounted later."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

FIRST = 200_000


def bundle(oci: Oci, script: str, *mounts: dict[str, Any], **changes: Any) -> str:
    """A bundle with more mounts that runs a script."""
    made = oci.bundle("sh", "-c", script, **changes)
    config = json.loads((made / "config.json").read_text())
    config["mounts"] += mounts
    (made / "config.json").write_text(json.dumps(config))
    return str(made)


def bind(source: object, *options: str, to: str = "/tmp", **more: Any) -> dict[str, Any]:
    return {"destination": to, "source": str(source), "options": options or ("rbind",), **more}


def maps(first: int, size: int = 10) -> list[dict[str, int]]:
    return [{"containerID": 0, "hostID": first, "size": size}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of root and of another user."""
    made = tmp_path / "folder"
    made.mkdir(mode=0o777)
    (made / "roots").write_text("")
    (made / "other").write_text("")
    os.chown(made / "other", 3, 4)
    return made


def test_ids_are_mapped(oci: Oci, folder: Path) -> None:
    mount = bind(folder, "bind", uidMappings=maps(FIRST), gidMappings=maps(FIRST))
    script = "stat -c %u.%g /tmp/roots /tmp/other"
    said = oci.must("run", "--bundle", bundle(oci, script, mount), "box").split()
    assert said == [f"{FIRST}.{FIRST}", f"{FIRST + 3}.{FIRST + 4}"]


@pytest.mark.parametrize("option", ["idmap", "ridmap"])
def test_ids_are_mapped_as_the_containers(oci: Oci, folder: Path, option: str) -> None:
    kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
    linux = {
        "namespaces": [{"type": kind} for kind in kinds],
        "uidMappings": maps(FIRST),
        "gidMappings": maps(FIRST),
    }
    script = "stat -c %u.%g /tmp/roots /tmp/other; touch /tmp/new"
    made = bundle(oci, script, bind(folder, "rbind", option), linux=linux)
    assert oci.must("run", "--bundle", made, "box").split() == ["0.0", "3.4"]
    assert (folder / "new").stat().st_uid == 0  # as it is root's inside, it is root's outside


def test_without_maps_there_is_nothing_to_map_as(oci: Oci, folder: Path) -> None:
    refused = oci.call("run", "--bundle", bundle(oci, "true", bind(folder, "bind", "idmap")), "box")
    assert refused.status == 1
    assert "has an idmap and no maps, nor has the container" in refused.err


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[Path]:
    """A folder with a tmpfs below it."""
    top = tmp_path / "top"
    (top / "below").mkdir(parents=True)
    subprocess.run(("mount", "-t", "tmpfs", "x", str(top / "below")), check=True)
    yield top
    subprocess.run(("umount", str(top / "below")), check=True)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (("rbind", "ro"), ("ro", "rw")),
        (("rbind", "rro"), ("ro", "ro")),
        (("rbind", "ro", "rrw"), ("rw", "rw")),
        (("rbind", "rnosuid", "rnodev", "rnoexec"), ("rw,nosuid,nodev,noexec",) * 2),
        (("rbind", "rnoatime"), ("rw,noatime",) * 2),
        (("rbind", "rro", "rnosymfollow"), ("ro,relatime,nosymfollow",) * 2),
    ],
)
def test_options_of_the_whole_tree(
    oci: Oci, nested: Path, options: Sequence[str], flags: Sequence[str]
) -> None:
    made = bundle(oci, "cat /proc/self/mountinfo", bind(nested, *options))
    lines = oci.must("run", "--bundle", made, "box").splitlines()
    found = {line.split()[4]: line.split()[5] for line in lines}
    for path, wanted in zip(("/tmp", "/tmp/below"), flags, strict=True):
        assert set(wanted.split(",")) <= set(found[path].split(",")), (path, found[path])


def test_options_of_a_new_file_system(oci: Oci) -> None:
    mount = {"destination": "/tmp", "type": "tmpfs", "source": "x", "options": ["rro", "rshared"]}
    said = oci.must("run", "--bundle", bundle(oci, "grep /tmp /proc/self/mountinfo", mount), "box")
    assert said.split()[5].split(",")[0] == "ro"
    assert "shared:" in said


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A mount whose peers see what is mounted below."""
    folder = tmp_path / "shared"
    folder.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "x", str(folder)), check=True)
    subprocess.run(("mount", "--make-shared", str(folder)), check=True)
    (folder / "below").mkdir()
    yield folder
    subprocess.run(("umount", "-R", str(folder)), check=True)


@pytest.mark.parametrize(("option", "seen"), [("rprivate", 0), ("rslave", 1), ("rshared", 1)])
def test_what_the_host_mounts_later(oci: Oci, shared: Path, option: str, seen: int) -> None:
    made = bundle(oci, "exec sleep 600", bind(shared, "rbind", option))
    oci.must("run", "--detach", "--bundle", made, "box")
    subprocess.run(("mount", "-t", "tmpfs", "later", str(shared / "below")), check=True)
    said = oci.must("exec", "box", "sh", "-c", "grep -c later /proc/self/mountinfo || true")
    assert int(said) == seen


@pytest.mark.parametrize(("option", "seen"), [("rslave", 0), ("rshared", 1)])
def test_what_the_container_mounts(oci: Oci, shared: Path, option: str, seen: int) -> None:
    every = {name: ["CAP_SYS_ADMIN"] for name in ("bounding", "effective", "permitted")}
    process = {"capabilities": every}
    script = "mount -t tmpfs inside /tmp/below; exec sleep 600"
    made = bundle(oci, script, bind(shared, "rbind", option), process=process)
    oci.must("run", "--detach", "--bundle", made, "box")
    while "sleep" not in oci.must("ps", "box"):
        continue
    assert Path("/proc/self/mountinfo").read_text().count(f"{shared}/below") == seen


@pytest.mark.parametrize(
    ("value", "field"), [("rshared", "shared:"), ("rprivate", "-"), ("unbindable", "unbindable")]
)
def test_propagation_of_the_root(oci: Oci, value: str, field: str) -> None:
    made = bundle(oci, "cat /proc/self/mountinfo", linux={"rootfsPropagation": value})
    lines = oci.must("run", "--bundle", made, "box").splitlines()
    root = next(line for line in lines if line.split()[4] == "/")
    assert root.split()[6].startswith(field)


def test_a_propagation_that_nobody_knows(oci: Oci) -> None:
    made = bundle(oci, "true", linux={"rootfsPropagation": "sideways"})
    refused = oci.call("run", "--bundle", made, "box")
    assert refused.status == 1
    assert "linux.rootfsPropagation: unknown propagation 'sideways'" in refused.err


def own_mounts(folder: Path) -> list[str]:
    """The machine's mounts below a folder: tests beside this one mount elsewhere."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(folder) in line]


def test_nothing_of_a_start_shows_on_the_host(oci: Oci, shared: Path) -> None:
    before = own_mounts(shared.parent)
    linux = {"rootfsPropagation": "rshared"}
    made = bundle(oci, "exec sleep 600", bind(shared, "rbind", "rshared"), linux=linux)
    oci.must("run", "--detach", "--bundle", made, "box")
    assert own_mounts(shared.parent) == before
