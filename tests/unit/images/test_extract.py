import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.images import Content, device, directory, entry, hard_link, link, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.core.files import remove_tree
from toolkit.images.extract import Extractor, Totals, clean
from toolkit.images.limits import USER_POLICY, Limits
from toolkit.images.tar import FileSource, TarReader


@contextmanager
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


class Box:
    """A directory to unpack into, with something outside that must stay as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir()
        self.lowers: list[Path] = []
        (folder / "canary").write_text("alive")
        (folder / "outside").mkdir()

    def unpack(self, *contents: Content, limits: Limits | None = None) -> Totals:
        data = tar_of(*contents)
        path = self.folder / "tar"
        path.write_bytes(data)
        fds = [os.open(item, os.O_RDONLY) for item in (path, self.root, *self.lowers)]
        try:
            extractor = Extractor(
                fds[1],
                lowers=lambda: tuple(fds[2:]),
                policy=USER_POLICY,
                limits=limits or Limits(),
            )
            with no_umask():
                return extractor.run(TarReader(FileSource(fds[0], offset=0, size=len(data))))
        finally:
            for fd in fds:
                os.close(fd)

    def onto(self, *contents: Content) -> None:
        """Unpack a layer, and start the next one on top of it."""
        self.unpack(*contents)
        self.lowers.insert(0, self.root)
        self.root = self.folder / f"root{len(self.lowers)}"
        self.root.mkdir()

    def is_intact(self) -> bool:
        return (self.folder / "canary").read_text() == "alive" and not os.listdir(
            self.folder / "outside"
        )


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    assert made.is_intact()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def is_whiteout(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(path: Path) -> bool:
    return USER_POLICY.opaque in os.listxattr(path)


def test_makes_what_the_layer_holds(box: Box) -> None:
    totals = box.unpack(
        directory("./", mode=0o711, mtime=5),
        directory("./d", mode=0o2750, mtime=7),
        (entry("./d/f", mode=0o4711, mtime=9), b"text"),
        link("./l", "/d/f", mtime=11),
        hard_link("./d/h", "./d/f"),
        entry("./p", tarfile.FIFOTYPE, mode=0o622),
    )

    assert totals == Totals(6, 4, ())
    assert (mode(box.root), box.root.stat().st_mtime) == (0o711, 5)
    assert (mode(box.root / "d"), (box.root / "d").stat().st_mtime) == (0o2750, 7)
    assert (box.root / "d/f").read_text() == "text"
    assert (mode(box.root / "d/f"), (box.root / "d/f").stat().st_mtime) == (0o4711, 9)
    assert os.readlink(box.root / "l") == "/d/f"
    assert (box.root / "l").lstat().st_mtime == 11
    assert (box.root / "d/h").samefile(box.root / "d/f")
    assert stat.S_ISFIFO((box.root / "p").stat().st_mode)
    assert mode(box.root / "p") == 0o622


def test_makes_parents_that_are_not_listed(box: Box) -> None:
    box.unpack(("a/b/c", b"x"))

    assert (box.root / "a/b/c").read_text() == "x"
    assert mode(box.root / "a/b") == 0o755


def test_fills_directories_that_nobody_may_enter(box: Box) -> None:
    box.unpack(directory("d", mode=0), ("d/f", b"x"), directory("d/e", mode=0o111))

    assert mode(box.root / "d") == 0
    os.chmod(box.root / "d", 0o755)
    assert mode(box.root / "d/e") == 0o111


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (b"", b""),
        (b".", b""),
        (b"/", b""),
        (b"./", b""),
        (b"a", b"a"),
        (b"./a/", b"a"),
        (b"/a//b/./c", b"a/b/c"),
        (b"a/../b", b"b"),
        (b"a/..", b""),
        (b"..a/...", b"..a/..."),
    ],
)
def test_cleans_names(name: bytes, wanted: bytes) -> None:
    assert clean(name) == wanted


@pytest.mark.parametrize("name", [b"..", b"../x", b"/..", b"a/../../x", b"./../x"])
def test_refuses_names_that_climb_out(name: bytes) -> None:
    with pytest.raises(InvalidInputError, match="leads out of the image"):
        clean(name)


@pytest.mark.parametrize("name", ["../canary", "a/../../canary", "/../canary"])
def test_an_entry_cannot_climb_out(box: Box, name: str) -> None:
    with pytest.raises(InvalidInputError, match="leads out of the image"):
        box.unpack((name, b"dead"))


def test_an_absolute_name_is_meant_from_the_root(box: Box) -> None:
    box.unpack((str(box.folder / "canary"), b"dead"))

    assert (box.root / str(box.folder / "canary").lstrip("/")).read_text() == "dead"


@pytest.mark.parametrize("target", ["..", "../../../../..", "{folder}", "../outside"])
@pytest.mark.parametrize("kind", ["file", "directory", "link", "hard link", "fifo", "whiteout"])
def test_nothing_goes_out_through_a_link(box: Box, target: str, kind: str) -> None:
    inside: dict[str, Content] = {
        "file": ("out/canary", b"dead"),
        "directory": directory("out/outside/new"),
        "link": link("out/canary", "x"),
        "hard link": hard_link("out/outside/h", "f"),
        "fifo": entry("out/outside/p", tarfile.FIFOTYPE),
        "whiteout": ("out/.wh.canary", b""),
    }

    with suppress(InvalidInputError):  # where the target does not exist inside
        box.unpack(("f", b""), link("out", target.format(folder=box.folder)), inside[kind])


def test_a_link_leads_to_its_place_inside(box: Box) -> None:
    box.unpack(directory("usr/lib"), link("lib", "/usr/lib"), ("lib/x", b"1"))

    assert (box.root / "usr/lib/x").read_text() == "1"


def test_links_in_a_circle_are_refused(box: Box) -> None:
    with pytest.raises(
        InvalidInputError, match="'a/x': its directory is a symbolic link that leads in a circle"
    ):
        box.unpack(link("a", "b"), link("b", "a"), ("a/x", b""))


def test_a_link_that_leads_nowhere_is_no_parent(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="link that leads nowhere"):
        box.unpack(link("a", "/nowhere"), ("a/x", b""))


def test_a_last_name_is_never_followed(box: Box) -> None:
    box.unpack(link("f", str(box.folder / "canary")), ("f", b"new"))

    assert (box.root / "f").read_text() == "new"
    assert not (box.root / "f").is_symlink()


@pytest.mark.parametrize(
    "target", ["../canary", "/../canary", "{folder}/canary", "out/canary", "nothing"]
)
def test_a_hard_link_cannot_take_what_is_outside(box: Box, target: str) -> None:
    with pytest.raises(InvalidInputError, match=r"hard link to|leads out"):
        box.unpack(link("out", "../"), hard_link("h", target.format(folder=box.folder)))

    assert (box.folder / "canary").stat().st_nlink == 1


def test_a_hard_link_to_a_link_is_one_to_the_link(box: Box) -> None:
    box.unpack(link("l", str(box.folder / "canary")), hard_link("h", "l"))

    assert (box.root / "h").is_symlink()
    assert (box.folder / "canary").stat().st_nlink == 1


@pytest.mark.parametrize("target", [".", "/", "d"])
def test_a_hard_link_to_a_directory_is_refused(box: Box, target: str) -> None:
    with pytest.raises((InvalidInputError, PermissionError)):
        box.unpack(directory("d"), hard_link("h", target))


def test_a_hard_link_to_itself_changes_nothing(box: Box) -> None:
    box.unpack(("f", b"x"), hard_link("f", "f"))

    assert (box.root / "f").read_text() == "x"


def test_a_later_entry_takes_the_place_of_an_earlier_one(box: Box) -> None:
    box.unpack(
        directory("a"),
        ("a/b/c", b"1"),
        ("a", b"file"),
        ("f", b"1"),
        directory("f", mode=0o700),
        ("f/x", b"2"),
        ("l", b"1"),
        link("l", "f"),
        directory("l"),
    )

    assert (box.root / "a").read_text() == "file"
    assert (box.root / "f/x").read_text() == "2"
    assert (box.root / "l").is_dir()
    assert not (box.root / "l").is_symlink()


def test_a_directory_that_is_listed_twice_keeps_its_content(box: Box) -> None:
    box.unpack(directory("d"), ("d/f", b""), directory("d", mode=0o700))

    assert (box.root / "d/f").exists()
    assert mode(box.root / "d") == 0o700


def test_a_file_is_no_parent(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="'f/x': its directory is a file"):
        box.unpack(("f", b""), ("f/x", b""))


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE])
def test_the_root_stays_a_directory(box: Box, kind: bytes) -> None:
    with pytest.raises(InvalidInputError, match="root is no directory"):
        box.unpack(entry("./", kind, linkname="x"))


def test_devices_are_left_out_where_policy_says_so(box: Box) -> None:
    totals = box.unpack(device("dev/sda", 8, 0, tarfile.BLKTYPE), device("dev/null", 1, 3))

    assert totals.notes == (
        "'dev/sda': a device, left out",
        "'dev/null': a device, left out",
    )
    assert os.listdir(box.root / "dev") == []


def test_keeps_attributes_of_users(box: Box) -> None:
    box.unpack(
        entry("f", pax_headers={"SCHILY.xattr.user.a": "1"}),
        directory("d", pax_headers={"SCHILY.xattr.user.b": "2"}),
    )

    assert os.getxattr(box.root / "f", "user.a") == b"1"
    assert os.getxattr(box.root / "d", "user.b") == b"2"


@pytest.mark.parametrize(
    "name", ["trusted.overlay.redirect", "trusted.x", "user.overlay.opaque", "security.selinux"]
)
def test_attributes_that_would_steer_this_host_are_left_out(box: Box, name: str) -> None:
    totals = box.unpack(directory("d", pax_headers={f"SCHILY.xattr.{name}": "y"}))

    assert totals.notes == (f"extended attribute {name!r}: not kept",)
    assert os.listxattr(box.root / "d") == []


def test_an_owner_that_the_kernel_would_ignore_is_refused(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="no possible user"):
        box.unpack(entry("f", uid=2**32 - 1))


def test_a_layer_may_hold_so_many_entries(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="more than 2 entries"):
        box.unpack(("a", b""), ("b", b""), ("c", b""), limits=Limits(entries=2))


def test_a_layer_may_hold_so_many_bytes(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="more than 10 bytes") as caught:
        box.unpack(("a", b"12345"), ("b", b"123456"), limits=Limits(bytes=10))

    assert "fill the disk" in caught.value.hint


def test_a_whiteout_hides_what_lies_below(box: Box) -> None:
    box.onto(("etc/gone", b""), ("etc/kept", b""), directory("srv"), ("srv/f", b""))
    box.unpack(("etc/.wh.gone", b""), (".wh.srv", b""))

    assert is_whiteout(box.root / "etc/gone")
    assert is_whiteout(box.root / "srv")
    assert os.listdir(box.root / "etc") == ["gone"]


def test_a_whiteout_of_nothing_makes_nothing(box: Box) -> None:
    box.onto(("a", b""), ("gone", b""))
    box.onto((".wh.gone", b""))
    box.unpack((".wh.b", b""), ("d/.wh.c", b""), (".wh.gone", b""))

    assert os.listdir(box.root) == ["d"]
    assert os.listdir(box.root / "d") == []


@pytest.mark.parametrize("first", ["whiteout", "entry"])
def test_a_whiteout_never_hides_its_own_layer(box: Box, first: str) -> None:
    whiteout: list[Content] = [(".wh.f", b""), (".wh.d", b"")]
    made: list[Content] = [("f", b"new"), directory("d"), ("d/new", b"")]
    box.onto(("f", b"old"), ("d/old", b""))
    box.unpack(*(whiteout + made if first == "whiteout" else made + whiteout))

    assert (box.root / "f").read_text() == "new"
    assert os.listdir(box.root / "d") == ["new"]
    assert is_opaque(box.root / "d")


def test_an_opaque_directory_hides_all_that_lies_below(box: Box) -> None:
    box.onto(("d/a", b""), ("d/e/b", b""))
    box.unpack(
        ("d/.wh.a", b""),
        ("d/e/.wh.b", b""),
        ("d/.wh..wh..opq", b""),
        ("d/new", b""),
        ("n/.wh..wh..opq", b""),
    )

    assert is_opaque(box.root / "d")
    assert sorted(os.listdir(box.root / "d")) == ["e", "new"]
    assert os.listdir(box.root / "d/e") == []
    assert not is_opaque(box.root / "n")


def test_what_aufs_kept_for_itself_is_left_out(box: Box) -> None:
    box.unpack((".wh..wh.aufs", b""), directory(".wh..wh.plnk"))

    assert os.listdir(box.root) == []


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "d/.wh.."])
def test_whiteouts_of_no_name_are_refused(box: Box, name: str) -> None:
    with pytest.raises(InvalidInputError, match="a whiteout of nothing"):
        box.unpack((name, b""))


def test_nothing_lies_inside_a_whiteout(box: Box) -> None:
    with pytest.raises(InvalidInputError, match="lies inside a whiteout"):
        box.unpack((".wh.d/x", b""))


def test_a_whiteout_cannot_reach_below_through_a_link(box: Box) -> None:
    (box.folder / "lower").mkdir()
    (box.folder / "lower/out").symlink_to("..")
    box.lowers = [box.folder / "lower"]

    box.unpack(("out/.wh.canary", b""))

    assert is_whiteout(box.root / "out/canary")


def test_a_directory_that_is_passed_through_looks_as_below(box: Box) -> None:
    box.onto(directory("d", mode=0o1777, mtime=5, pax_headers={"SCHILY.xattr.user.a": "1"}))
    box.onto(("other", b""))
    box.unpack(("d/f", b""), ("new/f", b""))

    assert (mode(box.root / "d"), (box.root / "d").stat().st_mtime) == (0o1777, 5)
    assert os.getxattr(box.root / "d", "user.a") == b"1"
    assert mode(box.root / "new") == 0o755


def test_the_root_looks_as_below(box: Box) -> None:
    box.onto(directory("./", mode=0o700, mtime=5))
    box.unpack(("f", b""))

    assert (mode(box.root), box.root.stat().st_mtime) == (0o700, 5)


def test_holds_few_descriptors_however_many_directories(box: Box) -> None:
    before = len(os.listdir("/proc/self/fd"))
    box.unpack(*((f"d{number}/f", b"") for number in range(300)))

    assert len(os.listdir("/proc/self/fd")) == before
    assert len(os.listdir(box.root)) == 300


def test_goes_deep(box: Box) -> None:
    box.unpack(("a/" * 1000 + "f", b"x"))

    assert (box.root / ("a/" * 1000 + "f")).exists()
    remove_tree(box.root / "a")  # which pytest's own cleaning cannot


@pytest.mark.parametrize("part", [b"x" * 256, b"x" * 4000])
def test_a_name_that_is_too_long_is_refused(box: Box, part: bytes) -> None:
    with pytest.raises(InvalidInputError, match="the name is too long"):
        box.unpack((part.decode(), b""))
