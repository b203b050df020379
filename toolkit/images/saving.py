"""Images out of the store into one archive that is Docker's and OCI's at once.

The layout holds every blob once; ``manifest.json`` beside it points into it, as a Docker of
today writes it, so docker, podman, skopeo and older readers each find what they know.
"""

import io
import json
import tarfile
from collections.abc import Sequence
from typing import IO, Any

from toolkit.core.errors import InvalidInputError
from toolkit.images.blobs import BlobStore
from toolkit.images.describing import short_name
from toolkit.images.library import Library
from toolkit.images.locate import NotStoredError
from toolkit.images.stored import StoredImage
from toolkit.oci.digest import Digest
from toolkit.oci.image import CONTAINERD_NAME, OCI_INDEX, REF_NAME
from toolkit.oci.reference import parse_reference


def save(library: Library, names: Sequence[str], target: IO[bytes]) -> None:
    """Write images to ``target``, which need not be seekable; each with the names it was asked by.

    A repository without a tag that is no image by itself means all its tags.
    """
    chosen = _chosen(library, names)
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _directory(archive, "blobs")
        _directory(archive, "blobs/sha256")
        seen: set[Digest] = set()
        for image, _ in chosen:
            manifest = library.manifest(image)
            blobs = (image.id, *(layer.digest for layer in manifest.layers), image.manifest)
            for digest in blobs:
                if digest not in seen:
                    seen.add(digest)
                    _blob(archive, library.blobs, digest)
        _file(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _file(archive, "index.json", _index(library, chosen))
        _file(archive, "manifest.json", _manifest(library, chosen))


def _chosen(library: Library, names: Sequence[str]) -> list[tuple[StoredImage, tuple[str, ...]]]:
    """Each image once, with the whole names that it is saved under."""
    found: dict[str, tuple[StoredImage, list[str]]] = {}
    for text in names:
        for image, name in _meant(library, text):
            called = found.setdefault(str(image.id), (image, []))[1]
            if name and name not in called:
                called.append(name)
    return [(image, tuple(called)) for image, called in found.values()]


def _meant(library: Library, text: str) -> list[tuple[StoredImage, str]]:
    try:
        image = library.find(text)
    except NotStoredError:
        tagged = _all_tags(library, text)
        if not tagged:
            raise
        return tagged
    try:
        reference = parse_reference(text)
    except InvalidInputError:
        return [(image, "")]
    name = f"{reference.name}:{reference.tag}"
    return [(image, name if name in image.names else "")]


def _all_tags(library: Library, text: str) -> list[tuple[StoredImage, str]]:
    try:
        start = f"{parse_reference(text).name}:"
    except InvalidInputError:
        return []
    if ":" in text.rpartition("/")[2]:
        return []
    return [
        (image, name) for image in library.all() for name in image.names if name.startswith(start)
    ]


def _index(library: Library, chosen: list[tuple[StoredImage, tuple[str, ...]]]) -> bytes:
    manifests: list[dict[str, Any]] = []
    for image, names in chosen:
        config = library.config(image)
        platform = {"architecture": config.get("architecture"), "os": config.get("os")}
        if variant := config.get("variant"):
            platform["variant"] = variant
        plain = {
            "mediaType": library.manifest_type(image),
            "digest": str(image.manifest),
            "size": len(library.blobs.read(image.manifest, name="manifest")),
            "platform": platform,
        }
        manifests += [
            {**plain, "annotations": {CONTAINERD_NAME: name, REF_NAME: short_name(name)}}
            for name in names
        ] or [plain]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def _manifest(library: Library, chosen: list[tuple[StoredImage, tuple[str, ...]]]) -> bytes:
    return json.dumps(
        [
            {
                "Config": f"blobs/sha256/{image.id.hex}",
                "RepoTags": [short_name(name) for name in names] or None,
                "Layers": [
                    f"blobs/{layer.digest.algorithm}/{layer.digest.hex}"
                    for layer in library.manifest(image).layers
                ],
            }
            for image, names in chosen
        ]
    ).encode()


def _blob(archive: tarfile.TarFile, blobs: BlobStore, digest: Digest) -> None:
    with blobs.open(digest) as blob:
        info = tarfile.TarInfo(f"blobs/{digest.algorithm}/{digest.hex}")
        info.size, info.mode = blob.size, 0o644
        archive.addfile(info, blob)  # type: ignore[arg-type] # it only reads


def _file(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    archive.addfile(info, io.BytesIO(data))


def _directory(archive: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(info)
