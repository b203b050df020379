import os
from pathlib import Path

import pytest

from support.images import Layout
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.images.locate import locate


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Layout(tmp_path / "layout")
    (tmp_path / "archive.tar").write_bytes(b"")
    (tmp_path / "with:colon.tar").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name", "tag", "directory"),
    [
        ("{here}/layout", "layout", "", True),
        ("./layout", "layout", "", True),
        ("./layout/", "layout", "", True),
        ("./layout:1.0", "layout", "1.0", True),
        ("oci:layout", "layout", "", True),
        ("oci:layout:app:1", "layout", "app:1", True),
        ("./archive.tar", "archive.tar", "", False),
        ("./archive.tar:docker.io/me/app:1", "archive.tar", "docker.io/me/app:1", False),
        ("docker-archive:archive.tar:app", "archive.tar", "app", False),
        ("oci-archive:{here}/archive.tar", "archive.tar", "", False),
        ("./with:colon.tar", "with:colon.tar", "", False),
        ("./with:colon.tar:x", "with:colon.tar", "x", False),
    ],
)
def test_finds_what_is_there(here: Path, text: str, name: str, tag: str, directory: bool) -> None:
    place = locate(text.format(here=here))

    assert (place.path, place.tag, place.directory) == (str(here / name), tag, directory)


@pytest.mark.parametrize("text", ["ubuntu", "ubuntu:22.04", "me/app", "host:5000/x"])
def test_says_what_is_accepted(here: Path, text: str) -> None:
    with pytest.raises(NotFoundError, match=f"no image '{text}'") as caught:
        locate(text)

    assert caught.value.hint.startswith("accepted: 'host'")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hots", "did you mean 'host'?"),
        ("archive.tar", "for the image in this directory write './archive.tar'"),
        ("layout:1", "for the image in this directory write './layout:1'"),
        ("./archiv.tar", "did you mean './archive.tar'?"),
        ("{here}/layuot", "did you mean '{here}/layout'?"),
        ("oci:layuot", "did you mean 'layout'?"),
    ],
)
def test_names_the_nearest(here: Path, text: str, hint: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        locate(text.format(here=here))

    assert caught.value.hint == hint.format(here=here)


def test_says_which_directory_is_missing(here: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no directory '\./nothing'"):
        locate("./nothing/x.tar")


def test_refuses_an_empty_name() -> None:
    with pytest.raises(InvalidInputError, match="the image's name is empty"):
        locate("")


def test_refuses_an_empty_directory(here: Path) -> None:
    (here / "empty").mkdir()

    with pytest.raises(InvalidInputError, match="empty' is empty"):
        locate("./empty")


def test_hints_at_rootfs(here: Path) -> None:
    for name in ("bin", "etc"):
        (here / "tree" / name).mkdir(parents=True)

    with pytest.raises(InvalidInputError, match="is no OCI layout") as caught:
        locate("./tree")
    assert caught.value.hint == f"it looks like a root file system: use '--rootfs {here}/tree'"


def test_refuses_what_is_neither_file_nor_directory(here: Path) -> None:
    os.mkfifo(here / "pipe")

    with pytest.raises(InvalidInputError, match="neither a directory nor a file"):
        locate("./pipe")


@pytest.mark.parametrize("text", ["oci:archive.tar", "docker-archive:layout"])
def test_a_transport_must_fit(here: Path, text: str) -> None:
    with pytest.raises(InvalidInputError, match="expects"):
        locate(text)


@pytest.mark.parametrize("text", ["./a\0b", "./" + "x" * 300, "./" + "x/" * 3000])
def test_refuses_names_that_no_path_has(here: Path, text: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError)):
        locate(text)


def test_the_stamp_changes_with_the_file(here: Path) -> None:
    before = locate("./archive.tar").stamp
    (here / "new").write_bytes(b"")
    os.replace(here / "new", here / "archive.tar")

    assert locate("./archive.tar").stamp != before
