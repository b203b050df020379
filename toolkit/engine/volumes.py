"""Volumes: directories that outlive containers, by name, and who uses them.

A volume is a row of ``state.db`` and the directory ``volumes/NAME/_data``. What a container uses is
noted in the same file, so a volume is never taken from under one, and is kept until somebody asks
for its end. One that nobody named is *anonymous*: ``rm -v`` takes it along.
"""

import json
import os
import time

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from toolkit.core.files import remove_tree
from toolkit.core.record import record
from toolkit.core.sqlite import sqlite3
from toolkit.core.suggest import did_you_mean
from toolkit.engine.names import random_id
from toolkit.runtime.trees import set_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from toolkit.engine.config import VolumeMount
    from toolkit.engine.database import Database
    from toolkit.engine.events import EventLog
    from toolkit.engine.filters import Filters
    from toolkit.engine.settings import Settings

FILTER_KEYS = ("dangling", "driver", "label", "name")
PRUNE_KEYS = ("all", "label", "label!")
_DRIVER = "local"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_COLUMNS = "name, driver, labels, options, created, anonymous"


@record
class Volume:
    """A volume; ``path`` is the directory that containers see, ``users`` are their ids."""

    name: str
    path: str
    created: float
    driver: str = _DRIVER
    labels: "Mapping[str, str]"
    options: "Mapping[str, str]"
    anonymous: bool = False
    users: tuple[str, ...] = ()


class Volumes:
    """The volumes of one data root."""

    def __init__(self, settings: "Settings", database: "Database", events: "EventLog") -> None:
        self._settings = settings
        self._root = f"{settings.data_root}/volumes"
        self._db = database
        self._events = events

    def path(self, name: str) -> str:
        """The directory that containers see."""
        return self._settings.volume_dir(name)

    def create(
        self,
        name: str = "",
        *,
        driver: str = _DRIVER,
        labels: "Mapping[str, str] | None" = None,
        options: "Mapping[str, str] | None" = None,
    ) -> Volume:
        """Make a volume, or find the one of that name; without a name it is anonymous."""
        if driver != _DRIVER:
            raise UnsupportedError(
                f"volume driver '{driver}' is not known", hint="the only one is 'local'"
            )
        if options:
            raise UnsupportedError(
                f"volume option '{next(iter(options))}' is not supported",
                hint="mount it on the host, and give its directory with -v",
            )
        chosen = name or random_id()
        self._make(chosen, anonymous=not name, labels=dict(labels or {}))
        return self.find(chosen)

    def _make(self, name: str, *, anonymous: bool, labels: "Mapping[str, str]") -> bool:
        """Take the name and make the directory; whether it is new."""
        check_name(name)
        values = (name, _DRIVER, json.dumps(dict(labels)), "{}", time.time(), int(anonymous))
        new = self._db.query(
            f"INSERT INTO volumes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
            " ON CONFLICT DO NOTHING RETURNING name",
            *values,
        )
        os.makedirs(self._root, mode=0o701, exist_ok=True)
        os.makedirs(self.path(name), mode=0o755, exist_ok=True)
        if new:
            self._events.emit("volume", "create", name, {"driver": _DRIVER})
        return bool(new)

    def find(self, name: str) -> Volume:
        """The volume of that name."""
        found = self._rows("WHERE name=?", name)
        if found:
            return found[0]
        known = [volume.name for volume in self._rows("WHERE anonymous=0 LIMIT 1000")]
        raise NotFoundError(
            f"no such volume: '{name}'",
            hint=did_you_mean(name, known) or "'dockyard volume ls' lists them",
        )

    def select(self, filters: "Filters | None" = None) -> list[Volume]:
        """All volumes by name, or those that meet the filters."""
        from toolkit.engine.filters import check_filters  # noqa: PLC0415 - a start needs it not

        wanted = filters or {}
        check_filters(wanted, FILTER_KEYS)
        return [one for one in self._rows("ORDER BY name") if _meets(one, wanted)]

    def remove(self, name: str, *, force: bool = False) -> None:
        """Remove a volume that no container uses; with ``force`` one that is not there is fine."""
        if force and not self._rows("WHERE name=?", name):
            return
        volume = self.find(name)
        with self._db.transaction():
            users = self.users(name)
            if users:
                who = ", ".join(user[:12] for user in users)
                raise ConflictError(
                    f"volume '{name}' is in use by container {who}",
                    hint="remove that container first",
                )
            self._db.query("DELETE FROM volumes WHERE name=?", name)
        aside = set_aside(os.path.dirname(volume.path))
        if aside:
            remove_tree(aside)
        self._events.emit("volume", "destroy", name, {"driver": volume.driver})

    def prune(self, filters: "Filters | None" = None) -> "tuple[list[str], int]":
        """Remove what no container uses: anonymous volumes, or ``all``; names, and bytes freed."""
        from toolkit.engine.filters import check_filters, matches_labels  # noqa: PLC0415 - as above
        from toolkit.images.layers import count  # noqa: PLC0415 - as above

        wanted = filters or {}
        check_filters(wanted, PRUNE_KEYS)
        every = any(value in ("1", "true") for value in wanted.get("all", ()))
        gone, freed = [], 0
        for volume in self._rows("ORDER BY name"):
            kept = volume.users or not (every or volume.anonymous)
            kept = kept or not matches_labels(volume.labels, wanted.get("label", ()))
            unwanted = wanted.get("label!", ())
            if kept or any(matches_labels(volume.labels, [text]) for text in unwanted):
                continue
            size = count(volume.path)[1] if os.path.isdir(volume.path) else 0
            try:
                self.remove(volume.name)
            except (ConflictError, NotFoundError):
                continue  # somebody was faster
            gone.append(volume.name)
            freed += size
        return gone, freed

    # what containers use

    def take(self, container: str, mounts: "Iterable[VolumeMount]") -> "list[VolumeMount]":
        """Note what a container uses, making what is not there; those that are new."""
        new = []
        for mount in mounts:
            if self._make(mount.name, anonymous=is_random(mount.name), labels={}):
                new.append(mount)
            self._use(container, mount)
        return new

    def _use(self, container: str, mount: "VolumeMount") -> None:
        try:
            self._db.query(
                "INSERT INTO volume_uses (container, volume, target) VALUES (?, ?, ?)",
                container,
                mount.name,
                mount.target,
            )
        except sqlite3.IntegrityError:
            raise InvalidInputError(f"two volumes are asked for at '{mount.target}'") from None
        if not self._db.query("SELECT 1 FROM volumes WHERE name=?", mount.name):
            raise NotFoundError(f"volume '{mount.name}' was removed just now")

    def release(self, container: str, *, anonymous: bool = False) -> None:
        """A container is gone; with ``anonymous`` its nameless volumes go too, if nobody else uses
        them.
        """
        rows = self._db.query(
            "DELETE FROM volume_uses WHERE container=? RETURNING volume", container
        )
        if not anonymous:
            return
        for name in {row[0] for row in rows}:
            found = self._rows("WHERE name=? AND anonymous=1", name)
            if found and not found[0].users:
                self.remove(name, force=True)

    def users(self, name: str) -> list[str]:
        """The ids of the containers that use a volume."""
        rows = self._db.query(
            "SELECT DISTINCT container FROM volume_uses WHERE volume=? ORDER BY container", name
        )
        return [str(row[0]) for row in rows]

    def _rows(self, rest: str, *values: "Any") -> list[Volume]:
        rows = self._db.query(f"SELECT {_COLUMNS} FROM volumes {rest}", *values)  # noqa: S608 - constants
        return [
            Volume(
                name=name,
                path=self.path(name),
                created=created,
                driver=driver,
                labels=json.loads(labels),
                options=json.loads(options),
                anonymous=bool(anonymous),
                users=tuple(self.users(name)),
            )
            for name, driver, labels, options, created, anonymous in rows
        ]


def check_name(name: str) -> None:
    """Refuse a name that could not be a directory's, or is a path."""
    if len(name) < 2 or not set(name) <= _NAME or name[0] in "_.-":
        raise InvalidInputError(
            f"'{name}' is no name for a volume",
            hint="two or more of letters, digits, _ . and -; a directory of the host begins with /",
        )


def is_random(name: str) -> bool:
    """Whether nobody chose this name."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _meets(volume: Volume, filters: "Filters") -> bool:
    from toolkit.engine.filters import matches_labels  # noqa: PLC0415 - as above

    for key, values in filters.items():
        if key == "dangling":
            unused = not volume.users
            if any((value in ("1", "true")) is not unused for value in values):
                return False
        elif key == "label":
            if not matches_labels(volume.labels, values):
                return False
        elif not any(
            value in (volume.name if key == "name" else volume.driver) for value in values
        ):
            return False
    return True
