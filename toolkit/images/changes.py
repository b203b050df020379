"""What a container wrote: the upper layer of an overlay against the layers below it.

The upper layer belongs to an enemy, and may be written while it is read: every name is opened with
a descriptor of its directory and never followed. Source: overlayfs.rst, "whiteouts and opaque
directories".
"""

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from toolkit.core.errors import ToolkitError

ADDED, CHANGED, DELETED = "A", "C", "D"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPAQUE = "trusted.overlay.opaque"
_MAX_DEPTH = 256
_KEPT_XATTRS = ("user.", "security.capability", "system.posix_acl_")


class Change(NamedTuple):
    """One path that differs.

    ``fd`` is the directory of the upper layer that holds ``name``, open until the next change is
    asked for; ``status`` is that of the upper layer's file, of a deleted one its mark's. ``opaque``
    tells a directory that hides what lay at its place.
    """

    path: bytes
    kind: str
    name: bytes
    fd: int
    status: os.stat_result
    opaque: bool = False


def changes(
    upper: str,
    lowers: tuple[str, ...],
    *,
    stubs: frozenset[bytes] = frozenset(),
    left_out: list[bytes] | None = None,
) -> Iterator[Change]:
    """Every change in order, a directory before what it holds.

    ``lowers`` are the layers below, topmost first. ``stubs`` are places of mounts, relative to the
    root: what was made there only to be mounted over is no change, and goes to ``left_out``. A
    directory is given if itself or something below it differs.
    """
    walk = _Walk(stubs, [] if left_out is None else left_out)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    opened: list[int] = []
    try:
        opened.extend(os.open(path, flags) for path in (upper, *lowers))
        below = tuple(opened[1:])
        yield from walk.inside(b"", opened[0], below, below)
    finally:
        for fd in opened:
            os.close(fd)


def xattrs_at(fd: int) -> tuple[tuple[str, bytes], ...]:
    """The attributes of an open file that belong into a layer."""
    return _kept(fd)


def xattrs_of(directory: int, name: bytes) -> tuple[tuple[str, bytes], ...]:
    """The attributes of an entry that cannot be opened, without following it."""
    return _kept(f"/proc/self/fd/{directory}/{os.fsdecode(name)}")


def _kept(target: int | str) -> tuple[tuple[str, bytes], ...]:
    follow = isinstance(target, int)
    try:
        names = os.listxattr(target, follow_symlinks=follow)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return ()
        raise
    wanted = [one for one in names if one.startswith(_KEPT_XATTRS)]
    return tuple((one, os.getxattr(target, one, follow_symlinks=follow)) for one in wanted)


def is_whiteout(status: os.stat_result) -> bool:
    """Whether it marks a deleted file: a character device 0:0."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


class _Walk:
    def __init__(self, stubs: frozenset[bytes], left_out: list[bytes]) -> None:
        self._stubs = stubs
        self._left_out = left_out
        self._above = {
            b"/".join(parts[:count])
            for parts in (stub.split(b"/") for stub in stubs)
            for count in range(1, len(parts))
        }

    def inside(
        self, path: bytes, fd: int, lowers: tuple[int, ...], were: tuple[int, ...]
    ) -> Iterator[Change]:
        """The changes in one directory of the upper layer.

        ``lowers`` are the directories that it is merged with, ``were`` those that it would be if
        none above it were opaque.
        """
        if path.count(b"/") > _MAX_DEPTH:
            raise ToolkitError(
                f"directories are nested deeper than {_MAX_DEPTH}: '{os.fsdecode(path)[:60]}…'",
                hint="such a tree becomes no layer",
            )
        for name in sorted(_names(fd)):
            inner = path + b"/" + name if path else name
            try:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                continue  # whoever writes there just removed it
            below = _look(lowers, name)
            if inner in self._stubs and below is None:
                self._left_out.append(inner)
                continue
            if is_whiteout(status):
                if below is not None:
                    yield Change(inner, DELETED, name, fd, status)
            elif not stat.S_ISDIR(status.st_mode):
                yield Change(inner, _kind(were, name), name, fd, status)
            else:
                here = Change(inner, _kind(were, name), name, fd, status)
                yield from self._directory(here, below, lowers, were)
        if were != lowers:
            yield from _gone(path, fd, were)

    def _directory(
        self,
        here: Change,
        below: os.stat_result | None,
        lowers: tuple[int, ...],
        were: tuple[int, ...],
    ) -> Iterator[Change]:
        """A directory and what it holds."""
        try:
            fd = os.open(here.name, _DIRECTORY, dir_fd=here.fd)
        except (FileNotFoundError, NotADirectoryError):
            return
        merged: tuple[int, ...] = ()
        before: tuple[int, ...] = ()
        try:
            opaque = _is_opaque(fd)
            hides = below is not None and opaque
            if below is not None and stat.S_ISDIR(below.st_mode) and not opaque:
                merged = _open_all(lowers, here.name)
            here = here._replace(opaque=hides)
            told = hides or not merged or self._differs(fd, here, merged)
            if told and self._is_stub(here, fd, exists=below is not None):
                self._left_out.append(here.path)
                return
            if told:
                yield here
            known = merged
            if hides or were != lowers:
                known = before = _open_all(were, here.name)
            for change in self.inside(here.path, fd, merged, known):
                if not told:
                    told = True
                    yield here
                yield change
        finally:
            for one in (fd, *merged, *before):
                os.close(one)

    def _is_stub(self, here: Change, fd: int, *, exists: bool) -> bool:
        """Whether a directory was made only for the places of mounts below it."""
        if exists or here.path not in self._above:
            return False
        for name in _names(fd):
            inner = here.path + b"/" + name
            if inner in self._stubs:
                continue
            if inner not in self._above:
                return False
            try:
                deeper = os.open(name, _DIRECTORY, dir_fd=fd)
            except OSError:
                return False
            try:
                if not self._is_stub(here._replace(path=inner), deeper, exists=False):
                    return False
            finally:
                os.close(deeper)
        return True

    def _differs(self, fd: int, here: Change, merged: tuple[int, ...]) -> bool:
        """Whether a directory's own mode, owner, time or attributes differ from those below.

        Its time does not count where a place of a mount may have been made in it.
        """
        before, after = os.fstat(merged[0]), here.status
        if (before.st_mode, before.st_uid, before.st_gid) != (
            after.st_mode,
            after.st_uid,
            after.st_gid,
        ):
            return True
        if before.st_mtime_ns != after.st_mtime_ns and not self._holds_stub(here.path, fd):
            return True
        return _kept(fd) != _kept(merged[0])

    def _holds_stub(self, path: bytes, fd: int) -> bool:
        if path not in self._above:
            return False
        places = self._stubs | self._above
        return any((path + b"/" + name) in places for name in _names(fd))


def _gone(path: bytes, fd: int, were: tuple[int, ...]) -> Iterator[Change]:
    """What an opaque directory hides and does not have itself."""
    names = {name for one in were for name in _names(one)}
    for name in sorted(names - set(_names(fd))):
        status = _look(were, name)
        if status is not None:
            yield Change(path + b"/" + name, DELETED, name, fd, status)


def _kind(were: tuple[int, ...], name: bytes) -> str:
    return ADDED if _look(were, name) is None else CHANGED


def _names(fd: int) -> list[bytes]:
    """The names in an open directory."""
    return [os.fsencode(name) for name in os.listdir(fd)]


def _look(lowers: tuple[int, ...], name: bytes) -> os.stat_result | None:
    """What the layers below show at a name; None where it is missing or deleted."""
    for fd in lowers:
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        return None if is_whiteout(status) else status
    return None


def _open_all(lowers: tuple[int, ...], name: bytes) -> tuple[int, ...]:
    """The directories of that name which are merged, topmost first."""
    found: list[int] = []
    try:
        for fd in lowers:
            try:
                one = os.open(name, _DIRECTORY, dir_fd=fd)
            except FileNotFoundError:
                continue
            except NotADirectoryError:
                break
            found.append(one)
            if _is_opaque(one):
                break
    except BaseException:
        for one in found:
            os.close(one)
        raise
    return tuple(found)


def _is_opaque(fd: int) -> bool:
    try:
        return os.getxattr(fd, _OPAQUE) == b"y"
    except OSError:  # none set, or a file system without extended attributes
        return False
