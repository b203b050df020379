import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.images import (
    OCI_CONFIG,
    OCI_LAYER,
    Layout,
    config_of,
    docker_archive,
    hard_link,
    link,
    tar_of,
)
from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.images import sources
from toolkit.images.files import ArchiveFiles, DirectoryFiles
from toolkit.images.limits import MAX_JSON, Limits
from toolkit.images.sources import Found, read_image
from toolkit.oci.image import this_platform

LAYER = tar_of(("f", b"x"))
OTHER = tar_of(("g", b"y"))
HERE = {"os": "linux", "architecture": this_platform().architecture}


def in_layout(layout: Layout, tag: str = "") -> Found:
    files = DirectoryFiles(str(layout.path))
    try:
        return read_image(files, path="layout", tag=tag)
    finally:
        files.close()


def in_archive(data: bytes, folder: Path, tag: str = "", limits: Limits | None = None) -> Found:
    path = folder / "archive.tar"
    path.write_bytes(data)
    files = ArchiveFiles(str(path), scratch=str(folder), limits=limits or Limits())
    try:
        return read_image(files, path="archive", tag=tag)
    finally:
        files.close()


def test_reads_the_only_image_of_a_layout(layout: Layout) -> None:
    layout.image(LAYER, OTHER, Cmd=["/f"])

    found = in_layout(layout)

    assert found.image.config.cmd == ("/f",)
    assert len(found.layers) == len(found.image.diff_ids) == 2
    assert found.manifest_digest is not None


@pytest.mark.parametrize("tag", ["app", "docker.io/library/other:1", "other:1", "1"])
def test_reads_the_image_that_was_named(layout: Layout, tag: str) -> None:
    layout.image(LAYER, name="app", Cmd=["app"])
    layout.image(LAYER, name="docker.io/library/other:1", Cmd=["other"])

    assert in_layout(layout, tag).image.config.cmd == ("app" if tag == "app" else "other",)


def test_asks_which_of_several_images(layout: Layout) -> None:
    layout.image(LAYER, name="one", Cmd=["1"])
    layout.image(LAYER, name="two", Cmd=["2"])

    with pytest.raises(InvalidInputError, match="holds 2 images: say which") as caught:
        in_layout(layout)
    assert caught.value.hint == "write 'layout:one'; it holds: one, two"


def test_two_names_of_one_image_are_no_question(layout: Layout) -> None:
    layout.image(LAYER, name="one")
    layout.image(LAYER, name="two")

    assert in_layout(layout)


def test_names_what_there_is(layout: Layout) -> None:
    layout.image(LAYER, name="busybox")

    with pytest.raises(NotFoundError, match="holds no image 'busibox'") as caught:
        in_layout(layout, "busibox")
    assert caught.value.hint == "did you mean 'busybox'?"
    with pytest.raises(NotFoundError) as caught:
        in_layout(layout, "zzz")
    assert caught.value.hint == "it holds: busybox"


def test_chooses_by_platform(layout: Layout) -> None:
    def one(name: str, platform: dict[str, str]) -> dict[str, Any]:
        return layout.manifest(
            [layout.blob(LAYER, OCI_LAYER)], config_of([LAYER], Cmd=[name]), platform=platform
        )

    manifests = [
        one("other", {"os": "linux", "architecture": "mips"}),
        one("windows", {**HERE, "os": "windows"}),
        one("attestation", {"os": "unknown", "architecture": "unknown"}),
        one("right", HERE),
    ]
    data = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    layout.manifests = [layout.blob(data, "application/vnd.oci.image.index.v1+json")]
    layout.save()

    assert in_layout(layout).image.config.cmd == ("right",)
    layout.manifests = manifests[:3]
    layout.save()
    with pytest.raises(UnsupportedError, match="holds no image for linux/") as caught:
        in_layout(layout, "")
    assert "linux/mips, windows/" in caught.value.hint


def test_refuses_indexes_without_end(layout: Layout) -> None:
    inner: list[dict[str, Any]] = []
    for _ in range(8):
        data = json.dumps({"manifests": inner}).encode()
        inner = [layout.blob(data, "application/vnd.oci.image.index.v1+json")]
    layout.manifests = inner
    layout.save()

    with pytest.raises(InvalidInputError, match="nested too deep"):
        in_layout(layout)


def test_an_empty_layout_holds_no_image(layout: Layout) -> None:
    with pytest.raises(NotFoundError, match="its index is empty"):
        in_layout(layout)


def test_refuses_an_image_of_another_system(layout: Layout) -> None:
    config = {**config_of([LAYER]), "os": "windows"}
    layout.manifests = [layout.manifest([layout.blob(LAYER)], config)]
    layout.save()

    with pytest.raises(UnsupportedError, match="the image is for windows"):
        in_layout(layout)


@pytest.mark.parametrize("count", [0, 2])
def test_refuses_an_image_that_contradicts_itself(layout: Layout, count: int) -> None:
    layers = [layout.blob(LAYER, OCI_LAYER)] * count
    layout.manifests = [layout.manifest(layers, config_of([LAYER]))]
    layout.save()

    with pytest.raises(InvalidInputError, match=f"has {count} layers, the configuration 1"):
        in_layout(layout)


def test_refuses_an_image_of_nothing(layout: Layout) -> None:
    layout.image()

    with pytest.raises(InvalidInputError, match="has no layer"):
        in_layout(layout)


def test_refuses_more_layers_than_can_be_stacked(layout: Layout) -> None:
    layout.image(*[LAYER] * 501, compress=False)

    with pytest.raises(UnsupportedError, match="501 layers are more than the 500"):
        in_layout(layout)


@pytest.mark.parametrize("which", ["manifest", "config"])
@pytest.mark.parametrize("how", ["changed", "longer", "shorter", "missing"])
def test_refuses_blobs_that_are_not_what_they_should_be(
    layout: Layout, which: str, how: str
) -> None:
    made = layout.image(LAYER)
    blobs = layout.path / "blobs/sha256"
    path = blobs / made["digest"].removeprefix("sha256:")
    if which == "config":
        config = json.loads(path.read_text())["config"]["digest"]
        path = blobs / config.removeprefix("sha256:")
    data = path.read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"changed": data.replace(b"{", b"[", 1), "longer": data + b" ", "shorter": data[:-1]}[
                how
            ]
        )

    with pytest.raises(
        (InvalidInputError, NotFoundError),
        match={
            "changed": "its content has the digest",
            "longer": "longer than the",
            "shorter": "ends after",
            "missing": "lacks 'blobs/sha256/",
        }[how],
    ):
        in_layout(layout)


def test_refuses_a_configuration_that_is_too_large(layout: Layout) -> None:
    config = layout.blob(b"{}", OCI_CONFIG)
    config["size"] = MAX_JSON + 1
    data = json.dumps({"config": config, "layers": []}).encode()
    layout.manifests = [layout.blob(data)]
    layout.save()

    with pytest.raises(InvalidInputError, match="more than the limit"):
        in_layout(layout)


def test_refuses_an_index_that_is_too_large(layout: Layout) -> None:
    (layout.path / "index.json").write_bytes(b" " * (MAX_JSON + 1))

    with pytest.raises(InvalidInputError, match="larger than"):
        in_layout(layout)


@pytest.mark.parametrize("target", ["/etc/passwd", "../canary"])
def test_a_blob_is_no_link_out_of_the_layout(layout: Layout, target: str) -> None:
    (layout.path.parent / "canary").write_text("x")
    (layout.path / "index.json").unlink()
    (layout.path / "index.json").symlink_to(target)

    with pytest.raises(InvalidInputError, match="is no file inside it"):
        in_layout(layout)


def test_a_blob_is_no_pipe(layout: Layout) -> None:
    (layout.path / "index.json").unlink()
    os.mkfifo(layout.path / "index.json")

    with pytest.raises(InvalidInputError, match="no regular file"):
        in_layout(layout)


def test_reads_what_docker_saves(tmp_path: Path) -> None:
    found = in_archive(docker_archive(LAYER, OTHER, Cmd=["/f"]), tmp_path)

    assert found.image.config.cmd == ("/f",)
    assert [layer.name for layer in found.layers] == ["0/layer.tar", "1/layer.tar"]
    assert found.manifest_digest is None


@pytest.mark.parametrize("tag", ["app:1", "docker.io/library/app:1", "1"])
def test_finds_an_image_by_its_tag(tmp_path: Path, tag: str) -> None:
    assert in_archive(docker_archive(LAYER), tmp_path, tag)


def test_names_the_tags_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="holds no image 'app:2'") as caught:
        in_archive(docker_archive(LAYER), tmp_path, "app:2")
    assert caught.value.hint == "did you mean 'app:1'?"


def test_prefers_the_layout_of_a_newer_docker(layout: Layout, tmp_path: Path) -> None:
    layout.image(LAYER, name="new")
    contents = [
        (str(path.relative_to(layout.path)), path.read_bytes())
        for path in layout.path.rglob("*")
        if path.is_file()
    ]

    found = in_archive(tar_of(*contents, ("manifest.json", b"[{}]")), tmp_path)

    assert found.manifest_digest is not None


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"[]", "expected a list of images"),
        (b"{}", "expected a list of images"),
        (b"[3]", r"manifest\.json\[0\]: expected an object"),
        (b"[{}]", r"manifest\.json\[0\]\.Config: missing"),
        (b'[{"Config": 3}]', r"\[0\]\.Config: expected text"),
        (b'[{"Config": "x.json"}]', "lacks 'x.json'"),
        (b'[{"Config": "../../etc/passwd"}]', "lacks"),
        (b"nonsense", "no valid JSON"),
    ],
)
def test_refuses_a_broken_manifest(tmp_path: Path, manifest: bytes, said: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError), match=said):
        in_archive(tar_of(("manifest.json", manifest)), tmp_path)


def test_refuses_a_configuration_that_was_changed(tmp_path: Path) -> None:
    data = docker_archive(LAYER, Cmd=["/good"]).replace(b"/good", b"/evil")

    with pytest.raises(InvalidInputError, match=r"json' has the digest sha256:"):
        in_archive(data, tmp_path)


@pytest.mark.parametrize("kind", [link, hard_link])
def test_follows_links_to_layers_as_docker_does(tmp_path: Path, kind: Any) -> None:
    target = "../a/layer.tar" if kind is link else "a/layer.tar"
    config = json.dumps(config_of([LAYER, LAYER])).encode()
    manifest = [{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]
    data = tar_of(
        ("a/layer.tar", LAYER),
        kind("b/layer.tar", target),
        kind("c/layer.tar", "c/layer.tar" if kind is hard_link else "layer.tar"),
        ("c.json", config),
        ("manifest.json", json.dumps(manifest).encode()),
    )
    path = tmp_path / "archive.tar"
    path.write_bytes(data)
    files = ArchiveFiles(str(path), scratch=str(tmp_path), limits=Limits())

    with files.open("b/layer.tar") as blob:
        assert blob.read(len(LAYER) + 1) == LAYER
    with pytest.raises(InvalidInputError, match="leads in a circle"):
        files.open("c/layer.tar")
    files.close()


def test_refuses_an_archive_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds no image: neither"):
        in_archive(LAYER, tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256)) * 16])
def test_refuses_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"archive.tar': no tar header|holds no image"):
        in_archive(data, tmp_path)


def test_refuses_an_archive_that_is_cut_short(tmp_path: Path) -> None:
    data = docker_archive(LAYER)

    with pytest.raises(InvalidInputError, match="ends in the middle"):
        in_archive(data[:700], tmp_path)


def test_a_compressed_archive_has_a_limit(tmp_path: Path) -> None:
    data = gzip.compress(docker_archive(tar_of(("f", bytes(1 << 20)))))

    with pytest.raises(InvalidInputError, match="longer than 1000 bytes"):
        in_archive(data, tmp_path, limits=Limits(stream=1000))
    assert os.listdir(tmp_path) == ["archive.tar"]


def test_a_layer_without_digest_is_read_as_it_is() -> None:
    layer = sources.LayerFile(name="x", digest=None, size=None)

    assert sources.layer_reader(tar_of, layer) is tar_of
