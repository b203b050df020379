"""The images of a data root: find, list, name, make, remove. ``store`` makes one ready to run.

::

    library = Library(data_root)
    library.find("alpine")                      StoredImage; NotStoredError, ConflictError
    library.all()                               all, the newest first, dangling ones too
    library.tag("alpine", "me/app:1")
    library.remove("me/app:1")                  Docker's rules of untag, delete and conflict
    library.write_layer(chunks_of_a_tar)        LayerBlob
    library.layer_blobs(image)                  those of an image, to build upon
    library.commit_image(config, layers, names) the whole image, from blobs that are there
    library.admit(manifest, names=…, digests=…) the same from a manifest's bytes (pull, load)

Names may be Docker's short ones everywhere; ``StoredImage.names`` are whole. Methods open
``state.db`` for themselves, so one ``Library`` serves many threads. Whatever makes blobs or layers
before an image holds them does it inside ``with library.busy():``, so that no removal beside it
takes them away. An image is listed once its blobs are verified and its layers are unpacked.
"""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.images.blobs import BlobStore, chunks_of
from toolkit.images.catalog import Catalog
from toolkit.images.collecting import busy, collect
from toolkit.images.compress import plain
from toolkit.images.faults import os_error
from toolkit.images.files import DirectoryFiles
from toolkit.images.layers import LayerStore
from toolkit.images.limits import Limits
from toolkit.images.prepare import unpack_found
from toolkit.images.sources import read_manifest
from toolkit.images.stored import LayerBlob, Removed, StoredImage
from toolkit.images.tables import ImageState
from toolkit.oci.digest import Digest
from toolkit.oci.image import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Manifest,
    chain_ids,
    decode_manifest,
    parse_json,
)
from toolkit.oci.reference import Reference, parse_reference


class Library:
    """The images below ``data_root``."""

    def __init__(self, data_root: str, *, limits: Limits | None = None) -> None:
        self.data_root = os.path.abspath(data_root)
        self.blobs = BlobStore(self.data_root)
        self.layers = LayerStore(self.data_root)
        self.limits = limits or Limits()

    @contextmanager
    def _catalog(self) -> Iterator[Catalog]:
        with ImageState(os.path.join(self.data_root, "state.db")) as state:
            yield Catalog(state, self.blobs)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Nothing that no image holds yet is removed inside."""
        self.blobs.prepare()
        with busy(self.data_root):
            yield
        self.collect()

    # looking

    def find(self, reference: str) -> StoredImage:
        """The image of that name, ``name@digest``, id, or unique beginning of an id."""
        with self._catalog() as catalog:
            return catalog.find(reference)

    def all(self) -> list[StoredImage]:
        """Every image, the newest first."""
        with self._catalog() as catalog:
            return catalog.all()

    def holds(self, image: Digest, manifest: Digest) -> bool:
        """Whether that very image is here already."""
        with self._catalog() as catalog:
            return catalog.holds(str(image), str(manifest))

    def users(self, image: StoredImage) -> list[str]:
        """The ids of the containers that were made from an image."""
        with self._catalog() as catalog:
            return catalog.users(str(image.id))

    def config(self, image: StoredImage) -> dict[str, Any]:
        """An image's configuration as it is, unknown properties and all."""
        at = f"configuration {image.id}"
        data: dict[str, Any] = parse_json(self.blobs.read(image.id, name="configuration"), at=at)
        return data

    def manifest(self, image: StoredImage) -> Manifest:
        """An image's manifest."""
        at = f"manifest {image.manifest}"
        data = self.blobs.read(image.manifest, name="manifest")
        found = decode_manifest(parse_json(data, at=at), at=at)
        assert isinstance(found, Manifest), "what was admitted is one"
        return found

    def manifest_type(self, image: StoredImage) -> str:
        """The media type of an image's manifest."""
        data = parse_json(self.blobs.read(image.manifest, name="manifest"), at="manifest")
        return str(data.get("mediaType") or OCI_MANIFEST)

    def layer_sizes(self, image: StoredImage) -> list[int]:
        """The bytes of each layer's files, the lowest first; 0 for one that is not unpacked."""
        chains = (Digest(algorithm="sha256", hex=name) for name in image.chains)
        return [layer.bytes if (layer := self.layers.find(chain)) else 0 for chain in chains]

    def layer_blobs(self, image: StoredImage) -> tuple[LayerBlob, ...]:
        """The layers of an image, the lowest first."""
        diff_ids = self.config(image)["rootfs"].get("diff_ids") or []
        return tuple(
            LayerBlob(
                digest=item.digest,
                size=item.size,
                media_type=item.media_type,
                diff_id=Digest(algorithm=diff.partition(":")[0], hex=diff.partition(":")[2]),
            )
            for item, diff in zip(self.manifest(image).layers, diff_ids, strict=True)
        )

    # naming

    def tag(self, source: str, target: str) -> StoredImage:
        """Give the image ``source`` the name ``target``, which another may have had."""
        name = tag_name(target)
        with self._catalog() as catalog:
            image = catalog.id_of(source)
            catalog.name(image, name)
            return catalog.get(image)

    def remove(
        self, reference: str, *, force: bool = False, running: Collection[str] = ()
    ) -> Removed:
        """Take a name away, and with the last one the image, by Docker's rules.

        ``running`` are the ids of containers that run: what they run from is not deleted even
        with ``force``. ``ConflictError`` says what is in the way.
        """
        with self._catalog() as catalog:
            image = catalog.find(reference)
            name = _meant(reference, image)
            if name and len(image.names) + (name in image.digests) > 1:
                catalog.unname((name,))
                return Removed(untagged=(name,))
            users = catalog.users(str(image.id))
            if not name:
                _check_id(image, users, force=force, running=running)
            elif users and not force:
                raise ConflictError(
                    f"'{reference}' cannot be removed: container {users[0][:12]} uses it",
                    hint="remove the container first, or force it with -f",
                )
            elif set(users) & set(running):
                catalog.unname((name,))
                return Removed(untagged=(name,))
            removed = catalog.delete(str(image.id))
        self.collect()
        return removed

    def unname(self, names: Sequence[str]) -> None:
        """Take names away and leave the images, dangling if need be."""
        with self._catalog() as catalog:
            catalog.unname(tuple(tag_name(name) for name in names))

    # making

    def write_layer(self, tar: Iterable[bytes], *, media_type: str = OCI_LAYER) -> LayerBlob:
        """Store a layer's tar, plain or compressed; ``InvalidInputError`` where it is damaged.

        Plain ones are the quickest to make; a push compresses them.
        """
        digest, size = self.blobs.add(tar)
        if media_type == OCI_LAYER:
            return LayerBlob(
                digest=digest, size=size, media_type=media_type, diff_id=digest, plain_size=size
            )
        import hashlib  # noqa: PLC0415 - as in toolkit.oci.digest

        seen, total = hashlib.sha256(), 0
        with self.blobs.open(digest) as blob:
            for chunk in plain(blob):
                seen.update(chunk)
                total += len(chunk)
        return LayerBlob(
            digest=digest,
            size=size,
            media_type=media_type,
            diff_id=Digest(algorithm="sha256", hex=seen.hexdigest()),
            plain_size=total,
        )

    def commit_image(
        self, config: dict[str, Any], layers: Sequence[LayerBlob], names: Sequence[str] = ()
    ) -> StoredImage:
        """Make an image of a configuration and stored layers, the lowest first.

        ``rootfs`` is filled in here; all else of ``config`` (Docker's names, ``history`` and all)
        is the caller's. ``names`` may be short ones.
        """
        diff_ids = [str(layer.diff_id) for layer in layers]
        whole = {**config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        data = json.dumps(whole, separators=(",", ":")).encode()
        return self.admit_config(data, layers, names)

    def admit_config(
        self, config: bytes, layers: Sequence[LayerBlob], names: Sequence[str] = ()
    ) -> StoredImage:
        """The same of a configuration's very bytes, whose digest is the image's id."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG,
                "digest": str(self.blobs.put(config)),
                "size": len(config),
            },
            "layers": [
                {"mediaType": one.media_type, "digest": str(one.digest), "size": one.size}
                for one in layers
            ],
        }
        return self.admit(json.dumps(manifest, separators=(",", ":")).encode(), names=names)

    def admit(
        self, manifest: bytes, *, names: Sequence[str] = (), digests: Sequence[str] = ()
    ) -> StoredImage:
        """Take the image of that manifest, whose blobs are there: verify, unpack, then list it.

        ``digests`` are the ``name@digest`` by which a registry knows it.
        """
        whole = tuple(tag_name(name) for name in names)
        try:
            return self._admit(self.blobs.put(manifest), manifest, whole, tuple(digests))
        except OSError as error:
            raise os_error(error, self.data_root) from None

    def _admit(
        self, digest: Digest, data: bytes, names: tuple[str, ...], digests: tuple[str, ...]
    ) -> StoredImage:
        at = f"manifest {digest}"
        decoded = decode_manifest(parse_json(data, at=at), at=at)
        assert isinstance(decoded, Manifest), "read_manifest refuses anything else"
        with closing(DirectoryFiles(self.blobs.directory)) as files:
            found = read_manifest(files, path=str(digest), digest=digest)
            unpack_found(self.data_root, files, found, limits=self.limits)
        chains = chain_ids(found.image.diff_ids)
        sizes = (self.layers.find(chain) for chain in chains)
        image = StoredImage(
            id=found.config_digest,
            manifest=digest,
            names=names,
            digests=digests,
            created=found.image.created,
            size=sum(layer.bytes for layer in sizes if layer),
            chains=tuple(chain.hex for chain in chains),
        )
        with self._catalog() as catalog:
            catalog.add(
                image,
                media_type=parse_json(data, at=at).get("mediaType") or OCI_MANIFEST,
                manifest_size=len(data),
                blobs=tuple(item.digest for item in decoded.layers),
            )
            return catalog.get(str(image.id))

    def known_as(self, image: StoredImage, repository: str, digest: Digest) -> None:
        """Note the digest by which a registry's repository has an image from now on."""
        with self._catalog() as catalog:
            catalog.known_as(str(image.id), repository, digest)

    # removing

    def collect(self) -> None:
        """Remove from the disk what removed images left, unless somebody is busy."""
        collect(self.data_root)

    def plain_layer(self, layer: LayerBlob) -> Iterator[bytes]:
        """A layer's tar, decompressed."""
        with self.blobs.open(layer.digest) as blob:
            yield from chunks_of(blob) if layer.digest == layer.diff_id else plain(blob)


def tag_name(text: str) -> str:
    """The key of the tables for a name that an image is to be given."""
    reference = parse_reference(text)
    if reference.digest:
        raise InvalidInputError(f"'{text}': an image cannot be named by a digest")
    return key_of(reference)


def key_of(reference: Reference) -> str:
    """``domain/path:tag``, as the tables have it."""
    return f"{reference.name}:{reference.tag}"


def _meant(reference: str, image: StoredImage) -> str:
    """Which of an image's names or digests ``reference`` is; empty where it is its id."""
    if reference.startswith("sha256:"):
        return ""
    try:
        parsed = parse_reference(reference)
    except InvalidInputError:
        return ""
    text = f"{parsed.name}@{parsed.digest}" if parsed.digest else key_of(parsed)
    return text if text in (*image.names, *image.digests) else ""


def _check_id(
    image: StoredImage, users: Sequence[str], *, force: bool, running: Collection[str]
) -> None:
    """Whether an image may be deleted by its id."""
    short = image.id.hex[:12]
    busy_users = [user for user in users if user in running]
    if busy_users:
        raise ConflictError(
            f"image {short} cannot be removed: container {busy_users[0][:12]} runs from it",
            hint="stop the container first",
        )
    if force:
        return
    if users:
        raise ConflictError(
            f"image {short} cannot be removed: container {users[0][:12]} uses it",
            hint="remove the container first, or force it with -f",
        )
    if len(image.names) > 1:
        raise ConflictError(
            f"image {short} cannot be removed: it has {len(image.names)} names",
            hint="remove it by each of them, or all at once with -f",
        )
