import os
from pathlib import Path

import pytest

from toolkit.core.files import shipped, write_atomic


def test_a_write_replaces_content_and_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    write_atomic(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("kept")
    with pytest.raises(OSError, match="folder"):
        write_atomic(target, b"data")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["checks", "playbooks"])
def test_checks_and_playbooks_ship_with_the_package(name: str) -> None:
    assert os.path.isdir(shipped(name))
