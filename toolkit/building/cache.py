"""What steps made before: by the digest of the image before a step, its words and its files.

One row of ``state.db`` a step. A row holds its layer and its layer's blob like an image does, so a
removed image takes nothing away that a later build may use again.
"""

import json
import os
import time

from toolkit.images.layers import LayerStore
from toolkit.images.stored import LayerBlob
from toolkit.images.tables import ImageState
from toolkit.oci.digest import Digest, parse_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS build_steps (
  key TEXT PRIMARY KEY, history TEXT NOT NULL, layer TEXT NOT NULL, chain TEXT NOT NULL,
  blob TEXT NOT NULL, used REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""
_HOLDER = "build:"
CACHES = "build-caches"  # the folder of what --mount=type=cache keeps


class Cached:
    """A step that was done before: its entry of the history, and its layer if it made one."""

    __slots__ = ("history", "layer")

    def __init__(self, history: "dict[str, Any]", layer: LayerBlob | None) -> None:
        self.history = history
        self.layer = layer


class _State(ImageState):
    def _prepare(self, path: str) -> None:
        super()._prepare(path)
        asked = "SELECT 1 FROM sqlite_master WHERE name='build_steps'"
        if not self._db.execute(asked).fetchone():
            self._db.executescript(_SCHEMA)


class Cache:
    """The steps of one data root; a context manager that closes the file."""

    def __init__(self, data_root: str) -> None:
        self._root = data_root
        self._layers = LayerStore(data_root)
        self._state = _State(os.path.join(data_root, "state.db"))
        self._found: list[str] = []

    def close(self) -> None:
        """Note what was used, and close the file."""
        try:
            if self._found:
                with self._state.transaction():
                    for key in self._found:
                        asked = "UPDATE build_steps SET used=? WHERE key=?"
                        self._state.query(asked, time.time(), key)
        finally:
            self._state.close()

    def find(self, key: str) -> Cached | None:
        """What a step made, if all of it is still there."""
        rows = self._state.query(
            "SELECT history, layer, chain, blob FROM build_steps WHERE key=?", key
        )
        if not rows:
            return None
        history, layer, chain, blob = rows[0]
        if layer and not self._is_whole(chain, blob):
            return None
        self._found.append(key)
        return Cached(json.loads(history), _decode(json.loads(layer)) if layer else None)

    def _is_whole(self, chain: str, blob: str) -> bool:
        algorithm, _, digits = blob.partition(":")
        there = os.path.exists(os.path.join(self._root, "images", "blobs", algorithm, digits))
        found = Digest(algorithm="sha256", hex=chain)
        return there and self._layers.find(found) is not None

    def keep(
        self, key: str, history: "dict[str, Any]", layer: LayerBlob | None = None, chain: str = ""
    ) -> None:
        """Remember what a step made; what it made before is let go."""
        with self._state.transaction():
            self._release(key)
            values = (key, json.dumps(history), "", "", "", time.time())
            if layer is not None:
                blob = str(layer.digest)
                values = (key, values[1], json.dumps(_encode(layer)), chain, blob, values[5])
                self._state.query("INSERT INTO layer_uses VALUES (?, ?)", chain, _HOLDER + key)
                self._state.query("INSERT INTO image_blobs VALUES (?, ?)", blob, _HOLDER + key)
            self._state.query("INSERT INTO build_steps VALUES (?, ?, ?, ?, ?, ?)", *values)

    def abandon(self, layer: LayerBlob, chain: str) -> None:
        """A layer was made that nobody keeps: the next collection takes it."""
        with self._state.transaction():
            self._orphan(chain, str(layer.digest))

    def forget(self, *, everything: bool, before: float | None = None) -> tuple[str, ...]:
        """Forget steps whose layer is in no image, or all of them; their keys.

        A step without a layer takes no room, and later steps stand on it: it stays with the rest.
        """
        asked = "SELECT key FROM build_steps WHERE used<?"
        if not everything:
            asked += (
                " AND chain!='' AND NOT EXISTS (SELECT 1 FROM image_layers"
                " WHERE image_layers.chain=build_steps.chain)"
            )
        latest = time.time() + 1 if before is None else before
        with self._state.transaction():
            keys = [row[0] for row in self._state.query(f"{asked} ORDER BY used", latest)]
            for key in keys:
                self._release(key)
        return tuple(keys)

    def _release(self, key: str) -> None:
        asked = "SELECT chain, blob FROM build_steps WHERE key=? AND chain!=''"
        for chain, blob in self._state.query(asked, key):
            self._state.query("DELETE FROM layer_uses WHERE holder=?", _HOLDER + key)
            self._state.query("DELETE FROM image_blobs WHERE image=?", _HOLDER + key)
            self._orphan(chain, blob)
        self._state.query("DELETE FROM build_steps WHERE key=?", key)

    def _orphan(self, chain: str, blob: str) -> None:
        for path in (f"layers/{chain}", f"images/blobs/{blob.replace(':', '/')}"):
            self._state.query("INSERT OR IGNORE INTO image_orphans VALUES (?)", path)


def _encode(layer: LayerBlob) -> "dict[str, Any]":
    return {
        "digest": str(layer.digest),
        "size": layer.size,
        "media_type": layer.media_type,
        "diff_id": str(layer.diff_id),
        "plain_size": layer.plain_size,
    }


def _decode(data: "dict[str, Any]") -> LayerBlob:
    return LayerBlob(
        digest=parse_digest(data["digest"], at="state.db"),
        size=data["size"],
        media_type=data["media_type"],
        diff_id=parse_digest(data["diff_id"], at="state.db"),
        plain_size=data["plain_size"],
    )
