"""A file or a tree below a root as a tar, piece by piece: what ``cp`` and ``export`` read.

The root belongs to an enemy, who may change it meanwhile: every directory is opened by its parent
and never through a link, and a file that shrinks is filled up.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from toolkit.core.errors import InvalidInputError
from toolkit.images import tar
from toolkit.images.changes import xattrs_at, xattrs_of
from toolkit.images.tarwriter import END, content, header
from toolkit.linux.paths import open_in_root

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LINKS = 40  # as the kernel follows
_KINDS = {
    stat.S_IFREG: tar.FILE,
    stat.S_IFLNK: tar.SYMLINK,
    stat.S_IFCHR: tar.CHAR,
    stat.S_IFBLK: tar.BLOCKDEV,
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFIFO: tar.FIFO,
}


def resolved(root: int, path: str) -> str:
    """``path`` with a link at its end followed, as far as that leads; what is there need not be."""
    for _ in range(_LINKS):
        head, name = os.path.split(path.rstrip("/"))
        try:
            parent = open_in_root(root, head, os.O_PATH | os.O_DIRECTORY)
        except FileNotFoundError:
            return path
        try:
            target = os.readlink(name or ".", dir_fd=parent)
        except OSError:  # it is none, or is not there
            return path
        finally:
            os.close(parent)
        path = os.path.join(head, target)
    raise InvalidInputError(f"'{path}': too many symbolic links")


def look(root: int, path: str) -> os.stat_result | None:
    """What is at ``path``, a link itself; None where nothing is."""
    try:
        fd = open_in_root(root, path, os.O_PATH | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


class Packer:
    """Packs what lies below ``root``; ``bytes`` counts the content afterwards.

    ``emptied`` are paths of which only the entry is packed, as of a mount; with ``one_mount`` that
    holds for directories of other file systems.
    """

    def __init__(
        self, root: int, *, emptied: frozenset[bytes] = frozenset(), one_mount: bool = False
    ) -> None:
        self._root = root
        self._emptied = emptied
        self._device = os.fstat(root).st_dev if one_mount else None
        self._links: dict[tuple[int, int], bytes] = {}
        self.bytes = 0

    def pack(self, path: str, name: bytes) -> Iterator[bytes]:
        """What is at ``path``, called ``name``; without one what is inside the directory."""
        fd = open_in_root(self._root, path, os.O_PATH | os.O_NOFOLLOW)
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                yield from self._single(path, name)
                return
            if name:
                yield self._header(name, tar.DIRECTORY, os.fstat(fd), xattrs=xattrs_of(fd, b"."))
            inside = os.open(".", _FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        yield from self._inside(inside, name)

    def end(self) -> bytes:
        """The mark behind the last entry."""
        return END

    def _single(self, path: str, name: bytes) -> Iterator[bytes]:
        head, base = os.path.split(path)
        parent = open_in_root(self._root, head, os.O_PATH | os.O_DIRECTORY)
        try:
            yield from self._entry(parent, os.fsencode(base), name)
        finally:
            os.close(parent)

    def _inside(self, fd: int, above: bytes) -> Iterator[bytes]:
        """All that a directory holds; closes it."""
        try:
            for name in sorted(os.fsencode(one) for one in os.listdir(fd)):
                with suppress(FileNotFoundError):  # somebody took it away just now
                    yield from self._entry(fd, name, above + b"/" + name if above else name)
        finally:
            os.close(fd)

    def _entry(self, parent: int, base: bytes, name: bytes) -> Iterator[bytes]:
        status = os.stat(base, dir_fd=parent, follow_symlinks=False)
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind == tar.FILE:
            yield from self._file(parent, base, name)
        elif kind == tar.DIRECTORY:
            yield self._header(name, kind, status, xattrs=xattrs_of(parent, base))
            if not self._is_emptied(name, status):
                yield from self._inside(os.open(base, _FOLDER, dir_fd=parent), name)
        elif kind is not None:  # a socket is nothing without its process
            link = os.readlink(base, dir_fd=parent) if kind == tar.SYMLINK else b""
            yield self._header(name, kind, status, link=link, xattrs=xattrs_of(parent, base))

    def _is_emptied(self, name: bytes, status: os.stat_result) -> bool:
        elsewhere = self._device is not None and status.st_dev != self._device
        return elsewhere or name in self._emptied

    def _file(self, parent: int, base: bytes, name: bytes) -> Iterator[bytes]:
        fd = os.open(base, _FILE, dir_fd=parent)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return  # it was exchanged just now
            key = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and key in self._links:
                yield self._header(name, tar.HARDLINK, status, link=self._links[key])
                return
            self._links[key] = name
            size = 0 if name in self._emptied else status.st_size
            yield self._header(name, tar.FILE, status, size=size, xattrs=xattrs_at(fd))
            self.bytes += size
            yield from content(fd, size)
        finally:
            os.close(fd)

    def _header(
        self,
        name: bytes,
        kind: bytes,
        status: os.stat_result,
        *,
        size: int = 0,
        link: bytes = b"",
        xattrs: tuple[tuple[str, bytes], ...] = (),
    ) -> bytes:
        return header(
            tar.Entry(
                name=name,
                kind=kind,
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                size=size,
                mtime_ns=status.st_mtime_ns,
                link=link,
                device=status.st_rdev,
                xattrs=xattrs,
                segments=None,
            )
        )


class Pieces:
    """A tar that comes piece by piece, as a source for ``TarReader``."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """The next bytes; ``b""`` at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def skip(self, size: int, /) -> None:
        """Read them away."""
        while size:
            data = self.read(size)
            if not data:
                raise tar.truncated()
            size -= len(data)
