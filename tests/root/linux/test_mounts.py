"""Mounting for real, in a mount namespace of a child's own."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from support.fork import in_child
from toolkit.linux.filesystems import FsConfig, fsconfig, fsopen, make_mount
from toolkit.linux.libc import AT_EMPTY_PATH, AT_RECURSIVE
from toolkit.linux.mounts import (
    MountAttr,
    MountFlag,
    OpenTreeFlag,
    UmountFlag,
    attach,
    mount,
    mount_setattr,
    open_tree,
    pivot_root,
    umount,
)
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.paths import mkdir_in_root

pytestmark = pytest.mark.root
T = TypeVar("T")


def apart(action: Callable[[], T]) -> T:
    """``action()`` in a child with mounts of its own."""

    def act() -> T:
        unshare(NamespaceFlag.MOUNT)
        mount(None, "/", flags=MountFlag.PRIVATE | MountFlag.REC)
        return action()

    return in_child(act)


def options_of(path: Path) -> str:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(path):
            return fields[5]
    return ""


def test_a_tmpfs_is_mounted_and_unmounted(tmp_path: Path) -> None:
    def act() -> tuple[str, str]:
        flags = MountFlag.NOSUID | MountFlag.NODEV
        mount("tmpfs", tmp_path, "tmpfs", flags=flags, data="size=1m,mode=700")
        there = options_of(tmp_path)
        umount(tmp_path, flags=UmountFlag.DETACH)
        return there, options_of(tmp_path)

    assert apart(act) == ("rw,nosuid,nodev,relatime", "")
    assert options_of(tmp_path) == ""


def test_a_read_only_bind_refuses_writing(tmp_path: Path) -> None:
    def act() -> int | None:
        mount(tmp_path, tmp_path, flags=MountFlag.BIND)
        mount(None, tmp_path, flags=MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
        try:
            (tmp_path / "file").write_text("")
        except OSError as error:
            return error.errno
        return None

    assert apart(act) == errno.EROFS


def test_a_tree_is_cloned_changed_and_attached_by_descriptor(tmp_path: Path) -> None:
    (tmp_path / "source" / "below").mkdir(parents=True)
    (tmp_path / "target").mkdir()

    def act() -> tuple[str, str]:
        mount("tmpfs", tmp_path / "source" / "below", "tmpfs")
        tree = open_tree(tmp_path / "source", flags=OpenTreeFlag.CLONE | OpenTreeFlag.RECURSIVE)
        mount_setattr(
            "",
            dir_fd=tree,
            at_flags=AT_EMPTY_PATH | AT_RECURSIVE,
            attr_set=MountAttr.RDONLY | MountAttr.NOEXEC,
        )
        attach(tree, os.open(tmp_path / "target", os.O_PATH))
        return options_of(tmp_path / "target"), options_of(tmp_path / "target" / "below")

    assert apart(act) == ("ro,noexec,relatime", "ro,noexec,relatime")


def test_pivot_root_makes_a_new_root(tmp_path: Path) -> None:
    def act() -> list[str]:
        mount("tmpfs", tmp_path, "tmpfs")
        (tmp_path / "only").mkdir()
        os.chdir(tmp_path)
        pivot_root(".", ".")
        umount(".", flags=UmountFlag.DETACH)
        os.chdir("/")
        return os.listdir("/")

    assert apart(act) == ["only"]


def test_pivot_root_refuses_what_is_no_mount(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="pivot_root: ") as caught:
        apart(lambda: pivot_root(str(tmp_path), str(tmp_path)))
    assert caught.value.errno in (errno.EINVAL, errno.EBUSY)
    assert caught.value.filename == str(tmp_path)


def test_mount_setattr_refuses_what_is_no_mount(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="mount_setattr: Invalid argument"):
        apart(lambda: mount_setattr(tmp_path, attr_set=MountAttr.RDONLY))


def test_a_file_system_is_made_on_a_descriptor(tmp_path: Path) -> None:
    def act() -> str:
        options = {"size": "1m", "mode": "755", "nr_inodes": "10"}
        tree = make_mount("tmpfs", options, MountAttr.NODEV)
        root = os.open(tmp_path, os.O_PATH)
        attach(tree, mkdir_in_root(root, "a/b"))
        return options_of(tmp_path / "a" / "b")

    assert apart(act) == "rw,nodev,relatime"


def test_a_flag_option_is_set(tmp_path: Path) -> None:
    def act() -> bool:
        attach(make_mount("tmpfs", {"ro": None}), os.open(tmp_path, os.O_PATH))
        line = [
            item
            for item in Path("/proc/self/mountinfo").read_text().splitlines()
            if f" {tmp_path} " in item
        ]
        return line[0].split(" - ")[1].split()[2].startswith("ro")

    assert apart(act)


def test_the_kernels_own_words_are_in_the_error() -> None:
    fs_fd = fsopen("tmpfs")
    try:
        with pytest.raises(OSError, match=r"fsconfig: Invalid argument \(tmpfs: Unknown") as caught:
            fsconfig(fs_fd, FsConfig.SET_STRING, "nonsense", "1")
    finally:
        os.close(fs_fd)
    assert caught.value.filename == "nonsense"


def test_an_unknown_file_system_is_enodev() -> None:
    with pytest.raises(OSError, match="fsopen: No such device") as caught:
        fsopen("nosuchfs")
    assert caught.value.errno == errno.ENODEV
