"""Reads an image from where it lies and unpacks the layers that are not there yet."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images import compress
from toolkit.images.boot import boot_id
from toolkit.images.files import ArchiveFiles, DirectoryFiles, Files
from toolkit.images.host import host_binds, host_layer
from toolkit.images.layers import Layer, LayerStore, count
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
from toolkit.images.unpack import Unpacker
from toolkit.oci.digest import Digest, digest_of
from toolkit.oci.image import ImageConfig, chain_ids

_LOG = logging.getLogger(__name__)

Tar = Callable[[], Iterator[bytes]]  # gives the plain tar of one layer


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
    data_root: str, files: Files, found: Found, *, limits: Limits | None = None
) -> tuple[str, ...]:
    """The directories of all layers of an image in ``files``, topmost first."""
    tars = [_tar_of(files, layer) for layer in found.layers]
    store = LayerStore(data_root)
    return _unpack_layers(store, found.image.diff_ids, tars, limits or Limits())


def prepare_host(data_root: str, *, limits: Limits | None = None) -> RootImage:
    """A root made of this machine: one layer with what /usr needs around it, and /usr itself."""
    os.makedirs(data_root, mode=0o710, exist_ok=True)
    tar = host_layer()
    digest = digest_of(tar)
    lower = _unpack_layers(
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


def _unpack_layers(
    store: LayerStore, diff_ids: tuple[Digest, ...], tars: list[Tar], limits: Limits
) -> tuple[str, ...]:
    """The directories of all layers, topmost first; the worker starts at the first one missing."""
    lower: tuple[str, ...] = ()
    with ExitStack() as stack:
        unpacker: Unpacker | None = None
        for chain_id, diff_id, tar in zip(chain_ids(diff_ids), diff_ids, tars, strict=True):
            if not store.find(chain_id):
                unpacker = unpacker or stack.enter_context(Unpacker(limits=limits))
                _unpack_one(store, chain_id, diff_id, tar, (unpacker, lower))
            lower = (store.diff(chain_id), *lower)
    return lower


def _unpack_one(
    store: LayerStore,
    chain_id: Digest,
    diff_id: Digest,
    tar: Tar,
    onto: tuple[Unpacker, tuple[str, ...]],
) -> None:
    unpacker, lowers = onto
    with store.making(chain_id) as part:
        if part is None:
            return  # another process made it while this one waited
        try:
            stream = _verified(tar(), diff_id)
            done = unpacker.unpack(stream, part.diff, lowers=lowers, lock_fd=part.lock_fd)
        except InvalidInputError as error:
            raise InvalidInputError(f"layer {diff_id}: {error}", hint=error.hint) from None
        for note in done.notes:
            _LOG.info("layer %s: %s", diff_id, note)
        files, size = count(part.diff)
        layer = Layer(
            diff_id=str(diff_id), files=files, bytes=size, boot=boot_id(), notes=done.notes
        )
        store.finish(part, chain_id, layer)


def _verified(tar: Iterator[bytes], diff_id: Digest) -> Iterator[bytes]:
    """The tar's chunks; at the end its digest must be what the configuration promised."""
    import hashlib  # noqa: PLC0415 - as in toolkit.oci.digest

    seen = hashlib.new(diff_id.algorithm)
    for chunk in tar:
        seen.update(chunk)
        yield chunk
    if seen.hexdigest() != diff_id.hex:
        raise InvalidInputError(
            f"its content has the digest {diff_id.algorithm}:{seen.hexdigest()}",
            hint="the image is damaged, or its configuration belongs to another one",
        )
