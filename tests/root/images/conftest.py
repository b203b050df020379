"""Layouts to fill, a store below the test's own directory, and a small image by other tools."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.images import Layout
from toolkit.images.store import ImageStore


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(str(tmp_path / "data"))


@pytest.fixture
def busybox(tmp_path: Path, require: Callable[[str], str]) -> Path:
    """A layout of two layers that umoci made; the upper one deletes from the lower one."""
    umoci, program = require("umoci"), require("busybox")
    where = tmp_path / "umoci"
    where.mkdir()

    def run(*argv: str) -> None:
        subprocess.run((umoci, *argv), cwd=where, check=True, capture_output=True)

    run("init", "--layout", "layout")
    run("new", "--image", "layout:busy")
    run("unpack", "--image", "layout:busy", "first")
    root = where / "first/rootfs"
    for name in ("bin", "etc/old/deep", "tmp", "var/gone"):
        (root / name).mkdir(parents=True)
    (root / "bin/busybox").write_bytes(Path(program).read_bytes())
    (root / "bin/busybox").chmod(0o4755)
    for name in ("sh", "ls", "cat"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "bin/hard").hardlink_to(root / "bin/busybox")
    (root / "tmp").chmod(0o1777)
    (root / "etc/name").write_text("first")
    (root / "etc/old/file").write_text("x")
    run("repack", "--image", "layout:busy", "first")
    run("config", "--image", "layout:busy", "--config.cmd", "/bin/sh", "--config.env", "A=b")
    run("unpack", "--image", "layout:busy", "second")
    root = where / "second/rootfs"
    (root / "etc/name").write_text("second")
    (root / "var/gone").rmdir()
    (root / "etc/old/file").unlink()
    (root / "etc/old/deep").rmdir()
    run("repack", "--image", "layout:busy", "second")
    return where / "layout"


@pytest.fixture
def podman(require: Callable[[str], str]) -> Iterator[tuple[str, ...]]:
    """podman with a store of its own; it refuses longer paths than this one."""
    with tempfile.TemporaryDirectory(prefix="dy-podman-") as home:
        yield (
            require("podman"),
            *("--root", f"{home}/root", "--runroot", f"{home}/run", "--tmpdir", f"{home}/tmp"),
            *("--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"),
            *("--events-backend", "file"),
        )
