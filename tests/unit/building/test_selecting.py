"""Which files a COPY means, and their digest; below a directory that is never left."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.building.ignoring import Ignore
from toolkit.building.selecting import NOTHING_HIDDEN, Filter, digest, select, walk
from toolkit.core.errors import InvalidInputError


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    for name in ("a.txt", "b.txt", "c.md", "dir/a.txt", "dir/sub/deep.txt", "other/x.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "link").symlink_to("/dir/a.txt")
    (tmp_path / "out").symlink_to("../../../../../../etc/hostname")
    fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield tmp_path, fd
    os.close(fd)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.txt", ["a.txt"]),
        ("./dir/", ["dir"]),
        ("/dir/../a.txt", ["a.txt"]),
        ("../a.txt", ["a.txt"]),
        (".", [""]),
        ("*.txt", ["a.txt", "b.txt"]),
        ("?.txt", ["a.txt", "b.txt"]),
        ("[ac].*", ["a.txt", "c.md"]),
        ("*/a.txt", ["dir/a.txt"]),
        ("*/*.txt", ["dir/a.txt", "other/x.txt"]),
        ("link", ["link"]),
    ],
)
def test_what_patterns_mean(tree: tuple[Path, int], pattern: str, found: list[str]) -> None:
    assert select(tree[1], pattern, NOTHING_HIDDEN, where="here") == found


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("a.tx", "did you mean 'a.txt'?"),
        ("dir/sub/dep.txt", "deep.txt"),
        ("no/x", "'no'"),
        ("out", ""),
    ],
)
def test_what_is_not_there(tree: tuple[Path, int], pattern: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match="is not in here") as caught:
        select(tree[1], pattern, NOTHING_HIDDEN, where="here")
    assert hint in caught.value.hint


def test_what_is_ignored_is_not_there_either(tree: tuple[Path, int]) -> None:
    hidden = Filter(Ignore.parse("*.txt\ndir\n!dir/sub"), Ignore())
    with pytest.raises(InvalidInputError, match="is left out of here"):
        select(tree[1], "a.txt", hidden, where="here")
    assert select(tree[1], "dir", hidden, where="here") == ["dir"]
    assert [found.inner for found in walk(tree[1], "dir", hidden)] == ["sub", "sub/deep.txt"]


def test_what_is_excluded_counts_from_the_source(tree: tuple[Path, int]) -> None:
    hidden = Filter(Ignore(), Ignore.parse("sub"))
    assert [found.inner for found in walk(tree[1], "dir", hidden)] == ["a.txt"]


def test_a_digest_is_of_content_and_mode_and_not_of_times(tree: tuple[Path, int]) -> None:
    path, fd = tree

    def now() -> str:
        return digest(fd, ["a.txt", "dir"], NOTHING_HIDDEN, owners=False)

    first = now()
    os.utime(path / "dir/a.txt", (1, 1))
    assert now() == first
    (path / "dir/a.txt").chmod(0o755)
    second = now()
    assert second != first
    (path / "dir/sub/deep.txt").write_text("other")
    third = now()
    assert third not in (first, second)
    (path / "dir/sub/deep.txt").rename(path / "dir/deep.txt")
    assert now() not in (first, second, third)


def test_a_link_that_is_named_is_followed_inside(tree: tuple[Path, int]) -> None:
    linked = digest(tree[1], ["link"], NOTHING_HIDDEN, owners=False)
    (tree[0] / "dir/a.txt").write_text("other")
    assert digest(tree[1], ["link"], NOTHING_HIDDEN, owners=False) != linked
