"""``find``: the files below some folders that fit."""

import fnmatch
import posixpath
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.facts.machine import Stat
from toolkit.tasks import paths
from toolkit.tasks.editing import pattern
from toolkit.tasks.host import Host
from toolkit.tasks.looking import ALGORITHMS, check_algorithm, checksum, told
from toolkit.tasks.registry import Plan, task

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Kind(StrEnum):
    """What is looked for."""

    ANY = "any"
    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"


class Stamp(StrEnum):
    """Which time ``age`` means."""

    ACCESSED = "atime"
    CHANGED = "ctime"
    WRITTEN = "mtime"


@task("find")
@dataclass(frozen=True, kw_only=True, slots=True)
class Find:
    """List the files below ``paths`` that fit every condition; Ansible's ``find``.

    ``patterns`` are shell patterns, or with ``use_regex`` regular expressions that fit a whole
    name. ``age`` and ``size`` are "at least"; with a minus "at most" (``-2d``, ``10k``).
    ``contains`` is a regular expression of a line. Paths that cannot be searched are in
    ``skipped_paths``.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "path": "paths",
        "name": "paths",
        "pattern": "patterns",
        "exclude": "excludes",
    }
    reads: ClassVar[bool] = True

    paths: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    contains: str | None = None
    read_whole_file: bool = False
    file_type: Kind = Kind.FILE
    age: str | None = None
    age_stamp: Stamp = Stamp.WRITTEN
    size: str | None = None
    recurse: bool = False
    hidden: bool = False
    follow: bool = False
    get_checksum: bool = False
    checksum_algorithm: str = ALGORITHMS[0]
    use_regex: bool = False
    depth: int | None = None
    mode: str | None = None
    exact_mode: bool = True
    limit: int | None = None

    def __post_init__(self) -> None:
        check_algorithm(self.checksum_algorithm)
        _measured("age", self.age, _UNITS)
        _measured("size", self.size, _SIZES)
        pattern("contains", self.contains or "")
        for each in (*self.patterns, *self.excludes) if self.use_regex else ():
            pattern("patterns", each)
        if self.mode is not None and not re.fullmatch(r"[0-7]{1,4}", self.mode):
            raise InvalidInputError(f"mode is octal, not '{self.mode}'")

    def plan(self, host: Host) -> Plan:
        """Look; nothing ever changes."""
        yield from ()
        found: list[dict[str, Any]] = []
        skipped: dict[str, str] = {}
        examined = 0
        for top in (paths.absolute(host, path) for path in self.paths):
            there = host.files.stat(top)
            if there is None or there.kind != "directory":
                skipped[top] = f"'{top}' is not a directory"
                continue
            for path, stat in self._walk(host, top, skipped, level=1):
                examined += 1
                if (self.limit is None or len(found) < self.limit) and self._fits(host, path, stat):
                    found.append(self._told(host, path, stat))
        said = "Not all paths examined, check warnings for details" if skipped else ""
        return {
            "files": found,
            "examined": examined,
            "matched": len(found),
            "msg": said or "All paths examined",
            "skipped_paths": skipped,
        }

    def _walk(
        self, host: Host, folder: str, skipped: dict[str, str], *, level: int
    ) -> Iterator[tuple[str, Stat]]:
        try:
            names = host.files.listdir(folder)
        except OSError as error:
            skipped[folder] = str(error.strerror)
            return
        below: list[str] = []
        for name in names:
            path = posixpath.join(folder, name)
            found = host.files.stat(path, follow=False)
            if found is None:  # gone since the directory was read
                continue
            yield path, found
            target = host.files.stat(path) if self.follow else found
            if target and target.kind == "directory" and (self.hidden or not _hidden(name)):
                below.append(path)
        if self.recurse and (self.depth is None or level < self.depth):
            for path in below:
                yield from self._walk(host, path, skipped, level=level + 1)

    def _fits(self, host: Host, path: str, found: Stat) -> bool:
        name = posixpath.basename(path)
        kind = found.kind
        if self.follow and kind == "link":
            kind = (host.files.stat(path) or found).kind
        return (
            (self.file_type is Kind.ANY or kind == self.file_type.value)
            and (self.hidden or not _hidden(name))
            and self._named(name)
            and self._measures(found)
            and (kind == "directory" or self._contains(host, path))
        )

    def _named(self, name: str) -> bool:
        if self.patterns and not any(self._same(name, each) for each in self.patterns):
            return False
        return not any(self._same(name, each) for each in self.excludes)

    def _same(self, name: str, wanted: str) -> bool:
        if self.use_regex:
            return re.match(wanted, name) is not None
        return fnmatch.fnmatchcase(name, wanted)

    def _measures(self, found: Stat) -> bool:
        age = _measured("age", self.age, _UNITS)
        size = _measured("size", self.size, _SIZES)
        old = time.time() - getattr(found, self.age_stamp.value)
        return _beyond(old, age) and _beyond(found.size, size) and self._moded(found)

    def _moded(self, found: Stat) -> bool:
        if self.mode is None:
            return True
        wanted = int(self.mode, 8)
        return found.mode == wanted if self.exact_mode else bool(found.mode & wanted)

    def _contains(self, host: Host, path: str) -> bool:
        if self.contains is None:
            return True
        text = paths.text_of(host, path)
        if self.read_whole_file:
            return re.search(self.contains, text) is not None
        return any(re.match(self.contains, line) for line in text.splitlines())

    def _told(self, host: Host, path: str, found: Stat) -> dict[str, Any]:
        values = told(host, path, found)
        if self.get_checksum and found.kind == "file":
            values["checksum"] = checksum(host, path, self.checksum_algorithm)
        return values


def _hidden(name: str) -> bool:
    return name.startswith(".")


def _measured(name: str, text: str | None, units: Mapping[str, int]) -> float | None:
    """A number with its unit as seconds or bytes; below zero for "at most"."""
    if text is None:
        return None
    found = re.fullmatch(r"(-?\d+)([a-z]?)[a-z]*", text.strip().lower())
    if found is None or (found[2] and found[2] not in units):
        raise InvalidInputError(
            f"{name} is a number with a unit of {', '.join(units)}, not '{text}'"
        )
    return int(found[1]) * units[found[2] or next(iter(units))]


def _beyond(value: float, limit: float | None) -> bool:
    if limit is None:
        return True
    return value >= limit if limit >= 0 else value <= -limit
