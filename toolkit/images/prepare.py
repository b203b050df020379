"""Reads an image from where it lies and unpacks the layers that are not there yet."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

from toolkit.core.errors import ToolkitError
from toolkit.images import compress
from toolkit.images.files import ArchiveFiles, DirectoryFiles, Files
from toolkit.images.host import host_binds, host_layer
from toolkit.images.layers import LayerStore
from toolkit.images.limits import Limits
from toolkit.images.locate import HOST, Place, stamp_of
from toolkit.images.root import RootImage
from toolkit.images.sources import (
    Found,
    LayerFile,
    check_runnable,
    layer_reader,
    read_image,
    read_manifest,
)
from toolkit.images.stacking import Tar, unpack_layers
from toolkit.oci.digest import Digest, digest_of
from toolkit.oci.image import ImageConfig


def prepare(
    data_root: str, reference: str, place: Place, *, limits: Limits | None = None
) -> RootImage:
    """The image at ``place``, with all its layers unpacked."""
    limits = limits or Limits()
    os.makedirs(data_root, mode=0o710, exist_ok=True)
    with ExitStack() as stack:
        files = _open(place, data_root, limits)
        stack.callback(files.close)
        found = read_image(files, path=place.path, tag=place.tag)
        lower = unpack_found(data_root, files, found, limits=limits)
        _check_unchanged(place)
    return RootImage(
        reference=reference,
        lower=lower,
        config=found.image.config,
        digest=str(found.config_digest),
        manifest=str(found.manifest_digest or ""),
    )


def prepare_stored(
    data_root: str, reference: str, manifest: Digest, *, limits: Limits | None = None
) -> RootImage:
    """The image of that manifest in the store, with all its layers unpacked."""
    with closing(DirectoryFiles(os.path.join(data_root, "images"))) as files:
        found = read_manifest(files, path=reference, digest=manifest)
        check_runnable(found, reference)
        lower = unpack_found(data_root, files, found, limits=limits)
    return RootImage(
        reference=reference,
        lower=lower,
        config=found.image.config,
        digest=str(found.config_digest),
        manifest=str(manifest),
    )


def unpack_found(
    data_root: str,
    files: Files,
    found: Found,
    *,
    limits: Limits | None = None,
    give_up: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """The directories of all layers of an image in ``files``, topmost first.

    ``give_up`` is called when this is interrupted: it ends the reading of ``files``.
    """
    tars = [_tar_of(files, layer) for layer in found.layers]
    store = LayerStore(data_root)
    limits = limits or Limits()
    return unpack_layers(store, found.image.diff_ids, tars, limits, give_up=give_up)


def prepare_host(data_root: str, *, limits: Limits | None = None) -> RootImage:
    """A root made of this machine: one layer with what /usr needs around it, and /usr itself."""
    os.makedirs(data_root, mode=0o710, exist_ok=True)
    tar = host_layer()
    digest = digest_of(tar)
    lower = unpack_layers(
        LayerStore(data_root), (digest,), [lambda: iter((tar,))], limits or Limits()
    )
    return RootImage(
        reference=HOST,
        lower=lower,
        config=ImageConfig(cmd=("/bin/sh",), labels={}),
        binds=host_binds(),
        digest=str(digest),
    )


def _open(place: Place, scratch: str, limits: Limits) -> Files:
    if place.directory:
        return DirectoryFiles(place.path)
    return ArchiveFiles(place.path, scratch=scratch, limits=limits)


def _check_unchanged(place: Place) -> None:
    path = os.path.join(place.path, "index.json") if place.directory else place.path
    if stamp_of(os.stat(path)) != place.stamp:
        raise ToolkitError(f"'{place.path}' was changed while it was read", hint="try again")


def _tar_of(files: Files, layer: LayerFile) -> Tar:
    def plain() -> Iterator[bytes]:
        with files.open(layer.name) as blob:
            yield from compress.plain(layer_reader(blob, layer))

    return plain
