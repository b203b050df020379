"""The unpacking process cannot see the machine, whatever its paths do."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from support.fork import in_child
from toolkit.images.confine import confine
from toolkit.linux.process import get_no_new_privs

pytestmark = pytest.mark.root

T = TypeVar("T")


def inside(folder: Path, look: Callable[[], T]) -> T:
    """What ``look`` returns in a child that is confined to ``folder``."""

    def confined() -> T:
        confine(str(folder))
        return look()

    return in_child(confined)


def test_its_root_is_the_directory(tmp_path: Path) -> None:
    (tmp_path / "box/in").mkdir(parents=True)

    assert inside(tmp_path / "box", lambda: os.listdir("/")) == ["in"]
    assert inside(tmp_path / "box", lambda: os.listdir("../../../..")) == ["in"]
    assert inside(tmp_path / "box", os.getcwd) == "/"


def test_links_lead_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "canary").write_text("x")
    (tmp_path / "box/out").symlink_to(tmp_path)
    (tmp_path / "box/up").symlink_to("../..")

    with pytest.raises(FileNotFoundError):
        inside(tmp_path / "box", lambda: os.listdir("/out"))
    assert inside(tmp_path / "box", lambda: sorted(os.listdir("/up"))) == ["out", "up"]


def test_nothing_else_is_mounted(tmp_path: Path) -> None:
    """A descriptor of /proc from before shows the mounts of the confined child."""
    proc = os.open("/proc", os.O_PATH)

    def mounts() -> int:
        fd = os.open("thread-self/mountinfo", os.O_RDONLY, dir_fd=proc)
        return len(os.read(fd, 100_000).splitlines())

    assert inside(tmp_path, mounts) == 1
    os.close(proc)
    assert not os.path.ismount(tmp_path)


def test_it_gains_no_privileges_by_exec(tmp_path: Path) -> None:
    assert inside(tmp_path, get_no_new_privs) is True
