"""The store's tables in ``state.db``, and the counting of who stands on a layer.

Whoever opens the file may make them: the store for its own commands, the engine for a start. A
layer is *held* by each image that consists of it and each container that runs on it, by a row of
``layer_uses`` that is taken in the same transaction as the image's or the container's own. What
nobody holds may go.
"""

import os

from toolkit.core.errors import NotFoundError
from toolkit.core.statefile import StateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    class State(Protocol):
        """The open ``state.db``: ``core.statefile.StateFile`` and what is made of it."""

        def query(self, statement: str, *values: "Any") -> "list[tuple[Any, ...]]":
            """Do or ask something."""

        def transaction(self) -> "AbstractContextManager[None]":
            """All of what is done inside, or nothing."""


VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS images (
  id TEXT PRIMARY KEY, manifest TEXT NOT NULL, manifest_size INTEGER NOT NULL,
  media_type TEXT NOT NULL, created TEXT NOT NULL, added REAL NOT NULL, size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_names (
  name TEXT PRIMARY KEY, image TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_names_of ON image_names (image);
CREATE TABLE IF NOT EXISTS image_digests (
  name TEXT NOT NULL, digest TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY (name, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_digests_of ON image_digests (image);
CREATE TABLE IF NOT EXISTS image_layers (
  image TEXT NOT NULL, place INTEGER NOT NULL, chain TEXT NOT NULL, PRIMARY KEY (image, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS image_blobs (
  blob TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY (blob, image)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_blobs_of ON image_blobs (image);
CREATE TABLE IF NOT EXISTS layer_uses (
  chain TEXT NOT NULL, holder TEXT NOT NULL, PRIMARY KEY (chain, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS layer_uses_of ON layer_uses (holder);
CREATE TABLE IF NOT EXISTS image_uses (
  container TEXT PRIMARY KEY, image TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS image_uses_of ON image_uses (image);
CREATE TABLE IF NOT EXISTS image_orphans (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rooms (
  room TEXT PRIMARY KEY, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR REPLACE INTO rooms VALUES ('images', 1);
"""
CONTAINER, IMAGE = "container:", "image:"


class ImageState(StateFile):
    """``state.db`` opened by the store itself."""

    def _prepare(self, path: str) -> None:
        super()._prepare(path)
        asked = "SELECT 1 FROM sqlite_master WHERE name='rooms'"
        if not self._db.execute(asked).fetchone():
            self._make(path, SCHEMA)


def hold(state: "State", container: str, image: str, layers: tuple[str, ...]) -> None:
    """Count a container among the users of an image and the holders of its layers.

    To be called inside the transaction that makes the container. ``image`` is the image's id;
    ``layers`` are the directories that it was resolved to, ``<chain id>/diff``.
    ``NotFoundError`` where one of them was removed since.
    """
    state.query("INSERT OR REPLACE INTO image_uses VALUES (?, ?)", container, image)
    for path in layers:
        if not os.path.isdir(path):
            raise NotFoundError(
                "the image was removed while the container was made", hint="try again"
            )
        chain = os.path.basename(os.path.dirname(path))
        state.query("INSERT OR IGNORE INTO layer_uses VALUES (?, ?)", chain, CONTAINER + container)


def release(state: "State", container: str) -> None:
    """Take back what a container holds; inside the transaction that forgets it."""
    state.query("DELETE FROM image_uses WHERE container=?", container)
    state.query("DELETE FROM layer_uses WHERE holder=?", CONTAINER + container)
