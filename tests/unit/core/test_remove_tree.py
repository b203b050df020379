import os
import threading
from pathlib import Path

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


def test_what_another_removes_meanwhile_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for outer in range(40):
        (top / str(outer) / "a/b").mkdir(parents=True)
        (top / str(outer) / "file").touch()
    failures: list[BaseException] = []

    def remove() -> None:
        try:
            remove_tree(top)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=remove) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert not top.exists()


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
