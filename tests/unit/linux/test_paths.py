import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.linux import paths
from toolkit.linux.paths import ResolveFlag


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_text("secret")
    fd = os.open(tmp_path / "root", os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.fixture
def tree(root: int, tmp_path: Path) -> Path:
    """The root as a path."""
    del root
    return tmp_path / "root"


def read(fd: int) -> bytes:
    try:
        return os.read(fd, 100)
    finally:
        os.close(fd)


def test_a_plain_path_opens_close_on_exec(root: int, tree: Path) -> None:
    (tree / "file").write_text("inside")
    fd = paths.open_in_root(root, "/file", os.O_RDONLY)
    assert not os.get_inheritable(fd)
    assert read(fd) == b"inside"


@pytest.mark.parametrize("target", ["../outside", "/../../outside", "../../../../outside"])
def test_a_link_upwards_stays_inside(root: int, tree: Path, target: str) -> None:
    (tree / "link").symlink_to(target)
    with pytest.raises(FileNotFoundError, match="openat2"):
        paths.open_in_root(root, "link", os.O_RDONLY)


def test_an_absolute_link_means_the_root(root: int, tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc" / "name").write_text("inside")
    (tree / "link").symlink_to("/etc")
    assert read(paths.open_in_root(root, "link/name", os.O_RDONLY)) == b"inside"


def test_a_loop_of_links_is_an_error(root: int, tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    with pytest.raises(OSError, match="openat2") as caught:
        paths.open_in_root(root, "a", os.O_RDONLY)
    assert caught.value.errno == errno.ELOOP


def test_magic_links_are_refused() -> None:
    root = os.open("/", os.O_PATH)
    try:
        with pytest.raises(OSError, match="openat2") as caught:
            paths.open_in_root(root, "/proc/self/root/etc", os.O_PATH)
        assert caught.value.errno == errno.ELOOP
    finally:
        os.close(root)


def test_beneath_refuses_what_in_root_reinterprets(root: int) -> None:
    with pytest.raises(OSError, match="openat2") as caught:
        paths.openat2("../outside", os.O_PATH, dir_fd=root, resolve=ResolveFlag.BENEATH)
    assert caught.value.errno == errno.EXDEV


def test_directories_are_made_with_their_parents(root: int, tree: Path) -> None:
    os.close(paths.mkdir_in_root(root, "/a//b/./c", 0o750))
    assert (tree / "a" / "b" / "c").is_dir()
    assert stat.S_IMODE((tree / "a" / "b" / "c").stat().st_mode) == 0o750
    os.close(paths.mkdir_in_root(root, "a/b/c"))


def test_the_root_itself_is_a_directory(root: int, tree: Path) -> None:
    for path in ("", "/", "."):
        fd = paths.mkdir_in_root(root, path)
        assert os.fstat(fd).st_ino == tree.stat().st_ino
        os.close(fd)


def test_directories_are_made_behind_links_inside(root: int, tree: Path) -> None:
    (tree / "run").mkdir()
    (tree / "var").mkdir()
    (tree / "var" / "run").symlink_to("/run")
    os.close(paths.mkdir_in_root(root, "/var/run/x/y"))
    assert (tree / "run" / "x" / "y").is_dir()


def test_a_dangling_link_is_no_parent(root: int, tree: Path, tmp_path: Path) -> None:
    (tree / "link").symlink_to("/made")
    with pytest.raises(FileNotFoundError):
        paths.mkdir_in_root(root, "link/x")
    assert not (tree / "made").exists()
    assert not (tmp_path / "made").exists()


def test_a_file_in_the_way_is_an_error(root: int, tree: Path) -> None:
    (tree / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        paths.mkdir_in_root(root, "file/x")


def test_dots_cannot_climb_out(root: int, tree: Path, tmp_path: Path) -> None:
    os.close(paths.mkdir_in_root(root, "../../x/../y"))
    assert (tree / "y").is_dir()
    assert not (tmp_path / "y").exists()


def test_an_empty_file_is_made_once(root: int, tree: Path) -> None:
    os.close(paths.create_in_root(root, "etc/hosts", 0o600))
    (tree / "etc" / "hosts").write_text("kept")
    fd = paths.create_in_root(root, "etc/hosts")
    os.close(fd)
    assert (tree / "etc" / "hosts").read_text() == "kept"


def test_creating_through_a_dangling_link_stays_inside(root: int, tree: Path) -> None:
    (tree / "link").symlink_to("/../../target")
    os.close(paths.create_in_root(root, "link"))
    assert (tree / "target").is_file()


def test_creating_over_a_fifo_does_not_block(root: int, tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    fd = paths.create_in_root(root, "fifo")
    assert stat.S_ISFIFO(os.fstat(fd).st_mode)
    os.close(fd)


def test_status_follows_or_not(root: int, tree: Path) -> None:
    (tree / "file").write_text("")
    (tree / "link").symlink_to("/file")
    assert stat.S_ISREG(paths.stat_in_root(root, "link").st_mode)
    assert stat.S_ISLNK(paths.stat_in_root(root, "link", follow=False).st_mode)


def test_nodes_and_links_are_made_and_removed(root: int, tree: Path) -> None:
    paths.mknod_in_root(root, "dev/fifo", stat.S_IFIFO | 0o600)
    paths.symlink_in_root(root, "/proc/self/fd", "/dev/fd")
    assert (tree / "dev" / "fifo").is_fifo()
    assert os.readlink(tree / "dev" / "fd") == "/proc/self/fd"
    paths.unlink_in_root(root, "dev/fd")
    assert not (tree / "dev" / "fd").is_symlink()


@pytest.mark.parametrize("path", ["", "/", "a/..", "."])
def test_an_entry_needs_a_name(root: int, path: str) -> None:
    with pytest.raises(OSError, match="names no entry") as caught:
        paths.symlink_in_root(root, "x", path)
    assert caught.value.errno == errno.EINVAL


def test_no_descriptor_is_left_open(root: int, tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    os.close(paths.mkdir_in_root(root, "a/b/c/d"))
    os.close(paths.create_in_root(root, "a/b/f"))
    (tree / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        paths.mkdir_in_root(root, "a/../file/x")
    paths.stat_in_root(root, "a")
    assert len(os.listdir("/proc/self/fd")) == before
