import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.images import OCI_LAYER, Layout, config_of, docker_archive, sha256, tar_of
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.images.limits import Limits
from toolkit.images.store import ImageStore

FIRST = tar_of(("etc/name", b"first"), ("gone", b""))
SECOND = tar_of(("etc/name", b"second"), (".wh.gone", b""))


def files_in(path: str) -> list[str]:
    return sorted(
        str(item.relative_to(path)) for item in Path(path).rglob("*") if not item.is_dir()
    )


def left_in(store: ImageStore) -> list[str]:
    """What lies in the store beside whole layers."""
    root = Path(store.data_root)
    return [str(path) for path in root.glob("layers/.parts/*")] + [
        str(path) for path in root.glob("layers/*") if path.name != ".parts"
    ]


def test_a_layout_becomes_directories(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST, SECOND, Cmd=["/x"], Env=["A=b"], Labels={"l": "m"})

    image = store.resolve(str(layout.path))

    assert [files_in(path) for path in image.lower] == [
        ["etc/name", "gone"],
        ["etc/name", "gone"],
    ]
    assert Path(image.lower[0], "etc/name").read_text() == "second"
    assert Path(image.lower[1], "etc/name").read_text() == "first"
    assert image.config.cmd == ("/x",)
    assert image.binds == ()
    assert image.manifest == layout.manifests[0]["digest"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_archive_becomes_directories(
    store: ImageStore, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(pack(docker_archive(FIRST, Cmd=["/x"])))

    image = store.resolve(f"{path}:app:1")

    assert files_in(image.lower[0]) == ["etc/name", "gone"]
    assert image.digest == sha256(json.dumps(config_of([FIRST], Cmd=["/x"])).encode())
    assert image.manifest == ""


def test_what_was_resolved_is_remembered(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST, Cmd=["/x"], Volumes={"/v": {}}, Labels={"l": "m"})
    first = store.resolve(str(layout.path))
    for blob in (layout.path / "blobs/sha256").iterdir():
        blob.unlink()

    assert store.resolve(str(layout.path)) == first


def test_what_changed_is_read_again(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST, Cmd=["/old"])
    store.resolve(str(layout.path))
    layout.manifests = []
    layout.image(SECOND, Cmd=["/new"])

    assert store.resolve(str(layout.path)).config.cmd == ("/new",)


def test_names_in_one_archive_are_remembered_apart(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST, name="a", Cmd=["a"])
    layout.image(SECOND, name="b", Cmd=["b"])
    both = [store.resolve(f"{layout.path}:{name}").config.cmd for name in "abab"]

    assert both == [("a",), ("b",), ("a",), ("b",)]


def test_a_lost_layer_is_unpacked_again(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST)
    image = store.resolve(str(layout.path))
    os.rename(Path(image.lower[0]).parent, Path(store.data_root) / "elsewhere")

    assert files_in(store.resolve(str(layout.path)).lower[0]) == ["etc/name", "gone"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"version": 1}'])
def test_a_torn_memory_does_no_harm(store: ImageStore, layout: Layout, damage: bytes) -> None:
    layout.image(FIRST)
    image = store.resolve(str(layout.path))
    (memory,) = Path(store.data_root, "resolved").iterdir()
    memory.write_bytes(damage)

    assert store.resolve(str(layout.path)) == image


def test_images_share_layers(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST, SECOND, name="a")
    layout.image(FIRST, name="b")

    one, other = (store.resolve(f"{layout.path}:{name}") for name in "ab")

    assert one.lower[1] == other.lower[0]


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_layer_that_was_changed_is_refused(store: ImageStore, layout: Layout, size: int) -> None:
    layer = tar_of(("f", bytes(size)))
    blob = layout.blob(gzip.compress(layer), OCI_LAYER)
    layout.manifests = [layout.manifest([blob], config_of([layer]))]
    layout.save()
    other = gzip.compress(layer.replace(b"\0\0", b"\0\1", 1))
    path = layout.path / "blobs/sha256" / blob["digest"].removeprefix("sha256:")
    path.write_bytes(other[: blob["size"]].ljust(blob["size"], b"\0"))

    with pytest.raises(InvalidInputError, match=r"its content has the digest|is damaged"):
        store.resolve(str(layout.path))
    assert left_in(store) == []


@pytest.mark.parametrize("compress", [True, False])
def test_a_configuration_that_promises_another_layer_is_refused(
    store: ImageStore, layout: Layout, compress: bool
) -> None:
    blob = layout.blob(gzip.compress(FIRST) if compress else FIRST, OCI_LAYER)
    layout.manifests = [layout.manifest([blob], config_of([SECOND]))]
    layout.save()

    with pytest.raises(InvalidInputError, match=f"layer {sha256(SECOND)}: its content has the di"):
        store.resolve(str(layout.path))
    assert left_in(store) == []


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (b"no tar" * 1000, "no tar header at byte 0"),
        (tar_of(("../x", b"")), "leads out of the image"),
        (tar_of(("f", bytes(2000)))[:1000], "ends in the middle"),
    ],
)
def test_a_broken_layer_is_refused_and_named(
    store: ImageStore, layout: Layout, layer: bytes, said: str
) -> None:
    layout.image(FIRST, layer)

    with pytest.raises(InvalidInputError, match=f"layer {sha256(layer)}: .*{said}"):
        store.resolve(str(layout.path))
    assert [Path(path).name for path in left_in(store)] == [sha256(FIRST).partition(":")[2]]


def test_a_missing_layer_is_refused(store: ImageStore, layout: Layout) -> None:
    blob = layout.blob(FIRST, OCI_LAYER)
    layout.manifests = [layout.manifest([blob], config_of([FIRST]))]
    layout.save()
    (layout.path / "blobs/sha256" / blob["digest"].removeprefix("sha256:")).unlink()

    with pytest.raises(NotFoundError, match="lacks 'blobs/sha256/"):
        store.resolve(str(layout.path))
    assert left_in(store) == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(entries=1), "more than 1 entries"),
        (Limits(bytes=3), "more than 3 bytes"),
        (Limits(stream=600), "longer than 600 bytes"),
    ],
)
def test_a_layer_has_limits(tmp_path: Path, layout: Layout, limits: Limits, said: str) -> None:
    store = ImageStore(str(tmp_path / "data"), limits=limits)
    layout.image(FIRST)

    with pytest.raises(InvalidInputError, match=said):
        store.resolve(str(layout.path))
    assert left_in(store) == []


def test_a_bomb_is_stopped_early(tmp_path: Path, layout: Layout) -> None:
    store = ImageStore(str(tmp_path / "data"), limits=Limits(stream=1 << 20))
    layer = tar_of(("f", bytes(64 << 20)))
    layout.image(layer)

    with pytest.raises(InvalidInputError, match="longer than 1048576 bytes"):
        store.resolve(str(layout.path))
    assert left_in(store) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, layout: Layout) -> None:
    layout.image(FIRST)
    (tmp_path / "file").write_text("")

    with pytest.raises(ToolkitError, match="cannot be made ready: Not a directory"):
        ImageStore(str(tmp_path / "file/data")).resolve(str(layout.path))


def test_this_host_becomes_an_image(store: ImageStore) -> None:
    image = store.resolve("host")

    assert image.binds[0] == ("/usr", "/usr")
    assert image.config.cmd == ("/bin/sh",)
    assert Path(image.lower[0], "etc/passwd").read_text().startswith("root:x:0:0:")
    assert store.resolve("host") == image


def test_a_ready_image_imports_nothing_that_unpacks(store: ImageStore, layout: Layout) -> None:
    layout.image(FIRST)
    store.resolve(str(layout.path))
    store.resolve("host")
    root = Path(sys.modules["toolkit"].__path__[0]).parent
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r});"
        "from toolkit.images.store import ImageStore;"
        f"store = ImageStore({store.data_root!r});"
        f"store.resolve({str(layout.path)!r}); store.resolve('host');"
        "print(*sys.modules)"
    )
    root = Path(sys.modules["toolkit"].__path__[0]).parent
    run = subprocess.run(
        (
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(root)!r}); {code}",
        ),
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(run.stdout.split())

    heavy = {"dataclasses", "typing", "subprocess", "tarfile", "hashlib", "ctypes", "socket"}
    assert not imported & heavy
    assert "toolkit.images.prepare" not in imported
