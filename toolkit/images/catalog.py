"""Which images there are and what they are called: the store's rows, each change a transaction.

``index.json`` is written inside the transaction that changes what it shows, so it never shows an
image that the tables do not have once both are done.
"""

import time
from typing import Any

from toolkit.core.suggest import did_you_mean
from toolkit.images.blobs import BlobStore
from toolkit.images.locate import NotStoredError
from toolkit.images.lookup import lookup
from toolkit.images.stored import Removed, StoredImage
from toolkit.images.tables import IMAGE
from toolkit.oci.digest import Digest, parse_digest
from toolkit.oci.image import CONTAINERD_NAME, REF_NAME
from toolkit.oci.reference import Reference, parse_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.images.tables import State

_COLUMNS = "id, manifest, created, added, size"


class Catalog:
    """The images in one ``state.db``; ``blobs`` holds the index that follows it."""

    def __init__(self, state: "State", blobs: BlobStore) -> None:
        self._state = state
        self._blobs = blobs

    # looking

    def find(self, reference: str) -> StoredImage:
        """The image of that name, ``name@digest``, id, or unique beginning of an id."""
        return self.get(self.id_of(reference))

    def id_of(self, reference: str) -> str:
        """The id of the image that ``reference`` means; ``NotStoredError`` where there is none."""
        found = lookup(self._state, reference)
        if found is None:
            raise self._unknown(reference)
        return found[0]

    def get(self, image: str) -> StoredImage:
        """The image of that whole id."""
        rows = self._state.query(f"SELECT {_COLUMNS} FROM images WHERE id=?", image)  # noqa: S608 - constants
        if not rows:
            raise self._unknown(image)
        ask = self._state.query
        names = ask("SELECT name FROM image_names WHERE image=? ORDER BY name", image)
        digests = ask("SELECT name, digest FROM image_digests WHERE image=?", image)
        chains = ask("SELECT chain FROM image_layers WHERE image=? ORDER BY place", image)
        return _image(
            rows[0],
            names=tuple(row[0] for row in names),
            digests=tuple(f"{name}@{digest}" for name, digest in digests),
            chains=tuple(row[0] for row in chains),
        )

    def all(self) -> list[StoredImage]:
        """Every image, the newest first; four questions however many there are."""
        ask = self._state.query
        names: dict[str, list[str]] = {}
        for image, name in ask("SELECT image, name FROM image_names ORDER BY name"):
            names.setdefault(image, []).append(name)
        digests: dict[str, list[str]] = {}
        for image, name, digest in ask("SELECT image, name, digest FROM image_digests"):
            digests.setdefault(image, []).append(f"{name}@{digest}")
        chains: dict[str, list[str]] = {}
        for image, chain in ask("SELECT image, chain FROM image_layers ORDER BY image, place"):
            chains.setdefault(image, []).append(chain)
        rows = ask(f"SELECT {_COLUMNS} FROM images ORDER BY created DESC, added DESC")  # noqa: S608 - constants
        return [
            _image(
                row,
                names=tuple(names.get(row[0], ())),
                digests=tuple(digests.get(row[0], ())),
                chains=tuple(chains.get(row[0], ())),
            )
            for row in rows
        ]

    def holds(self, image: str, manifest: str) -> bool:
        """Whether an image is there, with that manifest."""
        asked = "SELECT 1 FROM images WHERE id=? AND manifest=?"
        return bool(self._state.query(asked, image, manifest))

    def users(self, image: str) -> list[str]:
        """The ids of the containers that were made from an image."""
        rows = self._state.query("SELECT container FROM image_uses WHERE image=?", image)
        return [str(row[0]) for row in rows]

    # changing

    def add(
        self,
        image: StoredImage,
        *,
        media_type: str,
        manifest_size: int,
        blobs: tuple[Digest, ...],
    ) -> None:
        """Take an image, whole by now, with its names and digests; one that is there gets them."""
        key = str(image.id)
        with self._state.transaction():
            do = self._state.query
            do(
                "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET manifest=excluded.manifest,"
                " manifest_size=excluded.manifest_size, media_type=excluded.media_type",
                key,
                str(image.manifest),
                manifest_size,
                media_type,
                image.created,
                time.time(),
                image.size,
            )
            for place, chain in enumerate(image.chains):
                do("INSERT OR IGNORE INTO image_layers VALUES (?, ?, ?)", key, place, chain)
                do("INSERT OR IGNORE INTO layer_uses VALUES (?, ?)", chain, IMAGE + key)
            for blob in (image.manifest, image.id, *blobs):
                do("INSERT OR IGNORE INTO image_blobs VALUES (?, ?)", str(blob), key)
            for name in image.names:
                self._name(name, key)
            for digest in image.digests:
                self._digest(digest, key)
            self._write_index()

    def name(self, image: str, name: str) -> None:
        """Give an image one more name, which another one may have had until now."""
        with self._state.transaction():
            self.get(image)
            self._name(name, image)
            self._write_index()

    def known_as(self, image: str, name: str, digest: Digest) -> None:
        """Note under which digest the registry of ``name`` has an image."""
        with self._state.transaction():
            self.get(image)
            self._digest(f"{name}@{digest}", image)

    def unname(self, names: tuple[str, ...]) -> None:
        """Take names (or ``name@digest``) away; an image may be left without any.

        With its last tag of a repository an image loses the digests by which that one knows it.
        """
        with self._state.transaction():
            for name in names:
                repository, at, digest = name.partition("@")
                if at:
                    gone = "DELETE FROM image_digests WHERE name=? AND digest=?"
                    self._state.query(gone, repository, digest)
                else:
                    self._unname(name)
            self._write_index()

    def _unname(self, name: str) -> None:
        ask = self._state.query
        repository = name.rpartition(":")[0]
        for (image,) in ask("SELECT image FROM image_names WHERE name=?", name):
            ask("DELETE FROM image_names WHERE name=?", name)
            left = ask("SELECT name FROM image_names WHERE image=?", image)
            if left and not any(other.rpartition(":")[0] == repository for (other,) in left):
                ask("DELETE FROM image_digests WHERE image=? AND name=?", image, repository)

    def delete(self, image: str) -> Removed:
        """Forget an image; what only it needed becomes an orphan, for ``collect`` to remove."""
        with self._state.transaction():
            do = self._state.query
            found = self.get(image)
            for (blob,) in do("SELECT blob FROM image_blobs WHERE image=?", image):
                algorithm, _, digits = blob.partition(":")
                _orphan(self._state, f"images/blobs/{algorithm}/{digits}")
            for chain in found.chains:
                _orphan(self._state, f"layers/{chain}")
            for table in ("image_names", "image_digests", "image_layers", "image_blobs"):
                do(f"DELETE FROM {table} WHERE image=?", image)  # noqa: S608 - constants
            do("DELETE FROM layer_uses WHERE holder=?", IMAGE + image)
            do("DELETE FROM images WHERE id=?", image)
            self._write_index()
        return Removed(untagged=(*found.names, *found.digests), deleted=(image,))

    def _name(self, name: str, image: str) -> None:
        self._state.query("INSERT OR REPLACE INTO image_names VALUES (?, ?)", name, image)

    def _digest(self, text: str, image: str) -> None:
        name, _, digest = text.partition("@")
        row = (name, digest, image)
        self._state.query("INSERT OR REPLACE INTO image_digests VALUES (?, ?, ?)", *row)

    def _write_index(self) -> None:
        rows = self._state.query(
            "SELECT media_type, manifest, manifest_size, name FROM images"
            " LEFT JOIN image_names ON image=id ORDER BY name"
        )
        self._blobs.write_index([_descriptor(*row) for row in rows])

    def _unknown(self, reference: str) -> NotStoredError:
        rows = self._state.query("SELECT name FROM image_names LIMIT 1000")
        known = [parse_reference(row[0]).familiar.removesuffix(":latest") for row in rows]
        return NotStoredError(
            f"no such image: '{reference}'",
            hint=did_you_mean(reference, known) or "'dockyard images' lists them",
        )


def _orphan(state: "State", path: str) -> None:
    state.query("INSERT OR IGNORE INTO image_orphans VALUES (?)", path)


def _image(
    row: tuple[Any, ...],
    *,
    names: tuple[str, ...],
    digests: tuple[str, ...],
    chains: tuple[str, ...],
) -> StoredImage:
    image, manifest, created, added, size = row
    return StoredImage(
        id=parse_digest(image, at="state.db"),
        manifest=parse_digest(manifest, at="state.db"),
        names=names,
        digests=digests,
        created=created,
        added=added,
        size=size,
        chains=chains,
    )


def _descriptor(media_type: str, digest: str, size: int, name: str | None) -> dict[str, Any]:
    """One line of the index. skopeo and umoci take the short name, containerd the whole one."""
    named: dict[str, Any] = {}
    if name:
        short = _reference(name).familiar
        named = {"annotations": {REF_NAME: short, CONTAINERD_NAME: name}}
    return {"mediaType": media_type, "digest": digest, "size": size, **named}


def _reference(name: str) -> Reference:
    """A name of the tables, which was checked when it came in."""
    rest, _, tag = name.rpartition(":")
    domain, _, path = rest.partition("/")
    return Reference(domain=domain, path=path, tag=tag)
