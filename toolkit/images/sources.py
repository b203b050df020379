"""What an image on disk consists of: an OCI layout, or Docker's archive.

Source: image-spec image-layout.md; for ``docker save``, moby's image specification 1.2, "Combined
Image JSON + Filesystem Changeset Format". A newer ``docker save`` writes both at once; the layout
is preferred, for it has the digest of everything.
"""

from collections.abc import Iterable
from typing import Any

from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean
from toolkit.images.files import Files
from toolkit.images.limits import MAX_JSON, MAX_LAYERS
from toolkit.oci.digest import Digest, VerifyingReader, digest_of, parse_digest, read_verified
from toolkit.oci.image import (
    CONTAINERD_NAME,
    REF_NAME,
    Descriptor,
    Fields,
    Image,
    Index,
    Manifest,
    Platform,
    decode_image,
    decode_index,
    decode_manifest,
    parse_json,
    this_platform,
)
from toolkit.oci.reference import parse_reference

_MAX_DEPTH = 5  # of indexes in indexes


@record
class LayerFile:
    """One layer as it lies there: compressed or not; Docker's archive gives no digest for it."""

    name: str
    digest: Digest | None
    size: int | None


@record
class Found:
    """An image whose configuration was read and checked; its layers are still to be unpacked."""

    image: Image
    config_digest: Digest
    manifest_digest: Digest | None
    layers: tuple[LayerFile, ...]


def read_image(files: Files, *, path: str, tag: str) -> Found:
    """The image ``tag`` in ``files``; without a tag the only one that there is."""
    if files.has("index.json"):
        return Layout(files, path).choose(tag)
    if files.has("manifest.json"):
        return _docker_archive(files, path, tag)
    raise InvalidInputError(
        f"'{path}' holds no image: neither 'index.json' nor 'manifest.json'",
        hint="expected an OCI layout, or what 'docker save' writes",
    )


def read_manifest(files: Files, *, path: str, digest: Digest) -> Found:
    """The image of that manifest in the layout ``files``, whatever machine it is for."""
    with files.open(blob_name(digest)) as blob:
        data = read_verified(blob, digest=digest, size=None, limit=MAX_JSON, name="manifest")
    at = f"manifest {digest}"
    manifest = decode_manifest(parse_json(data, at=at), at=at)
    if isinstance(manifest, Index):
        raise InvalidInputError(f"{at} is an index, not an image")
    return Layout(files, path).image_of(manifest, digest)


def layer_reader(blob: Any, layer: LayerFile) -> Any:
    """A reader of the layer's bytes that checks them where their digest is known."""
    if layer.digest is None:
        return blob
    return VerifyingReader(blob, digest=layer.digest, size=layer.size, name="layer")


class Layout:
    """An OCI image layout."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path

    def index(self) -> Index:
        """What the layout says it holds."""
        with self._files.open("index.json") as blob:
            data = _bounded(blob.read(MAX_JSON + 1), f"{self._path}/index.json")
        at = f"{self._path}/index.json"
        return decode_index(parse_json(data, at=at), at=at)

    def choose(self, tag: str) -> Found:
        """The image ``tag``, ready to run; without a tag the only one."""
        found = self.image_of(*self.manifest(self.tagged(tag), this_platform()))
        return check_runnable(found, self._path)

    def image_of(self, manifest: Manifest, digest: Digest) -> Found:
        """The image of a manifest."""
        at = f"configuration {manifest.config.digest}"
        config = self._blob(manifest.config, "configuration")
        image = decode_image(parse_json(config, at=at), at=at)
        layers = tuple(
            LayerFile(name=blob_name(item.digest), digest=item.digest, size=item.size)
            for item in manifest.layers
        )
        found = Found(
            image=image,
            config_digest=manifest.config.digest,
            manifest_digest=digest,
            layers=layers,
        )
        return check_image(found, self._path)

    def tagged(self, tag: str) -> tuple[Descriptor, ...]:
        """What the index calls ``tag``, for each platform; without a tag the only one."""
        index = self.index()
        if not index.manifests:
            raise NotFoundError(f"'{self._path}' holds no image: its index is empty")
        if tag:
            found = tuple(
                item
                for item in index.manifests
                if any(_is_called(name, tag) for name in names_of(item))
            )
            if not found:
                raise _no_tag(self._path, tag, (n for m in index.manifests for n in names_of(m)))
            return found
        names = {name for item in index.manifests for name in names_of(item)}
        images = {item.annotations.get(REF_NAME, "") for item in index.manifests}
        if len({item.digest for item in index.manifests}) > 1 and len(images) > 1:
            raise _which(self._path, names)
        return index.manifests

    def manifest(
        self, candidates: tuple[Descriptor, ...], platform: Platform
    ) -> tuple[Manifest, Digest]:
        """The manifest for a platform, through as many indexes as it takes."""
        for _ in range(_MAX_DEPTH):
            chosen = pick(candidates, platform, self._path)
            data = self._blob(chosen, "manifest")
            at = f"manifest {chosen.digest}"
            manifest = decode_manifest(parse_json(data, at=at), at=at)
            if not isinstance(manifest, Index):
                return manifest, chosen.digest
            candidates = manifest.manifests
        raise InvalidInputError(f"'{self._path}': indexes are nested too deep")

    def _blob(self, wanted: Descriptor, name: str) -> bytes:
        with self._files.open(blob_name(wanted.digest)) as blob:
            return read_verified(
                blob, digest=wanted.digest, size=wanted.size, limit=MAX_JSON, name=name
            )


def _docker_archive(files: Files, path: str, tag: str) -> Found:
    images = docker_images(files, path)
    return check_runnable(docker_image(files, choose_docker(images, path, tag), path)[0], path)


def docker_images(files: Files, path: str) -> list[Fields]:
    """The images that ``manifest.json`` of Docker's archive lists."""
    at = f"{path}: manifest.json"
    with files.open("manifest.json") as blob:
        data = parse_json(_bounded(blob.read(MAX_JSON + 1), at), at=at)
    if not isinstance(data, list) or not data:
        raise InvalidInputError(f"{at}: expected a list of images")
    return [Fields(item, f"{at}[{index}]") for index, item in enumerate(data)]


def docker_image(files: Files, chosen: Fields, path: str) -> tuple[Found, bytes]:
    """One image of Docker's archive, and its configuration's bytes."""
    config_name = chosen.text("Config")
    with files.open(config_name) as blob:
        config = _bounded(blob.read(MAX_JSON + 1), config_name)
    digest = digest_of(config)
    _check_config_name(config_name, digest, path)
    found = Found(
        image=decode_image(parse_json(config, at=config_name), at=config_name),
        config_digest=digest,
        manifest_digest=None,
        layers=tuple(
            LayerFile(name=name, digest=_digest_in(name), size=None)
            for name in chosen.texts("Layers")
        ),
    )
    return check_image(found, path), config


def choose_docker(images: list[Fields], path: str, tag: str) -> Fields:
    """The image ``tag`` of those in Docker's archive; without a tag the only one."""
    if not tag:
        if len(images) > 1:
            raise _which(path, {name for item in images for name in item.texts("RepoTags")})
        return images[0]
    for item in images:
        if any(_is_called(name, tag) for name in item.texts("RepoTags")):
            return item
    raise _no_tag(path, tag, (name for item in images for name in item.texts("RepoTags")))


def _check_config_name(name: str, digest: Digest, path: str) -> None:
    """Docker names the configuration by its digest, so a change in it shows."""
    stem = name.removesuffix(".json").rpartition("/")[2]
    if len(stem) == len(digest.hex) and stem != digest.hex:
        raise InvalidInputError(
            f"'{path}': the content of '{name}' has the digest {digest}",
            hint="it was changed or damaged: fetch or save it again",
        )


def _digest_in(name: str) -> Digest | None:
    """The digest that a newer Docker's name of a layer holds: ``blobs/sha256/…``."""
    parts = name.split("/")
    if len(parts) == 3 and parts[0] == "blobs":
        return parse_digest(f"{parts[1]}:{parts[2]}", at="manifest.json")
    return None


def check_runnable(found: Found, path: str) -> Found:
    """Refuse an image that no container can run from, or not on this system."""
    check_image(found, path)
    system = found.image.platform.os
    if system not in ("", "linux"):
        raise UnsupportedError(f"'{path}': the image is for {system}, this machine runs linux")
    if not found.layers:
        raise InvalidInputError(f"'{path}': the image has no layer, so there is nothing to run")
    return found


def check_image(found: Found, path: str) -> Found:
    """Refuse an image that contradicts itself."""
    layers, diff_ids = len(found.layers), len(found.image.diff_ids)
    if layers != diff_ids:
        raise InvalidInputError(
            f"'{path}': the manifest has {layers} layers, the configuration {diff_ids}"
        )
    if layers > MAX_LAYERS:
        raise UnsupportedError(
            f"'{path}': {layers} layers are more than the {MAX_LAYERS} that overlayfs stacks"
        )
    return found


def pick(candidates: tuple[Descriptor, ...], platform: Platform, path: str) -> Descriptor:
    """The best candidate for a platform; one that names none is taken as it is."""
    plain = [item for item in candidates if item.platform is None or not item.platform.os]
    fitting = [item for item in candidates if item.platform and platform.accepts(item.platform)]
    best = sorted(fitting, key=lambda item: str(item.platform), reverse=True)
    if best or plain:
        return (best or plain)[0]
    real = {str(item.platform) for item in candidates} - {"unknown/unknown"}
    raise UnsupportedError(
        f"'{path}' holds no image for {platform}",
        hint=f"it is made for: {', '.join(sorted(real)) or 'nothing'}",
    )


def names_of(item: Descriptor) -> set[str]:
    """What an index calls an image: its tag, or its whole name."""
    names = {item.annotations.get(REF_NAME, ""), item.annotations.get(CONTAINERD_NAME, "")}
    return {name for name in names if name}


def _is_called(name: str, wanted: str) -> bool:
    """Whether ``wanted`` means ``name``: the same text, its tag, or Docker's short form of it."""
    if wanted in (name, name.rpartition(":")[2]):
        return True
    try:
        return parse_reference(name) == parse_reference(wanted)
    except InvalidInputError:
        return False  # a layout may call an image anything


def blob_name(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MAX_JSON:
        raise InvalidInputError(f"{name}: larger than {MAX_JSON} bytes")
    return data


def _no_tag(path: str, tag: str, names: Iterable[str]) -> NotFoundError:
    known = sorted(set(names))
    hint = did_you_mean(tag, known) or f"it holds: {', '.join(known) or 'images without a name'}"
    return NotFoundError(f"'{path}' holds no image '{tag}'", hint=hint)


def _which(path: str, names: set[str]) -> InvalidInputError:
    known = sorted(names)
    return InvalidInputError(
        f"'{path}' holds {len(known)} images: say which",
        hint=f"write '{path}:{known[0]}'; it holds: {', '.join(known)}" if known else "",
    )
