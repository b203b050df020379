"""Puts the entries of a tar into a directory that exists, and nowhere else: what ``cp`` writes.

The directory may belong to an enemy, and so may the archive: every parent is opened below the
directory and never through a link. A file is written under another name first, so that one that is
cut short replaces nothing.
"""

import os
import stat
from contextlib import suppress

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.images import tar
from toolkit.images.extract import clean
from toolkit.images.tar import Entry, TarReader, show
from toolkit.linux.paths import ResolveFlag, openat2

_BELOW = ResolveFlag.BENEATH | ResolveFlag.NO_SYMLINKS | ResolveFlag.NO_MAGICLINKS
_PARENT = os.O_PATH | os.O_DIRECTORY
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODES = {tar.CHAR: stat.S_IFCHR, tar.BLOCKDEV: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO}
_SET_ID = 0o6000


class Placer:
    """Places entries below the directory ``into``; ``bytes`` counts the content afterwards.

    ``owner`` is who all of it belongs to, None for whom the archive names.
    """

    def __init__(self, into: int, *, owner: tuple[int, int] | None) -> None:
        self._into = into
        self._owner = owner
        self._folders: dict[bytes, Entry] = {}
        self.bytes = 0

    def run(self, reader: TarReader) -> None:
        """Place all that there is; ``OSError`` names the entry."""
        while entry := reader.next_entry():
            path = clean(entry.name)
            try:
                self._place(path, entry, reader)
            except OSError as error:
                name = os.fsdecode(entry.name)
                raise OSError(error.errno, error.strerror, name) from None
        for path in sorted(self._folders, reverse=True):  # what is inside comes first
            self._finish(path, self._folders[path])

    def _place(self, path: bytes, entry: Entry, reader: TarReader) -> None:
        head, _, name = path.rpartition(b"/")
        if not name:
            return  # the directory itself stays as it is
        parent = self._parent(head)
        try:
            if entry.kind == tar.DIRECTORY:
                self._folder(parent, name, path, entry)
                return
            self._check(parent, name, entry)
            beside = b".%s.%s" % (name[:200], os.urandom(6).hex().encode())
            try:
                self._make(parent, beside, entry, reader)
                os.rename(beside, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=parent)
                raise
            with suppress(FileNotFoundError):  # of two links to one file rename(2) moves none
                os.unlink(beside, dir_fd=parent)
        finally:
            os.close(parent)

    def _parent(self, path: bytes) -> int:
        try:
            return openat2(path or b".", _PARENT, dir_fd=self._into, resolve=_BELOW)
        except FileNotFoundError:
            pass
        head, _, name = path.rpartition(b"/")
        above = self._parent(head)
        try:
            os.mkdir(name, 0o755, dir_fd=above)
        finally:
            os.close(above)
        return openat2(path, _PARENT, dir_fd=self._into, resolve=_BELOW)

    def _folder(self, parent: int, name: bytes, path: bytes, entry: Entry) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISDIR(found.st_mode):
                raise ConflictError(
                    f"cannot overwrite non-directory {show(entry.name)} with a directory"
                ) from None
        self._folders[path] = entry

    def _check(self, parent: int, name: bytes, entry: Entry) -> None:
        with suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                raise ConflictError(
                    f"cannot overwrite directory {show(entry.name)} with a non-directory"
                )

    def _make(self, parent: int, name: bytes, entry: Entry, reader: TarReader) -> None:
        if entry.kind == tar.FILE:
            self._file(parent, name, entry, reader)
            return
        if entry.kind == tar.HARDLINK:
            self._link(parent, name, entry)
            return
        if entry.kind == tar.SYMLINK:
            os.symlink(entry.link, name, dir_fd=parent)
        else:
            os.mknod(name, _MODES[entry.kind] | entry.mode, entry.device, dir_fd=parent)
        uid, gid = self._owner_of(entry)
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _file(self, parent: int, name: bytes, entry: Entry, reader: TarReader) -> None:
        fd = os.open(name, _CREATE, 0o600, dir_fd=parent)
        try:
            self.bytes += reader.copy_to(fd, entry.segments)
            if entry.segments is not None:
                os.ftruncate(fd, entry.size)
            self._dress(fd, entry)
        finally:
            os.close(fd)

    def _link(self, parent: int, name: bytes, entry: Entry) -> None:
        head, _, tail = clean(entry.link).rpartition(b"/")
        try:
            source = openat2(head or b".", _PARENT, dir_fd=self._into, resolve=_BELOW)
        except FileNotFoundError:
            raise InvalidInputError(f"{show(entry.name)}: a hard link to nothing") from None
        try:
            os.link(tail, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)

    def _finish(self, path: bytes, entry: Entry) -> None:
        fd = openat2(path, _FOLDER, dir_fd=self._into, resolve=_BELOW)
        try:
            self._dress(fd, entry)
        finally:
            os.close(fd)

    def _dress(self, fd: int, entry: Entry) -> None:
        """Owner, mode, attributes and time; a set-id bit is for the owner that was named."""
        uid, gid = self._owner_of(entry)
        os.fchown(fd, uid, gid)
        kept = (entry.uid, entry.gid) == (uid, gid)
        os.fchmod(fd, entry.mode if kept else entry.mode & ~_SET_ID)
        for name, value in entry.xattrs:
            with suppress(OSError):  # the file system keeps none of these, or this kind not
                os.setxattr(fd, name, value)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))

    def _owner_of(self, entry: Entry) -> tuple[int, int]:
        return self._owner or (entry.uid, entry.gid)
