"""Real files in a folder of the test's own; no root is needed."""

import os
import stat
import struct
from pathlib import Path

import pytest

from toolkit.facts.machine import Stat
from toolkit.tasks.host import Attributes
from toolkit.tasks.local_files import LocalFiles


@pytest.fixture
def files() -> LocalFiles:
    return LocalFiles()


@pytest.fixture
def mine() -> Attributes:
    return Attributes(mode=0o640, uid=os.getuid(), gid=os.getgid())


def test_a_write_replaces_in_one_step(files: LocalFiles, mine: Attributes, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        files.write(str(path), b"new", mine)
        assert reader.read() == b"old", "who reads keeps the old file"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["conf"]


def test_a_failed_write_leaves_nothing(files: LocalFiles, mine: Attributes, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write(str(tmp_path / "taken"), b"new", mine)
    assert os.listdir(tmp_path) == ["taken"]
    with pytest.raises(FileNotFoundError):
        files.write(str(tmp_path / "no" / "file"), b"new", mine)


def test_a_link_is_replaced_not_followed(
    files: LocalFiles, mine: Attributes, tmp_path: Path
) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    files.write(str(tmp_path / "link"), b"new", mine)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"old"


def test_extended_attributes_go_on(files: LocalFiles, mine: Attributes, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    files.write(str(path), b"new", mine)
    assert os.getxattr(path, "user.note") == b"kept"


def test_an_access_list_goes_on_and_the_mode_still_holds(
    files: LocalFiles, mine: Attributes, tmp_path: Path
) -> None:
    path = tmp_path / "conf"
    path.write_bytes(b"old")
    # Version 2, then tag, permissions and id of: owner, user 1, group, mask, others (acl(5)).
    entries = ((1, 6, -1), (2, 7, 1), (4, 7, -1), (16, 7, -1), (32, 0, -1))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no access lists")
    files.write(str(path), b"new", mine)
    assert "system.posix_acl_access" in os.listxattr(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_stat_tells_kinds_and_names_of_one_file(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dead").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo")
    files.link(str(tmp_path / "hard"), str(tmp_path / "link"))

    def kind(name: str, *, follow: bool = True) -> str | None:
        found = files.stat(str(tmp_path / name), follow=follow)
        return found.kind if found else None

    assert (kind("file"), kind("fifo"), kind("")) == ("file", "fifo", "directory")
    assert (kind("link"), kind("link", follow=False)) == ("file", "link")
    assert (kind("dead"), kind("dead", follow=False)) == (None, "link")
    assert kind("file/below") is None
    one, other = files.stat(str(tmp_path / "file")), files.stat(str(tmp_path / "hard"))
    assert isinstance(one, Stat)
    assert isinstance(other, Stat)
    assert one.inode == other.inode
    assert one.size == 3


def test_a_link_to_the_same_file_leaves_nothing_behind(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123")
    for _ in range(2):
        files.link(str(tmp_path / "hard"), str(tmp_path / "file"))
    assert sorted(os.listdir(tmp_path)) == ["file", "hard"]


def test_a_symlink_is_turned_in_one_step(files: LocalFiles, tmp_path: Path) -> None:
    for target in ("a", "b"):
        files.symlink(str(tmp_path / "link"), target)
        assert files.readlink(str(tmp_path / "link")) == target
    assert os.listdir(tmp_path) == ["link"]


def test_a_directory_is_removed_only_when_it_is_empty(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    with pytest.raises(OSError, match="not empty"):
        files.remove(str(tmp_path / "d"))
    files.remove(str(tmp_path / "d" / "f"))
    files.remove(str(tmp_path / "d"))
    assert os.listdir(tmp_path) == []


def test_space_is_told_where_there_is_a_file_system(files: LocalFiles, tmp_path: Path) -> None:
    space = files.space(str(tmp_path))
    assert space is not None
    assert space[0] >= space[1] >= 0
    assert files.space(str(tmp_path / "no")) is None


def test_times_are_set(files: LocalFiles, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    files.set_times(str(tmp_path / "f"), mtime=10.5, atime=11)
    found = files.stat(str(tmp_path / "f"))
    assert found is not None
    assert found.mtime == 10.5
