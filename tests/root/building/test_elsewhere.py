"""Bases that lie elsewhere, networks of commands, and what ``builder prune`` takes away."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.images import Layout, link, tar_of
from support.kitchen import ENTRY, Kitchen
from support.registries import debian_registry

pytestmark = pytest.mark.root

Require = Callable[[str], str]
IN_A_NETWORK = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@pytest.fixture
def layout(kitchen: Kitchen, tmp_path: Path) -> Path:
    """An OCI layout of two images, each with a shell and a file that tells which it is."""
    busybox = (kitchen.context / "busybox").read_bytes()
    made = Layout(tmp_path / "elsewhere")
    for name in ("one", "two"):
        shell = tar_of(
            ("bin/busybox", busybox), link("bin/sh", "busybox"), ("which", name.encode())
        )
        made.image(shell, name=name, Env=["PATH=/bin"])
    return made.path


def test_a_base_in_a_layout(kitchen: Kitchen, layout: Path) -> None:
    for name in (f"{layout}:two", f"oci:{layout}:two"):
        kitchen.build(f"FROM {name}\nCOPY Dockerfile /\n", base=False)
        config = kitchen.config()
        assert config["config"]["Env"] == ["PATH=/bin"]
        assert len(config["rootfs"]["diff_ids"]) == 2
        assert "which" in kitchen.names()
    names = {name for image in kitchen.library().all() for name in image.names}
    assert names == {"docker.io/library/t:latest"}, "the base has none, whatever it is called there"
    kitchen.build(f"FROM scratch\nCOPY --from={layout}:one /which /got\n", base=False)
    assert kitchen.names() == {"got"}


def test_what_a_layout_does_not_hold_is_said_with_its_line(kitchen: Kitchen, layout: Path) -> None:
    unclear = kitchen.build(f"FROM {layout}\n", base=False, status=None)
    assert unclear.returncode
    assert f"Dockerfile:1: '{layout}' holds 2 images: say which" in unclear.stderr
    missing = kitchen.build(f"FROM {layout}:three\n", base=False, status=None)
    assert "Dockerfile:1: " in missing.stderr
    assert "holds no image 'three'" in missing.stderr


def test_a_base_in_an_archive(kitchen: Kitchen, tmp_path: Path) -> None:
    kitchen.build("ENV FROM_ARCHIVE=1\n")
    archive = tmp_path / "t.tar"
    kitchen.run("save", "-o", str(archive), "t")
    kitchen.run("rmi", "t")
    kitchen.build(f"FROM {archive}\nRUN test $FROM_ARCHIVE = 1\n", base=False)
    assert "FROM_ARCHIVE=1" in kitchen.config()["config"]["Env"]


def test_a_base_from_a_registry(kitchen: Kitchen, require: Require, tmp_path: Path) -> None:
    with debian_registry(require("docker-registry"), tmp_path / "registry") as registry:
        name = f"{registry.host}/team/base:1"
        kitchen.build("ENV VERSION=1\n")
        kitchen.run("tag", "t", name)
        kitchen.run("push", "-q", name)
        kitchen.run("rmi", name)
        done = kitchen.build(f"FROM {name}\nRUN echo v=$VERSION\n", base=False)
        assert "v=1" in done.stdout
        assert name in {one for image in kitchen.library().all() for one in image.names}

        kitchen.build("ENV VERSION=2\n")
        kitchen.run("tag", "t", name)
        kitchen.run("push", "-q", name)
        kitchen.run("rmi", name)
        kitchen.build("ENV VERSION=old\n")
        kitchen.run("tag", "t", name)
        stays = kitchen.build(f"FROM {name}\nRUN echo v=$VERSION\n", base=False)
        assert "v=old" in stays.stdout
        pulled = kitchen.build(f"FROM {name}\nRUN echo v=$VERSION\n", "--pull", base=False)
        assert "v=2" in pulled.stdout


def test_networks_of_commands(kitchen: Kitchen, require: Require) -> None:
    for program in ("ip", "nft"):
        require(program)
    kitchen.build("")
    gateway = "$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')"
    kitchen.file(
        "Dockerfile",
        "FROM t\n"
        f"RUN grep -q eth0 /proc/net/dev && ping -c1 -w60 {gateway}\n"
        "RUN --network=none ! grep -q eth0 /proc/net/dev\n"
        "RUN --network=host ! grep -q eth0 /proc/net/dev && grep -q bridge /proc/net/dev\n",
    )
    argv = (*IN_A_NETWORK, *ENTRY, "build", "-t", "n", "--network=bridge", str(kitchen.context))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def _steps(done: "subprocess.CompletedProcess[str]") -> int:
    return done.stdout.count("Using cache")


def test_what_builder_prune_takes_away(kitchen: Kitchen) -> None:
    step = "RUN --mount=type=cache,target=/cache echo x >>/cache/f && cp /cache/f /srv/lines\n"
    kitchen.build(step)
    every = _steps(kitchen.build(step))
    caches = kitchen.data / "build-caches"

    kept = kitchen.run("builder", "prune", "-f")
    assert kept.stdout == "Total reclaimed space: 0B\n", "an image has all of it"
    assert _steps(kitchen.build(step)) == every

    kitchen.run("rmi", "t")
    spared = kitchen.run("builder", "prune", "-f", "--filter", "until=1h")
    assert "Deleted" not in spared.stdout
    gone = kitchen.run("builder", "prune", "-f").stdout.splitlines()
    assert gone[0] == "Deleted build cache objects:"
    assert all(len(key) == 64 for key in gone[1:-2])
    assert gone[-1].startswith("Total reclaimed space: ")
    assert not gone[-1].endswith(" 0B")
    assert len(os.listdir(caches)) == 1, "what commands mount stays without --all"
    assert [name for name in os.listdir(kitchen.data / "layers") if name[0] != "."] == []

    kitchen.build(step)
    assert kitchen.cat("wc -l </srv/lines") == "2\n"
    kitchen.run("builder", "prune", "-af")
    assert os.listdir(caches) == []
    assert kitchen.cat("wc -l </srv/lines") == "2\n", "an image keeps its layers"
    assert _steps(kitchen.build(step)) == 0
    assert kitchen.cat("wc -l </srv/lines") == "1\n"


def test_builder_prune_asks(kitchen: Kitchen) -> None:
    refused = kitchen.run("builder", "prune", stdin=b"n\n", status=1)
    assert "WARNING! This will remove all dangling build cache." in refused.stdout
    agreed = kitchen.run("builder", "prune", "-a", stdin=b"y\n")
    assert agreed.stdout.endswith("Total reclaimed space: 0B\n")
    bad = kitchen.run("builder", "prune", "-f", "--filter", "unti=1h", status=None)
    assert bad.returncode
    assert "invalid filter 'unti'" in bad.stderr
