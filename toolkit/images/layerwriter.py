"""From the upper layer of an overlay to an image's layer: an OCI layer tar.

Whiteouts, opaque directories, hard links, devices and the attributes that belong into a layer are
kept. Times are cut to the second, as every builder does, and none is later than ``latest``, so that
``SOURCE_DATE_EPOCH`` gives the same layer again (image-spec layer.md).
"""

import os
import stat
from collections.abc import Iterator

from toolkit.core.errors import ToolkitError
from toolkit.core.files import remove_tree
from toolkit.images import tar
from toolkit.images.changes import DELETED, Change, changes, xattrs_at, xattrs_of
from toolkit.images.tarwriter import END, content, header
from toolkit.linux.paths import ResolveFlag, openat2

_NANO = 1_000_000_000
_WHITEOUT, _OPAQUE = b".wh.", b".wh..wh..opq"
_BUFFER = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: tar.FILE,
    stat.S_IFLNK: tar.SYMLINK,
    stat.S_IFCHR: tar.CHAR,
    stat.S_IFBLK: tar.BLOCKDEV,
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFIFO: tar.FIFO,
}


class LayerWriter:
    """Makes the tar of one upper layer; afterwards ``entries``, ``files`` and ``bytes`` tell of it.

    With ``settle`` the upper layer's own times are cut as in the tar, so that it may take the place
    of what would be unpacked from it.
    """

    def __init__(
        self,
        upper: str,
        lowers: tuple[str, ...],
        *,
        stubs: frozenset[bytes] = frozenset(),
        latest: int | None = None,
        settle: bool = False,
    ) -> None:
        self._upper = upper
        self._lowers = lowers
        self._stubs = stubs
        self._latest = None if latest is None else latest * _NANO
        self._settle = settle
        self._links: dict[tuple[int, int], bytes] = {}
        self._left_out: list[bytes] = []
        self.entries = 0
        self.files = 0
        self.bytes = 0

    def chunks(self) -> Iterator[bytes]:
        """The tar, piece by piece; nothing at all where nothing changed."""
        held: list[bytes] = []
        size = 0
        for piece in self._pieces():
            held.append(piece)
            size += len(piece)
            if size >= _BUFFER:
                yield b"".join(held)
                held, size = [], 0
        if self.entries:
            held.append(END)
            yield b"".join(held)

    def tidy(self) -> None:
        """Take out of the upper layer what the tar leaves out; nobody may write there any more."""
        top = os.open(self._upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for path in self._left_out:
                _remove(top, path)
        finally:
            os.close(top)

    def _pieces(self) -> Iterator[bytes]:
        yield from self._root()
        hidden = b""  # the directory whose opaque mark says all that whiteouts in it would
        for change in changes(
            self._upper, self._lowers, stubs=self._stubs, left_out=self._left_out
        ):
            if change.kind == DELETED:
                if not (hidden and change.path.startswith(hidden + b"/")):
                    yield self._whiteout(change)
            else:
                hidden = change.path if change.opaque else hidden
                yield from self._entry(change)

    def _root(self) -> Iterator[bytes]:
        """The root itself, only where its mode or owner is another than below."""
        found = os.stat(self._upper)
        below = os.stat(self._lowers[0]) if self._lowers else None
        was = (below.st_mode, below.st_uid, below.st_gid) if below else (stat.S_IFDIR | 0o755, 0, 0)
        if (found.st_mode, found.st_uid, found.st_gid) != was:
            yield self._header(b"./", tar.DIRECTORY, found)

    def _whiteout(self, change: Change) -> bytes:
        head, slash, name = change.path.rpartition(b"/")
        entry = _plain(head + slash + _WHITEOUT + name, tar.FILE)
        self.entries += 1
        return header(entry)

    def _entry(self, change: Change) -> Iterator[bytes]:
        status = change.status
        kind = _KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:
            return  # a socket: no archive holds one, and nobody listens on it later
        if change.name.startswith(_WHITEOUT):
            raise ToolkitError(
                f"'{os.fsdecode(change.path)}': a layer cannot hold a name that begins with '.wh.'",
                hint="remove or rename it: such names mark deleted files",
            )
        if kind == tar.FILE:
            yield from self._file(change)
        elif kind == tar.DIRECTORY:
            yield from self._directory(change)
        else:
            link = os.readlink(change.name, dir_fd=change.fd) if kind == tar.SYMLINK else b""
            xattrs = xattrs_of(change.fd, change.name)
            yield self._header(change.path, kind, status, link=link, xattrs=xattrs)
            self._cut(change)

    def _directory(self, change: Change) -> Iterator[bytes]:
        xattrs = xattrs_of(change.fd, change.name)
        yield self._header(change.path, tar.DIRECTORY, change.status, xattrs=xattrs)
        if change.opaque:
            self.entries += 1
            yield header(_plain(change.path + b"/" + _OPAQUE, tar.FILE))
        self._cut(change)

    def _file(self, change: Change) -> Iterator[bytes]:
        try:
            fd = os.open(change.name, _READ, dir_fd=change.fd)
        except OSError:
            if _gone(change):
                return  # by whoever writes there
            raise
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return
            self.files += 1
            self.bytes += status.st_size
            key = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and key in self._links:
                yield self._header(change.path, tar.HARDLINK, status, link=self._links[key])
                return
            self._links[key] = change.path
            xattrs = xattrs_at(fd)
            yield self._header(change.path, tar.FILE, status, xattrs=xattrs)
            yield from content(fd, status.st_size)
            self._cut(change)
        finally:
            os.close(fd)

    def _header(
        self,
        path: bytes,
        kind: bytes,
        status: os.stat_result,
        *,
        link: bytes = b"",
        xattrs: tuple[tuple[str, bytes], ...] = (),
    ) -> bytes:
        self.entries += 1
        return header(
            tar.Entry(
                name=path,
                kind=kind,
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                size=status.st_size if kind == tar.FILE else 0,
                mtime_ns=self._time(status),
                link=link,
                device=status.st_rdev,
                xattrs=xattrs,
                segments=None,
            )
        )

    def _time(self, status: os.stat_result) -> int:
        found = status.st_mtime_ns
        if self._latest is not None:
            found = min(found, self._latest)
        return found // _NANO * _NANO

    def _cut(self, change: Change) -> None:
        """Give the file itself the time that the tar has."""
        wanted = self._time(change.status)
        if self._settle and wanted != change.status.st_mtime_ns:
            times = (wanted, wanted)
            os.utime(change.name, ns=times, dir_fd=change.fd, follow_symlinks=False)


def _remove(top: int, path: bytes) -> None:
    """Remove an entry and leave its directory's time as it is."""
    head, _, name = path.rpartition(b"/")
    resolve = ResolveFlag.BENEATH | ResolveFlag.NO_SYMLINKS
    parent = openat2(head or b".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=top, resolve=resolve)
    try:
        before = os.fstat(parent)
        try:
            os.unlink(name, dir_fd=parent)
        except IsADirectoryError:
            remove_tree(name, dir_fd=parent)
        os.utime(parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    finally:
        os.close(parent)


def _gone(change: Change) -> bool:
    try:
        found = os.stat(change.name, dir_fd=change.fd, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return not stat.S_ISREG(found.st_mode)


def _plain(path: bytes, kind: bytes) -> tar.Entry:
    """An empty file of root's, as a mark."""
    return tar.Entry(path, kind, 0, 0, 0, 0, 0, b"", 0, (), None)
