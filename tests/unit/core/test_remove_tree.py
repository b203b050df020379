import os
from pathlib import Path

import pytest

from toolkit.core.files import remove_tree


def test_removes_a_directory_and_all_below_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").write_text("x")

    remove_tree(tree)

    assert not tree.exists()


def test_follows_no_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(kept)

    remove_tree(tree)

    assert (kept / "file").read_text() == "x"


def test_refuses_a_link_in_the_place_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")

    with pytest.raises(OSError, match="link"):
        remove_tree(tmp_path / "link")

    assert (tmp_path / "kept").is_dir()


def test_takes_any_depth(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    fd = os.open(tree, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)

    remove_tree(tree)

    assert not tree.exists()


def test_accepts_that_there_is_nothing(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")
