"""Docker's rules of ``cp``, on two directories that stand for a container and this machine."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.engine.copying import Files, How, copy, pack, place
from toolkit.engine.packing import Packer, Pieces

ME = (os.geteuid(), os.getegid())


def files(root: Path, mounts: dict[str, str] | None = None) -> Files:
    return Files(os.open(root, os.O_PATH | os.O_DIRECTORY), mounts)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    root = tmp_path / "box"
    (root / "d/e").mkdir(parents=True)
    (root / "d/f").write_text("file\n")
    (root / "d/f").chmod(0o751)
    (root / "d/e/deep").write_text("deep\n")
    (root / "link").symlink_to("/d/f")
    (root / "dlink").symlink_to("d")
    return root


@pytest.fixture
def out(tmp_path: Path) -> Path:
    root = tmp_path / "out"
    (root / "there").mkdir(parents=True)
    (root / "file").write_text("old\n")
    return root


@pytest.fixture
def cp(box: Path, out: Path) -> Iterator[object]:
    with files(box) as source, files(out) as target:

        def run(path: str, into: str, *, follow: bool = False) -> int:
            return copy(source, path, target, into, how=How(follow=follow, owner=ME))

        yield run


@pytest.mark.parametrize(
    ("path", "into", "made"),
    [
        ("/d/f", "/new", "new"),
        ("/d/f", "/file", "file"),
        ("/d/f", "/there", "there/f"),
        ("/d/f", "/there/", "there/f"),
        ("d/f", "there/x", "there/x"),
        ("/d", "/new", "new/f"),
        ("/d", "/there", "there/d/f"),
        ("/d/.", "/there", "there/f"),
        ("/d/.", "/new", "new/f"),
        ("/d/", "/there", "there/d/f"),
        ("/dlink/", "/there", "there/dlink/f"),
        ("/", "/there", "there/d/f"),
    ],
)
def test_where_it_goes(cp: object, out: Path, path: str, into: str, made: str) -> None:
    assert callable(cp)
    assert cp(path, into) >= 5
    assert (out / made).read_text() == "file\n"
    assert (out / made).stat().st_mode & 0o777 == 0o751


@pytest.mark.parametrize(
    ("path", "into", "error", "words"),
    [
        ("/nothing", "/new", NotFoundError, "there is no '/nothing'"),
        ("/d/f/", "/new", InvalidInputError, "'/d/f/' is no directory"),
        ("/d/f", "/new/", NotFoundError, "there is no directory '/new/'"),
        ("/d/f", "/new/x", NotFoundError, "there is no directory '/new'"),
        ("/d/f", "/file/", InvalidInputError, "is no directory"),
        ("/d", "/file", InvalidInputError, "cannot be copied to the file '/file'"),
    ],
)
def test_where_it_cannot_go(
    cp: object, out: Path, path: str, into: str, error: type[Exception], words: str
) -> None:
    assert callable(cp)
    with pytest.raises(error, match=words):
        cp(path, into)
    assert sorted(os.listdir(out)) == ["file", "there"]
    assert (out / "file").read_text() == "old\n"


def test_a_link_is_copied_as_it_is_unless_it_is_to_be_followed(cp: object, out: Path) -> None:
    assert callable(cp)
    cp("/link", "/as-it-is")
    assert os.readlink(out / "as-it-is") == "/d/f"
    cp("/link", "/followed", follow=True)
    assert not (out / "followed").is_symlink()
    assert (out / "followed").read_text() == "file\n"
    (out / "to-there").symlink_to("there")
    cp("/d/f", "/to-there")  # a link in the target is always followed
    assert (out / "there/f").exists()
    (out / "to-file").symlink_to("file")
    cp("/d/f", "/to-file")
    assert (out / "file").read_text() == "file\n"
    assert (out / "to-file").is_symlink()


def test_a_directory_and_a_file_never_take_each_other_s_place(cp: object, out: Path) -> None:
    assert callable(cp)
    (out / "there/f").mkdir()
    with pytest.raises(ConflictError, match="cannot overwrite directory"):
        cp("/d/f", "/there")
    (out / "there/d").write_text("file")
    with pytest.raises(ConflictError, match="cannot overwrite non-directory"):
        cp("/d", "/there")


def test_what_is_inside_another_mount_is_found_there(tmp_path: Path, box: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    with files(box, {"/d": str(volume)}) as mounted, files(box) as plain:
        copy(plain, "/d/f", mounted, "/d/new", how=How(owner=ME))
        assert (volume / "new").read_text() == "file\n"
        assert mounted.find("/d/f") is None
        found = mounted.find("/d/")
    assert found is not None
    assert (found.name, found.is_folder) == ("d", True)


def test_nothing_leads_out_of_a_container(tmp_path: Path, box: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (box / "up").symlink_to("../secret")
    (box / "outside").symlink_to(str(secret))
    with files(box) as inside:
        for path in ("/up", "/outside", "/../secret", "/d/../../secret"):
            assert inside.find(path, follow=True) is None
        target = inside.spot("/d")
        with pytest.raises(InvalidInputError, match="leads out"):
            place(Pieces(iter([archive(("../../x", b"x"))])), target, owner=ME)
    assert not (tmp_path / "x").exists()


def archive(*entries: tuple[str, bytes]) -> bytes:
    """A tar of files, and of links for names with an arrow."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name.partition(" -> ")[0])
            if " -> " in name:
                info.type, info.linkname = tarfile.SYMTYPE, name.partition(" -> ")[2]
            info.size = len(content)
            info.uid = info.gid = ME[0]
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def test_an_archive_does_not_write_through_its_own_links(tmp_path: Path, out: Path) -> None:
    made = archive(("a -> /etc", b""), ("a/evil", b"evil"))
    with files(out) as target, pytest.raises(OSError, match="a/evil"):
        place(Pieces(iter([made])), target.spot("/there"), owner=ME)
    assert os.listdir(out / "there") == ["a"]
    del tmp_path


def test_one_that_is_cut_short_leaves_the_old_file(out: Path) -> None:
    whole = archive(("file", b"x" * 5000))
    with files(out) as target, pytest.raises(InvalidInputError, match="ends in the middle"):
        place(Pieces(iter([whole[:2000]])), target.spot("/"), owner=ME)
    assert sorted(os.listdir(out)) == ["file", "there"]
    assert (out / "file").read_text() == "old\n"


def test_a_tree_is_a_tar_that_others_read(box: Path) -> None:
    os.link(box / "d/f", box / "d/same")
    os.mkfifo(box / "d/fifo")
    (box / "d" / ("long" * 40)).write_text("long")
    with files(box) as source:
        data = b"".join(pack(source.spot("/d"), b"name"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        kinds = {member.name: member.type for member in tar}
        same = tar.getmember("name/same")
        content = tar.extractfile("name/f")
        assert content is not None
        assert content.read() == b"file\n"
    assert kinds["name"] == tarfile.DIRTYPE
    assert kinds["name/fifo"] == tarfile.FIFOTYPE
    assert (same.type, same.linkname) == (tarfile.LNKTYPE, "name/f")
    assert f"name/{'long' * 40}" in kinds


def test_mounts_are_packed_empty(box: Path) -> None:
    root = os.open(box, os.O_PATH)
    packer = Packer(root, emptied=frozenset({b"d/e", b"d/f"}))
    data = b"".join(packer.pack("/", b"")) + packer.end()
    os.close(root)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        sizes = {member.name: member.size for member in tar}
    assert sizes == {"d": 0, "d/e": 0, "d/f": 0, "dlink": 0, "link": 0}
