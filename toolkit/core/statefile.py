"""The file ``state.db``: what every room that keeps something in it shares.

Each room brings its own tables and hands statements down; nothing here knows what they mean.
``engine.database`` and ``images.tables`` are the two, on one file: several connections are fine
(WAL), for each change is one ``BEGIN IMMEDIATE`` transaction.
"""

import os
import time

from toolkit.core.errors import ToolkitError
from toolkit.core.sqlite import sqlite3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

_ATTEMPTS, _PAUSE = 600, 0.05
_BROKEN = "see that the file and its file system are whole"


class _Transaction:
    """A context manager: begun at its start, made good at its end, undone by an error."""

    def __init__(self, do: "Callable[[str], None]", undo: "Callable[[], None]") -> None:
        self._do = do
        self._undo = undo

    def __enter__(self) -> None:
        self._do("BEGIN IMMEDIATE")

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        if kind is None:
            self._do("COMMIT")
        else:
            self._undo()


class StateFile:
    """The open file; made, with its directory, when it does not exist. A context manager."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
        self._path = path
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def query(self, statement: str, *values: "Any") -> "list[tuple[Any, ...]]":
        """Do or ask something; all rows of the answer."""
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def transaction(self) -> "_Transaction":
        """All of what is done inside, or nothing; nobody else writes meanwhile."""
        return _Transaction(self._do, self._db.rollback)

    def _do(self, statement: str, *values: "Any") -> None:
        """Change something; outside ``transaction`` in one of its own."""
        try:
            self._db.execute(statement, values)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.DatabaseError) -> ToolkitError:
        hint = _BROKEN
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            hint = "free some space, or choose another data root"
        elif os.geteuid():
            hint = "run it as root"
        return ToolkitError(f"'{self._path}' cannot be used: {error}", hint=hint)

    def _prepare(self, path: str) -> None:
        """Make it safe and quick to share; rooms add their tables here."""
        # NORMAL: a power cut may lose the last change, never the file. All containers of a
        # lost change are dead by then as well.
        self._db.execute("PRAGMA synchronous=NORMAL")

    def _share(self) -> None:
        """Let readers and a writer work side by side.

        The change of the mode does not wait for others as statements do, and whoever else opens a
        new file is at the same.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE)
            else:
                return

    def _make(self, path: str, schema: str) -> None:
        """Make the tables of a room that are not there yet."""
        os.chmod(path, 0o600)
        self._share()
        self._db.executescript(schema)
