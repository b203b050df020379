"""Copying what an image has into a new tmpfs."""

import os
import socket
import stat
from pathlib import Path

import pytest

from toolkit.runtime.copyup import copy_directory


def copy(source: Path, target: Path) -> None:
    target.mkdir()
    fds = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (source, target)]
    try:
        copy_directory(*fds)
    finally:
        for fd in fds:
            os.close(fd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    (made / "deep/er").mkdir(parents=True)
    (made / "deep/er/file").write_bytes(b"x" * 100_000)
    (made / "deep/er/file").chmod(0o4711)
    (made / "link").symlink_to("/etc/shadow")
    os.mkfifo(made / "fifo", 0o640)
    os.utime(made / "deep/er/file", (1, 2))
    os.utime(made / "deep", (3, 4))
    made.chmod(0o1770)
    return made


def test_content_modes_and_times_are_copied(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    copy(source, target)
    assert (target / "deep/er/file").read_bytes() == b"x" * 100_000
    for name in ("", "deep", "deep/er", "deep/er/file", "fifo"):
        assert (target / name).stat().st_mode == (source / name).stat().st_mode
    assert (target / "deep/er/file").stat().st_mtime == 2
    assert (target / "deep").stat().st_mtime == 4
    assert stat.S_ISFIFO((target / "fifo").stat().st_mode)


def test_a_link_is_copied_and_not_followed(source: Path, tmp_path: Path) -> None:
    copy(source, tmp_path / "target")
    assert os.readlink(tmp_path / "target/link") == "/etc/shadow"


def test_a_socket_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.chdir(source)
    with socket.socket(socket.AF_UNIX) as served:
        served.bind("socket")
    copy(source, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_extended_attributes_are_copied(source: Path, tmp_path: Path) -> None:
    try:
        os.setxattr(source / "deep", "user.kept", b"1")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    copy(source, tmp_path / "target")
    assert os.getxattr(tmp_path / "target/deep", "user.kept") == b"1"
