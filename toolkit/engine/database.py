"""``state.db``: names and ids, each change one transaction, readable while another writes.

A row says what was promised; whether a container runs is the kernel's to say. The phase of a
row is ``making`` while its owner builds it, ``ready`` once it is whole, ``removing`` while its
owner takes it away; ``tied`` is whole but shall not outlive its owner, and ``tying`` is on the way
there. A row whose owner died is finished or undone by ``reconcile``.
"""

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError
from toolkit.core.record import record
from toolkit.core.sqlite import sqlite3
from toolkit.core.statefile import StateFile
from toolkit.core.suggest import did_you_mean
from toolkit.images import tables as image_tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MAKING, TYING, READY, TIED, REMOVING = "making", "tying", "ready", "tied", "removing"
_VERSION = 10
# What tables of an older version lack.
_ADDED = (
    ("networks", "more", "TEXT NOT NULL DEFAULT '{}'"),
    ("endpoints", "address6", "TEXT NOT NULL DEFAULT ''"),
    ("endpoints", "aliases", "TEXT NOT NULL DEFAULT '[]'"),
    ("endpoints", "place", "INTEGER NOT NULL DEFAULT 0"),
    ("endpoints", "follows", "INTEGER NOT NULL DEFAULT 0"),
    ("restarts", "error", "TEXT NOT NULL DEFAULT ''"),
    ("restarts", "minded", "INTEGER NOT NULL DEFAULT 0"),
    ("endpoints", "worn", "INTEGER NOT NULL DEFAULT 0"),
)
# Of a column that an older version lacks.
_FOLLOWERS = "CREATE INDEX IF NOT EXISTS endpoints_follow ON endpoints (network) WHERE follows"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS containers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, config TEXT NOT NULL,
  created REAL NOT NULL, started REAL NOT NULL, phase TEXT NOT NULL, owner TEXT NOT NULL,
  auto_remove INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS networks (
  name TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, link TEXT NOT NULL UNIQUE, address TEXT NOT NULL,
  mtu INTEGER NOT NULL, internal INTEGER NOT NULL, created REAL NOT NULL, next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans (
  network TEXT NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (network, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rests (
  network TEXT NOT NULL, address INTEGER NOT NULL, until REAL NOT NULL,
  PRIMARY KEY (network, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rests_until ON rests (until);
CREATE TABLE IF NOT EXISTS endpoints (
  container TEXT NOT NULL, network TEXT NOT NULL, link TEXT NOT NULL, mac TEXT NOT NULL,
  address INTEGER NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (container, network),
  UNIQUE (network, address), UNIQUE (network, mac), UNIQUE (link)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ports (
  protocol TEXT NOT NULL, "outer" INTEGER NOT NULL, host TEXT NOT NULL, "inner" INTEGER NOT NULL,
  container TEXT NOT NULL, PRIMARY KEY (protocol, "outer", host)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ports_of ON ports (container);
CREATE TABLE IF NOT EXISTS volumes (
  name TEXT PRIMARY KEY, driver TEXT NOT NULL, labels TEXT NOT NULL, options TEXT NOT NULL,
  created REAL NOT NULL, anonymous INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS volume_uses (
  container TEXT NOT NULL, target TEXT NOT NULL, volume TEXT NOT NULL,
  PRIMARY KEY (container, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS volume_uses_of ON volume_uses (volume);
CREATE TABLE IF NOT EXISTS restarts (
  container TEXT PRIMARY KEY, count INTEGER NOT NULL, failures INTEGER NOT NULL,
  stopped INTEGER NOT NULL, due REAL NOT NULL, error TEXT NOT NULL DEFAULT '',
  minded INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keepers (
  container TEXT PRIMARY KEY, owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_COLUMNS = "id, name, image, config, created, started, phase, owner, auto_remove"


@record
class Row:
    """One container: ``config`` is JSON text, times are seconds since 1970, 0 for never."""

    id: str
    name: str
    image: str
    config: str
    created: float
    started: float = 0.0
    phase: str
    owner: str
    auto_remove: bool


class Database(StateFile):
    """The open file, with the engine's tables and those that count what images are used for."""

    def _prepare(self, path: str) -> None:
        super()._prepare(path)
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise ToolkitError(f"'{path}' was written by a newer dockyard")
        if version < _VERSION:
            self._make(path, _SCHEMA + image_tables.SCHEMA)
            with self.transaction():  # whoever else opens it for the first time waits here
                for table, column, kind in _ADDED:
                    there = [row[1] for row in self.query(f"PRAGMA table_info({table})")]
                    if column not in there:
                        self._do(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
                self._do(_FOLLOWERS)
                self._do(f"PRAGMA user_version={_VERSION}")

    def insert(self, row: Row, *, digest: str = "", layers: tuple[str, ...] = ()) -> None:
        """Take the id and the name; ``ConflictError`` if the name is in use.

        An image of that ``digest`` and its ``layers`` are held until ``delete``;
        ``NotFoundError`` if it was removed since it was found.
        """
        with self.transaction():
            self._insert(row)
            if digest:
                image_tables.hold(self, row.id, digest, layers)

    def _insert(self, row: Row) -> None:
        values = [getattr(row, name) for name in _COLUMNS.split(", ")]
        marks = ", ".join("?" * len(values))
        try:
            self._do(f"INSERT INTO containers ({_COLUMNS}) VALUES ({marks})", *values)  # noqa: S608 - constants
        except sqlite3.IntegrityError:
            other = self.by_name(row.name)
            raise ConflictError(
                f"the name '{row.name}' is in use"
                + (f" by container {other.id[:12]}" if other else ""),
                hint=f"remove it with 'dockyard rm {row.name}', or choose another name",
            ) from None

    def move(self, container: str, *, phase: str, owner: str = "") -> None:
        """Put a container into a phase."""
        self._do("UPDATE containers SET phase=?, owner=? WHERE id=?", phase, owner, container)

    def started(self, container: str, *, phase: str, at: float, owner: str = "") -> None:
        """Note that it was started; what was being made is whole now. ``owner`` waits for it."""
        change = "UPDATE containers SET started=?, phase=?, owner=? WHERE id=?"
        self._do(change, at, phase, owner, container)

    def rename(self, container: str, name: str) -> None:
        """Give a container another name; ``ConflictError`` if that is in use."""
        try:
            self._do("UPDATE containers SET name=? WHERE id=?", name, container)
        except sqlite3.IntegrityError:
            raise ConflictError(
                f"the name '{name}' is in use", hint="choose another name"
            ) from None

    def configure(self, container: str, config: str) -> None:
        """Keep another config (JSON text)."""
        self._do("UPDATE containers SET config=? WHERE id=?", config, container)

    def delete(self, container: str) -> None:
        """Forget a container, and let its image's layers go."""
        with self.transaction():
            self._do("DELETE FROM containers WHERE id=?", container)
            self._do("DELETE FROM restarts WHERE container=?", container)
            self._do("DELETE FROM volume_uses WHERE container=?", container)
            image_tables.release(self, container)

    def by_name(self, name: str) -> Row | None:
        """The container of that name."""
        return next(self._select("WHERE name=?", name), None)

    def by_id(self, container: str) -> Row | None:
        """The container of that id, all of it."""
        return next(self._select("WHERE id=?", container), None)

    def all(self) -> list[Row]:
        """Every container, newest first."""
        return list(self._select("ORDER BY created DESC"))

    def ids(self) -> set[str]:
        """The ids of all containers, whole or not."""
        return {row.id for row in self._select("")}

    def sharing(self, container: str) -> list[str]:
        """The ids of those that share the network of a container."""
        wanted = f'%"container:{container}"%'
        rows = self.query("SELECT id FROM containers WHERE config LIKE ?", wanted)
        return [str(row[0]) for row in rows]

    def unsettled(self) -> list[Row]:
        """What a killed command may have left, and what goes away by itself."""
        return list(self._select("WHERE phase != 'ready' OR auto_remove"))

    def find(self, reference: str) -> Row:
        """The container by id, name or the unique beginning of an id."""
        exact = next(self._select("WHERE id=? OR name=?", reference, reference), None)
        if exact:
            return exact
        like = reference if reference.isalnum() else ""
        found = list(self._select("WHERE id GLOB ? LIMIT 2", f"{like}*")) if like else []
        if len(found) == 1:
            return found[0]
        if found:
            raise ConflictError(f"'{reference}' is the beginning of more than one container's id")
        known = [row.name for row in self._select("ORDER BY created DESC LIMIT 1000")]
        raise NotFoundError(
            f"no such container: '{reference}'",
            hint=did_you_mean(reference, known) or "'dockyard ps -a' lists them",
        )

    def _select(self, rest: str, *values: "Any") -> "Iterator[Row]":
        names = _COLUMNS.split(", ")
        try:
            lines = self._db.execute(f"SELECT {_COLUMNS} FROM containers {rest}", values).fetchall()  # noqa: S608 - constants
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error
        for line in lines:
            fields = dict(zip(names, line, strict=True))
            yield Row(**{**fields, "auto_remove": bool(fields["auto_remove"])})
