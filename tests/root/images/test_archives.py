"""What other tools write is loaded; what we write, and the store itself, they read."""

import gzip
import io
import json
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.images import Layout, device, docker_archive, entry, link, tar_of
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.images.describing import document, history
from toolkit.images.importing import import_tar
from toolkit.images.library import Library
from toolkit.images.loading import load
from toolkit.images.saving import save
from toolkit.images.store import ImageStore
from toolkit.images.stored import StoredImage

pytestmark = pytest.mark.root

Require = Callable[[str], str]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "data"))


@pytest.fixture
def stored(library: Library, busybox: Path) -> StoredImage:
    """The image of two layers, under two names."""
    (image,) = load(library, str(busybox))
    library.tag(str(image.id), "team/busy:1")
    return library.tag(str(image.id), "registry.example:5000/busy:2")


def run(*argv: object) -> str:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout


def write(library: Library, path: Path, *names: str) -> Path:
    with path.open("wb") as file:
        save(library, names, file)
    return path


def test_skopeo_and_umoci_read_the_store_as_it_is(
    library: Library, stored: StoredImage, tmp_path: Path, require: Require
) -> None:
    where = library.blobs.directory

    shown = json.loads(run(require("skopeo"), "inspect", f"oci:{where}:team/busy:1"))
    assert shown["Digest"] == str(stored.manifest)
    run(require("skopeo"), "copy", "-q", f"oci:{where}:team/busy:1", f"dir:{tmp_path}/copy")
    assert set(run(require("umoci"), "list", "--layout", where).split()) == {
        "team/busy:1",
        "registry.example:5000/busy:2",
    }
    run(require("umoci"), "unpack", "--image", f"{where}:team/busy:1", tmp_path / "bundle")
    root = tmp_path / "bundle/rootfs"
    assert (root / "etc/name").read_text() == "second"
    assert not (root / "var/gone").exists()
    assert stat.S_IMODE((root / "bin/busybox").stat().st_mode) == 0o4755


def test_podman_loads_what_we_save(
    library: Library, stored: StoredImage, tmp_path: Path, podman: tuple[str, ...]
) -> None:
    archive = write(library, tmp_path / "x.tar", "team/busy:1", "registry.example:5000/busy:2")

    run(*podman, "load", "-q", "-i", archive)

    names = json.loads(run(*podman, "image", "inspect", stored.id.hex))[0]["RepoTags"]
    assert {name.removeprefix("localhost/").removeprefix("docker.io/") for name in names} == {
        "team/busy:1",
        "registry.example:5000/busy:2",
    }


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo_reads_what_we_save(
    library: Library, stored: StoredImage, tmp_path: Path, require: Require, form: str
) -> None:
    archive = write(library, tmp_path / "x.tar", "team/busy:1")

    name = "docker.io/team/busy:1" if form == "docker-archive" else "team/busy:1"
    raw = run(require("skopeo"), "inspect", "--config", "--raw", f"{form}:{archive}:{name}")
    assert json.loads(raw)["config"]["Cmd"] == ["/bin/sh"]
    target = tmp_path / "copy"
    run(require("skopeo"), "copy", "-q", f"{form}:{archive}:{name}", f"oci:{target}:x")
    (image,) = load(Library(str(tmp_path / "other")), str(target))
    assert image.chains == stored.chains


@pytest.mark.parametrize("packed", ["", "gzip", "zstd", "stdin"])
def test_our_own_archives_come_back_the_same(
    library: Library, stored: StoredImage, tmp_path: Path, require: Require, packed: str
) -> None:
    other = import_tar(library, io.BytesIO(tar_of((entry("a"), b"a"))), name="other")
    archive = write(library, tmp_path / "x.tar", "team/busy", "other", stored.id.hex[:12])
    fresh = Library(str(tmp_path / "fresh"))

    if packed == "stdin":
        with archive.open("rb") as file:
            found = load(fresh, file)
    else:
        if packed:
            run(require(packed), "-q", archive)
            archive = next(tmp_path.glob("x.tar.*"))
        found = load(fresh, str(archive))

    assert {image.id for image in found} == {stored.id, other.id}
    assert fresh.find("team/busy:1").manifest == stored.manifest
    assert fresh.find("other").id == other.id
    with pytest.raises(NotFoundError):
        fresh.find("registry.example:5000/busy:2")


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_what_podman_saves_is_loaded(
    library: Library, busybox: Path, tmp_path: Path, podman: tuple[str, ...], form: str
) -> None:
    image = run(*podman, "pull", "-q", f"oci:{busybox}:busy").strip()
    run(*podman, "tag", image, "docker.io/team/busy:1")
    run(*podman, "save", "-q", "--format", form, "-o", tmp_path / "x.tar", "docker.io/team/busy:1")

    (found,) = load(library, str(tmp_path / "x.tar"))

    assert found.id.hex == image
    assert found.names == ("docker.io/team/busy:1",)


def test_several_images_of_podman(
    library: Library, busybox: Path, tmp_path: Path, podman: tuple[str, ...]
) -> None:
    image = run(*podman, "pull", "-q", f"oci:{busybox}:busy").strip()
    box = run(*podman, "create", "--network", "none", image).strip()
    second = run(*podman, "commit", "-q", "-c", "CMD /bin/ls", box, "docker.io/team/ls:1").strip()
    run(*podman, "rm", box)
    run(*podman, "tag", image, "docker.io/team/sh:1")
    run(
        *podman, "save", "-q", "-m", "-o", tmp_path / "x.tar",
        "docker.io/team/sh:1", "docker.io/team/ls:1",
    )  # fmt: skip

    found = load(library, str(tmp_path / "x.tar"))

    assert {one.id.hex for one in found} == {image, second}
    assert library.find("team/ls:1").id.hex == second


def test_an_older_docker_s_archive(library: Library, tmp_path: Path) -> None:
    first, second = tar_of((entry("a"), b"a")), tar_of((entry("b"), b"b"))
    path = tmp_path / "x.tar"
    path.write_bytes(docker_archive(first, second, tags=("app:1", "app:2"), Cmd=["/a"]))

    (image,) = load(library, str(path))

    assert image.names == ("docker.io/library/app:1", "docker.io/library/app:2")
    assert [layer.digest == layer.diff_id for layer in library.layer_blobs(image)] == [True, True]
    assert len(ImageStore(library.data_root).resolve("app:1").lower) == 2


def test_a_broken_archive_leaves_nothing(library: Library, layout: Layout) -> None:
    layout.image(tar_of((entry("a"), b"a")), name="a:1")
    made = layout.image(tar_of((entry("b"), b"b")), name="b:1")
    manifest = json.loads((layout.path / "blobs/sha256" / made["digest"][7:]).read_text())
    blob = layout.path / "blobs/sha256" / manifest["layers"][0]["digest"][7:]
    blob.write_bytes(blob.read_bytes()[:-1])

    with pytest.raises(InvalidInputError, match="ends after"):
        load(library, str(layout.path))
    assert library.all() == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the archive is empty"),
        (b"no tar", "no tar header"),
        (tar_of((entry("x"), b"x")), "holds no image"),
    ],
)
def test_what_is_no_archive_is_refused(library: Library, data: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load(library, io.BytesIO(data))


def test_a_root_file_system_is_imported(library: Library) -> None:
    data = tar_of((entry("bin/x", mode=0o4755), b"x"), link("bin/y", "x"), device("dev/null", 1, 3))

    image = import_tar(
        library,
        io.BytesIO(gzip.compress(data)),
        name="me/root",
        config={"Cmd": ["/bin/x", "-v"], "WorkingDir": "/srv"},
        message="from a tar",
    )

    config = document(library, image)["Config"]
    assert config == {"Cmd": ["/bin/x", "-v"], "WorkingDir": "/srv"}
    assert [step["Comment"] for step in history(library, image)] == ["from a tar"]
    top = Path(ImageStore(library.data_root).resolve("me/root").lower[0])
    assert stat.S_IMODE((top / "bin/x").stat().st_mode) == 0o4755
    assert stat.S_ISCHR((top / "dev/null").stat().st_mode)


def test_mmdebstrap_s_root_is_imported(library: Library, require: Require) -> None:
    """Debian itself, made by its own tool of what this machine fetches its packages from."""
    made = subprocess.run(
        (
            require("mmdebstrap"), "--mode=root", "--variant=extract",
            "--include=base-files,base-passwd,busybox-static",
            "--aptopt=Acquire::Retries \"5\"", "--quiet", "", "-", *_sources(),
        ),
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert not made.returncode, made.stderr.decode()[-2000:]

    image = import_tar(library, io.BytesIO(made.stdout), name="debian:custom")

    top = Path(ImageStore(library.data_root).resolve("debian:custom").lower[0])
    assert "Debian" in (top / "etc/os-release").read_text()
    assert image.size > 1_000_000


def _sources() -> list[str]:
    folder = Path("/etc/apt")
    found = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.sources"))]
    return [str(path) for path in found if path.exists() and path.read_text().strip()][:1]
