"""What only root can keep: owners, devices, capabilities of files, and overlayfs's own marks."""

import json
import os
import stat
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.images import Content, Layout, device, directory, entry, link, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.images.store import ImageStore

pytestmark = pytest.mark.root

CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)  # cap_net_raw+ep
PYTHON_LISTING = """
import json, os, stat
found = {}
for folder, names, files in os.walk("/mnt"):
    for name in (*names, *files):
        path = os.path.join(folder, name)
        s = os.lstat(path)
        found[path[4:]] = [stat.S_IFMT(s.st_mode), s.st_nlink if stat.S_ISREG(s.st_mode) else 0]
print(json.dumps(found))
"""


def first_layer(store: ImageStore, layout: Layout, *contents: Content) -> Path:
    layout.image(tar_of(*contents))
    return Path(store.resolve(str(layout.path)).lower[0])


def merged(lower: tuple[str, ...]) -> dict[str, list[int]]:
    """What an overlay of the layers shows: type and number of links of each path."""
    dirs = ":".join(lower)
    mount = f"mount -t overlay overlay -o 'lowerdir={dirs}' /mnt"
    if len(lower) == 1:
        mount = f"mount --bind '{dirs}' /mnt"
    run = subprocess.run(
        ("unshare", "-m", "sh", "-c", f'{mount} && exec python3 -c "$0"', PYTHON_LISTING),
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, list[int]] = json.loads(run.stdout)
    return found


def test_keeps_owners_and_what_chown_takes_away(store: ImageStore, layout: Layout) -> None:
    root = first_layer(
        store,
        layout,
        directory("d", uid=5, gid=6, mode=0o2751),
        (entry("d/suid", uid=1000, gid=7, mode=0o6755, mtime=77), b"x"),
        (entry("ping", uid=0, gid=9, pax_headers=capability()), b"x"),
        link("l", "x", uid=8, gid=9),
    )

    suid = (root / "d/suid").stat()
    assert (suid.st_uid, suid.st_gid, stat.S_IMODE(suid.st_mode)) == (1000, 7, 0o6755)
    assert suid.st_mtime == 77
    assert (root / "d").stat().st_uid == 5
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o2751
    assert os.getxattr(root / "ping", "security.capability") == CAPABILITY
    assert (root / "l").lstat().st_uid == 8


def capability() -> dict[str, str]:
    return {"SCHILY.xattr.security.capability": CAPABILITY.decode("utf-8", "surrogateescape")}


def test_a_set_group_directory_passes_nothing_on(store: ImageStore, layout: Layout) -> None:
    root = first_layer(store, layout, directory("d", gid=50, mode=0o2775), ("d/f", b""))

    assert (root / "d/f").stat().st_gid == 0


def test_makes_devices(store: ImageStore, layout: Layout) -> None:
    root = first_layer(
        store,
        layout,
        device("dev/null", 1, 3),
        device("dev/sda", 8, 300, tarfile.BLKTYPE),
        device("dev/gone", 0, 0),
    )

    assert (root / "dev/null").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_ISCHR((root / "dev/null").stat().st_mode)
    assert (root / "dev/sda").stat().st_rdev == os.makedev(8, 300)
    assert not (root / "dev/gone").exists()


def test_an_archive_cannot_steer_overlayfs(store: ImageStore, layout: Layout) -> None:
    headers = {f"SCHILY.xattr.trusted.overlay.{name}": "/x" for name in ("redirect", "opaque")}
    root = first_layer(store, layout, directory("d", pax_headers=headers))

    assert os.listxattr(root / "d") == []


def test_an_overlay_shows_what_the_image_means(store: ImageStore, layout: Layout) -> None:
    layout.image(
        tar_of(("a/one", b""), ("a/two", b""), ("b/c/deep", b""), ("gone", b""), ("f/x", b"")),
        tar_of(("a/.wh.one", b""), ("b/.wh..wh..opq", b""), ("b/new", b""), (".wh.gone", b"")),
        tar_of((".wh.f", b""), directory("f"), ("f/y", b""), (".wh.nothing", b"")),
    )

    assert merged(store.resolve(str(layout.path)).lower) == {
        "/a": [stat.S_IFDIR, 0],
        "/a/two": [stat.S_IFREG, 1],
        "/b": [stat.S_IFDIR, 0],
        "/b/new": [stat.S_IFREG, 1],
        "/f": [stat.S_IFDIR, 0],
        "/f/y": [stat.S_IFREG, 1],
    }


def test_whiteouts_in_a_new_directory_do_not_show(store: ImageStore, layout: Layout) -> None:
    layout.image(tar_of(("a", b"")), tar_of(directory("d"), ("d/.wh.x", b""), ("d/.wh.y", b"")))

    assert set(merged(store.resolve(str(layout.path)).lower)) == {"/a", "/d"}


def test_a_data_root_on_an_overlay_is_refused_where_it_matters(
    layout: Layout, tmp_path: Path
) -> None:
    layout.image(tar_of(("a", b""), ("b", b"")), tar_of((".wh.a", b"")))
    for name in ("lower", "data"):
        (tmp_path / name).mkdir()
    code = (
        "import sys; from toolkit.images.store import ImageStore;"
        "from toolkit.core.errors import ToolkitError\n"
        "ImageStore(sys.argv[1]).resolve('host')\n"
        "try: ImageStore(sys.argv[1]).resolve(sys.argv[2])\n"
        "except ToolkitError as error: print(error.message, '|', error.hint)"
    )
    script = (
        f"mount -t tmpfs tmpfs {tmp_path}/data; mkdir {tmp_path}/data/u {tmp_path}/data/w;"
        f"mount -t overlay overlay -o lowerdir={tmp_path}/lower,upperdir={tmp_path}/data/u,"
        f"workdir={tmp_path}/data/w {tmp_path}/lower;"
        f'exec {sys.executable} -c "$0" {tmp_path}/lower/store {layout.path}'
    )

    run = subprocess.run(
        ("unshare", "-m", "sh", "-ec", script, code), capture_output=True, text=True, check=True
    )

    assert "cannot hold a deleted file's mark | the data root must not lie on an overlay" in (
        run.stdout
    )


@contextmanager
def canary(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "canary"
    path.write_text("alive")
    before = path.stat()
    yield path
    after = path.stat()
    assert path.read_text() == "alive"
    assert (after.st_mode, after.st_uid, after.st_nlink, after.st_mtime_ns) == (
        before.st_mode,
        before.st_uid,
        before.st_nlink,
        before.st_mtime_ns,
    )


@pytest.mark.parametrize("up", ["{folder}", "../../../../../..{folder}", "/proc/self/root{folder}"])
def test_nothing_outside_is_touched(
    store: ImageStore, layout: Layout, tmp_path: Path, up: str
) -> None:
    out = up.format(folder=tmp_path)
    evil: list[list[Content]] = [
        [link("out", out), (entry("out/canary", uid=5, mode=0o4777), b"dead")],
        [link("out", out), directory("out", mode=0o777, uid=5)],
        [link("canary", f"{out}/canary"), (entry("canary"), b"dead")],
        [link("out", out), ("out/.wh.canary", b"")],
        [link("out", out), ("out/.wh..wh..opq", b"")],
        [link("out", out), device("out/canary", 1, 3)],
    ]
    with canary(tmp_path):
        for contents in evil:
            layout.manifests = []
            layout.image(tar_of(("x", b"")), tar_of(*contents))
            with suppress(InvalidInputError):  # where the link leads nowhere inside
                store.resolve(str(layout.path))


def test_the_root_of_the_store_is_not_for_others(store: ImageStore, layout: Layout) -> None:
    root = first_layer(store, layout, (entry("su", mode=0o4755), b""))

    assert stat.S_IMODE(Path(store.data_root).stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(root.parent.parent.stat().st_mode) == 0o700


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            status.st_nlink if path.is_file() else 0,
            content,
        )
    return found


def test_unpacks_as_umoci_does(
    store: ImageStore, tmp_path: Path, require: Callable[[str], str]
) -> None:
    """A layer by GNU tar of real files, unpacked by both."""
    umoci, gnu_tar = require("umoci"), require("tar")
    data = subprocess.run(
        (gnu_tar, "-cS", "--format=pax", "-C", "/usr/share", "terminfo", "perl5"),
        check=True,
        capture_output=True,
    ).stdout
    made = Layout(tmp_path / "both")
    made.image(data, name="x")
    subprocess.run(
        (umoci, "unpack", "--image", f"{made.path}:x", tmp_path / "umoci"),
        check=True,
        capture_output=True,
    )

    ours = tree(Path(store.resolve(str(made.path)).lower[0]))

    assert ours == tree(tmp_path / "umoci/rootfs")
