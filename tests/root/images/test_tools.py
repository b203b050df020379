"""Images by other tools become the same directories, whatever form they come in."""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.images.store import ImageStore

pytestmark = pytest.mark.root


def check(store: ImageStore, reference: str) -> tuple[str, ...]:
    image = store.resolve(reference)
    upper, lower = (Path(path) for path in image.lower)
    assert (upper / "etc/name").read_text() == "second"
    assert (lower / "etc/name").read_text() == "first"
    assert stat.S_ISCHR((upper / "var/gone").lstat().st_mode)
    assert (lower / "bin/hard").samefile(lower / "bin/busybox")
    assert stat.S_IMODE((lower / "bin/busybox").stat().st_mode) == 0o4755
    assert os.readlink(lower / "bin/sh") == "busybox"
    assert image.config.cmd == ("/bin/sh",)
    assert "A=b" in image.config.env
    return image.lower


def test_takes_every_form_that_skopeo_writes(
    store: ImageStore, busybox: Path, tmp_path: Path, require: Callable[[str], str]
) -> None:
    skopeo, gzip, zstd = require("skopeo"), require("gzip"), require("zstd")
    for form in ("docker-archive", "oci-archive"):
        target = f"{form}:{tmp_path}/{form}.tar:app:1"
        subprocess.run((skopeo, "copy", f"oci:{busybox}:busy", target), check=True)
    docker, oci = tmp_path / "docker-archive.tar", tmp_path / "oci-archive.tar"
    subprocess.run((gzip, "-k", docker), check=True)
    subprocess.run((zstd, "-q", oci), check=True)

    found = {
        check(store, reference)
        for reference in (
            str(busybox),
            f"oci:{busybox}:busy",
            str(docker),
            f"docker-archive:{docker}:app:1",
            f"{docker}.gz",
            str(oci),
            f"oci-archive:{oci}",
            f"{oci}.zst",
        )
    }

    assert len(found) == 1, "the layers are shared"


def test_takes_layers_that_skopeo_compressed_with_zstd(
    store: ImageStore, busybox: Path, tmp_path: Path, require: Callable[[str], str]
) -> None:
    require("zstd")
    subprocess.run(
        (
            require("skopeo"),
            "copy",
            "--dest-compress-format=zstd",
            "--dest-compress",
            f"oci:{busybox}:busy",
            f"oci:{tmp_path}/zstd:busy",
        ),
        check=True,
    )
    magic = {path.read_bytes()[:4] for path in (tmp_path / "zstd/blobs/sha256").iterdir()}
    assert b"\x28\xb5\x2f\xfd" in magic

    check(store, f"{tmp_path}/zstd")


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir"])
def test_takes_what_podman_saves(
    store: ImageStore, busybox: Path, tmp_path: Path, podman: tuple[str, ...], form: str
) -> None:
    pulled = subprocess.run(
        (*podman, "pull", "-q", f"oci:{busybox}:busy"),
        check=True,
        capture_output=True,
        text=True,
    )
    target = tmp_path / f"saved-{form}"
    subprocess.run(
        (*podman, "save", "-q", "--format", form, "-o", str(target), pulled.stdout.strip()),
        check=True,
        capture_output=True,
    )

    check(store, str(target))
