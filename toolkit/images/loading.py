"""Images out of an archive into the store: Docker's, OCI's, or both in one file.

What ``docker save``, ``podman save`` and ``skopeo copy`` write is taken as it is, compressed as
a whole or not, from a file or a stream. The configuration's bytes are kept, so an image has the
same id as where it came from.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.images.blobs import chunks_of
from toolkit.images.compress import kind_of, plain
from toolkit.images.files import ArchiveFiles, DirectoryFiles, Files
from toolkit.images.library import Library, tag_name
from toolkit.images.locate import Place
from toolkit.images.progress import Report, Step, nobody, short
from toolkit.images.sources import (
    Found,
    LayerFile,
    Layout,
    blob_name,
    check_runnable,
    choose_docker,
    docker_image,
    docker_images,
    layer_reader,
    names_of,
)
from toolkit.images.stored import LayerBlob, StoredImage
from toolkit.oci.digest import Digest
from toolkit.oci.image import OCI_LAYER, Fields, Manifest, Platform, this_platform
from toolkit.oci.reference import parse_reference

_KINDS = {"": "", "gzip": "+gzip", "zstd": "+zstd"}


def load(
    library: Library,
    source: str | IO[bytes],
    *,
    platform: Platform | None = None,
    report: Report = nobody,
) -> list[StoredImage]:
    """Every image of an archive (a path, or a stream that is read to its end).

    Each has the names that the archive gives it. Nothing is taken of an archive whose images are
    not all whole.
    """
    with ExitStack() as stack:
        library.blobs.prepare()
        files = stack.enter_context(_opened(library, source))
        path = source if isinstance(source, str) else "the archive"
        stack.enter_context(library.busy())
        made = list(_admissions(library, files, path, platform or this_platform(), report))
        found: dict[Digest, StoredImage] = {}
        for image in [admit() for admit in made]:
            names = dict.fromkeys((*found.get(image.id, image).names, *image.names))
            found[image.id] = replace(image, names=tuple(names))
        return list(found.values())


def load_place(library: Library, place: Place, *, report: Report = nobody) -> StoredImage:
    """The one image that ``place`` means; it gets no name of those that it has there."""
    with ExitStack() as stack:
        library.blobs.prepare()
        files = stack.enter_context(_opened(library, place.path))
        stack.enter_context(library.busy())
        if files.has("index.json"):
            layout = Layout(files, place.path)
            manifest, digest = layout.manifest(layout.tagged(place.tag), this_platform())
            found = check_runnable(layout.image_of(manifest, digest), place.path)
            return library.admit(_layout_blobs(library, files, found, manifest, report))
        chosen = choose_docker(docker_images(files, place.path), place.path, place.tag)
        config, layers = _docker(library, files, chosen, place.path, report)
        return library.admit_config(config, layers)


@contextmanager
def _opened(library: Library, source: str | IO[bytes]) -> Iterator[Files]:
    if not isinstance(source, str):
        path = f"/proc/self/fd/{_spooled(library, source)}"
        fd = int(path.rpartition("/")[2])
        try:
            yield from _archive(library, path)
        finally:
            os.close(fd)
    elif os.path.isdir(source):
        files = DirectoryFiles(source)
        try:
            yield files
        finally:
            files.close()
    else:
        yield from _archive(library, source)


def _archive(library: Library, path: str) -> Iterator[Files]:
    files = ArchiveFiles(path, scratch=library.blobs.directory, limits=library.limits)
    try:
        yield files
    finally:
        files.close()


def _spooled(library: Library, source: IO[bytes]) -> int:
    """A file without a name with the stream's content: an archive is read back and forth."""
    fd = os.open(library.blobs.directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        total = 0
        while data := source.read(1 << 20):
            total += len(data)
            if total > library.limits.stream:
                raise InvalidInputError(f"the archive is longer than {library.limits.stream} bytes")
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        if not total:
            raise InvalidInputError("the archive is empty")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _admissions(
    library: Library, files: Files, path: str, platform: Platform, report: Report
) -> Iterator[Callable[[], StoredImage]]:
    """Bring in the blobs of each image, and give what makes the image of them."""
    tags = _tags(files, path)
    if files.has("index.json"):
        layout = Layout(files, path)
        for item in layout.index().manifests:
            manifest, digest = layout.manifest((item,), platform)
            names = {_name(name) for name in names_of(item)} - {""}
            names |= tags.get(str(manifest.config.digest), set())
            found = layout.image_of(manifest, digest)
            data = _layout_blobs(library, files, found, manifest, report)
            yield _admit_manifest(library, data, sorted(names))
    elif files.has("manifest.json"):
        for image in docker_images(files, path):
            config, layers = _docker(library, files, image, path, report)
            yield _admit_config(library, config, layers, sorted(set(image.texts("RepoTags"))))
    else:
        raise InvalidInputError(
            f"'{path}' holds no image: neither 'index.json' nor 'manifest.json'",
            hint="expected what 'docker save' or 'podman save' writes; for a root file system"
            " there is 'dockyard import'",
        )


def _admit_manifest(library: Library, data: bytes, names: list[str]) -> Callable[[], StoredImage]:
    return lambda: _called(library.admit(data, names=names), names)


def _admit_config(
    library: Library, config: bytes, layers: list[LayerBlob], names: list[str]
) -> Callable[[], StoredImage]:
    return lambda: _called(library.admit_config(config, layers, names), names)


def _called(image: StoredImage, names: list[str]) -> StoredImage:
    return replace(image, names=tuple(tag_name(name) for name in names))


def _tags(files: Files, path: str) -> dict[str, set[str]]:
    """The names that Docker's half of an archive gives, by an image's id."""
    found: dict[str, set[str]] = {}
    if files.has("manifest.json"):
        for item in docker_images(files, path):
            digits = item.text("Config").removesuffix(".json").rpartition("/")[2]
            found.setdefault(f"sha256:{digits}", set()).update(item.texts("RepoTags"))
    return found


def _name(text: str) -> str:
    """A name that a layout gives; empty for a bare tag, which names no repository."""
    if ":" not in text and "/" not in text:
        return ""
    parse_reference(text)
    return text


def _layout_blobs(
    library: Library, files: Files, found: Found, manifest: Manifest, report: Report
) -> bytes:
    """Take in configuration and layers; the manifest's bytes."""
    assert found.manifest_digest, "a layout has one"
    config = LayerFile(
        name=blob_name(manifest.config.digest),
        digest=manifest.config.digest,
        size=manifest.config.size,
    )
    for layer in (config, *found.layers):
        assert layer.digest, "a layout has one for every blob"
        _take(library, files, layer, layer.digest, report)
    with files.open(blob_name(found.manifest_digest)) as blob:
        return b"".join(chunks_of(blob))


def _take(library: Library, files: Files, layer: LayerFile, digest: Digest, report: Report) -> None:
    if library.blobs.has(digest, layer.size):
        return
    report(Step(status="Loading layer", id=short(digest.hex)))
    with files.open(layer.name) as blob:
        library.blobs.add_known(chunks_of(layer_reader(blob, layer)), digest)


def _docker(
    library: Library, files: Files, item: Fields, path: str, report: Report
) -> tuple[bytes, list[LayerBlob]]:
    """Take in the layers of one image of Docker's archive; its configuration's bytes."""
    found, config = docker_image(files, item, path)
    layers = [
        _docker_layer(library, files, layer, diff_id, report)
        for layer, diff_id in zip(found.layers, found.image.diff_ids, strict=True)
    ]
    return config, layers


def _docker_layer(
    library: Library, files: Files, layer: LayerFile, diff_id: Digest, report: Report
) -> LayerBlob:
    """A layer of Docker's archive: most are plain, and then known by their diff id."""
    with files.open(layer.name) as blob:
        start = blob.read(6)
        size = blob.size
    kind = kind_of(start)
    if not kind and library.blobs.has(diff_id, size):
        return _plain_layer(diff_id, size)
    report(Step(status="Loading layer", id=short(diff_id.hex)))
    with files.open(layer.name) as blob:
        content = chunks_of(blob) if kind in _KINDS else plain(blob)
        digest, stored = library.blobs.add(content)
    return LayerBlob(
        digest=digest,
        size=stored,
        media_type=f"{OCI_LAYER}{_KINDS.get(kind, '')}",
        diff_id=diff_id,
    )


def _plain_layer(diff_id: Digest, size: int) -> LayerBlob:
    return LayerBlob(digest=diff_id, size=size, media_type=OCI_LAYER, diff_id=diff_id)
