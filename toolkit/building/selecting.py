"""Which files a COPY or ADD means, and their digest: below a directory that is never left.

Both the builder, for the key of a step, and the confined process that copies use this, so that
they mean the same files.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from toolkit.building.ignoring import Ignore, translate
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.suggest import did_you_mean
from toolkit.linux.paths import open_in_root

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_INNER = _DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_META = re.compile(r"[*?\[\\]")
_MAX_DEPTH = 256
_CHUNK = 1 << 20


class Filter(NamedTuple):
    """What is left out: by the context's file, and by ``--exclude``."""

    ignore: Ignore
    exclude: Ignore

    def hides(self, path: str, inner: str) -> bool:
        """Whether a file is left out; ``inner`` is its path below the source."""
        return self.ignore.hides(path) or (bool(inner) and self.exclude.hides(inner))

    def skips(self, path: str, inner: str) -> bool:
        """Whether a hidden directory holds nothing that is taken in again."""
        if self.ignore.hides(path) and not self.ignore.may_hold(path):
            return True
        return bool(inner) and self.exclude.hides(inner) and not self.exclude.may_hold(inner)


class Found(NamedTuple):
    """One file below a source: its path there, the open directory that holds it, its status."""

    inner: str
    fd: int
    name: str
    status: os.stat_result


NOTHING_HIDDEN = Filter(Ignore(), Ignore())


def clean(path: str) -> str:
    """A path without ``.``, ``..`` and empty parts; ``..`` at the top stays there."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def select(root: int, pattern: str, hidden: Filter, *, where: str) -> list[str]:
    """The paths that a source means; ``InvalidInputError`` where there is none."""
    cleaned = clean(pattern)
    if not _META.search(cleaned):
        found = [cleaned] if _exists(root, cleaned) else []
    else:
        found = sorted(_matches(root, "", cleaned.split("/")))
    kept = [path for path in found if not path or not hidden.ignore.hides(path)]
    kept += [
        path
        for path in found
        if path and hidden.ignore.hides(path) and hidden.ignore.may_hold(path)
    ]
    if kept:
        return sorted(kept)
    if found:
        raise InvalidInputError(
            f"'{pattern}' is left out of {where}", hint="a line of '.dockerignore' matches it"
        )
    raise InvalidInputError(f"'{pattern}' is not in {where}", hint=_near(root, cleaned))


def _near(root: int, path: str) -> str:
    head, _, name = path.rpartition("/")
    try:
        fd = open_in_root(root, head, _DIRECTORY)
    except OSError:
        return f"it has no directory '{head}'" if head else ""
    try:
        return did_you_mean(name, os.listdir(fd))
    finally:
        os.close(fd)


def _exists(root: int, path: str) -> bool:
    try:
        os.close(open_in_root(root, path, os.O_PATH))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _matches(root: int, above: str, parts: list[str]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    try:
        fd = open_in_root(root, above, _DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        names = os.listdir(fd)
    finally:
        os.close(fd)
    regex = re.compile(translate(part.replace("**", "*")), re.DOTALL)
    for name in names:
        if regex.fullmatch(name):
            path = f"{above}/{name}" if above else name
            if rest:
                yield from _matches(root, path, rest)
            elif _exists(root, path):
                yield path


def walk(root: int, path: str, hidden: Filter) -> Iterator[Found]:
    """All below the directory ``path``, a directory before what it holds, in a fixed order.

    A hidden directory from which something is taken in again is given too.
    """
    fd = open_in_root(root, path, _DIRECTORY)
    try:
        yield from _inside(fd, path, "", hidden)
    finally:
        os.close(fd)


def _inside(fd: int, path: str, inner: str, hidden: Filter) -> Iterator[Found]:
    if inner.count("/") > _MAX_DEPTH:
        raise ToolkitError(f"directories are nested deeper than {_MAX_DEPTH}: '{inner[:60]}…'")
    for name in sorted(os.listdir(fd)):
        full = f"{path}/{name}" if path else name
        below = f"{inner}/{name}" if inner else name
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            if not hidden.hides(full, below):
                yield Found(below, fd, name, status)
            continue
        if hidden.skips(full, below):
            continue
        held = hidden.hides(full, below)
        inside = os.open(name, _INNER, dir_fd=fd)
        try:
            if not held:
                yield Found(below, fd, name, status)
            for found in _inside(inside, full, below, hidden):
                if held:
                    held = False
                    yield Found(below, fd, name, status)
                yield found
        finally:
            os.close(inside)


def digest(root: int, paths: list[str], hidden: Filter, *, owners: bool) -> str:
    """What the files are, without their times: names, kinds, modes and content."""
    seen = hashlib.sha256()
    for path in paths:
        fd = open_in_root(root, path, os.O_PATH)
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        seen.update(f"{os.path.basename(path)}\0".encode("utf-8", "surrogateescape"))
        if stat.S_ISDIR(status.st_mode):
            seen.update(_says(".", status, owners=owners))
            for found in walk(root, path, hidden):
                seen.update(_says(found.inner, found.status, owners=owners))
                seen.update(_content(found.fd, found.name, found.status))
            continue
        seen.update(_says("", status, owners=owners))
        if stat.S_ISREG(status.st_mode):
            opened = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                seen.update(_hash(opened))
            finally:
                os.close(opened)
    return seen.hexdigest()


def _says(inner: str, status: os.stat_result, *, owners: bool) -> bytes:
    owner = f"{status.st_uid}:{status.st_gid}" if owners else ""
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    text = f"{inner}\0{status.st_mode:o} {owner} {status.st_rdev} {size}\0"
    return text.encode("utf-8", "surrogateescape")


def _content(fd: int, name: str, status: os.stat_result) -> bytes:
    if stat.S_ISLNK(status.st_mode):
        return os.fsencode(os.readlink(name, dir_fd=fd))
    if not stat.S_ISREG(status.st_mode):
        return b""
    opened = os.open(name, _FILE, dir_fd=fd)
    try:
        return _hash(opened)
    finally:
        os.close(opened)


def _hash(fd: int) -> bytes:
    seen = hashlib.sha256()
    while data := os.read(fd, _CHUNK):
        seen.update(data)
    return seen.digest()
