"""Entries of a layer become files below one directory, and nowhere else.

Every parent is opened with openat2 ``RESOLVE_IN_ROOT``, every last name is used with a
descriptor of its parent and is never followed: even without a chroot around it nothing here can
reach outside. Directories get their mode, times and attributes when all is in place, for what is
made inside would change or be hindered by them.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from toolkit.core.errors import InvalidInputError
from toolkit.core.files import remove_tree
from toolkit.images import tar
from toolkit.images.limits import Limits, Policy
from toolkit.images.tar import Entry, TarReader, show
from toolkit.images.whiteouts import PREFIX, Whiteouts
from toolkit.linux.paths import ResolveFlag, openat2

_IN_ROOT = ResolveFlag.IN_ROOT | ResolveFlag.NO_MAGICLINKS
_LITERAL = ResolveFlag.BENEATH | ResolveFlag.NO_SYMLINKS
_PARENT = os.O_PATH | os.O_DIRECTORY
_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_ID = 0xFFFFFFFE  # the kernel takes the next one for "leave it"
_MAX_NOTES = 20
_OPEN_PARENTS = 256
_KEPT_XATTRS = ("user.", "security.capability", "system.posix_acl_")
_ODD_PATHS = {
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its directory is a symbolic link that leads in a circle",
    errno.ENOTDIR: "its directory is a file",
    errno.ENOENT: "its directory is a symbolic link that leads nowhere in the layer",
}
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL)


class Totals(NamedTuple):
    """What a layer held: entries, bytes of file content, and what could not be kept."""

    entries: int
    bytes: int
    notes: tuple[str, ...]


class _Directory(NamedTuple):
    """What a directory gets at the end."""

    mode: int
    uid: int
    gid: int
    mtime_ns: int
    xattrs: tuple[tuple[str, bytes], ...]


class Extractor:
    """Unpacks one layer into ``root_fd``.

    ``lowers`` gives the layers below, topmost first; it is called when all entries are in place.
    """

    def __init__(
        self,
        root_fd: int,
        *,
        lowers: Callable[[], tuple[int, ...]],
        policy: Policy,
        limits: Limits,
    ) -> None:
        self._root = root_fd
        self._settle = lowers
        self._lowers: tuple[int, ...] = ()
        self._policy = policy
        self._limits = limits
        self._whiteouts = Whiteouts(root_fd, policy=policy)
        self._directories: dict[bytes, _Directory | None] = {}  # None: as the layers below have it
        self._parents: dict[bytes, int] = {}
        self._notes: list[str] = []
        self._bytes = 0

    def run(self, reader: TarReader) -> Totals:
        """Unpack all; ``InvalidInputError`` and ``OSError`` name the entry. Wants umask 0."""
        count = 0
        try:
            while entry := reader.next_entry():
                count += 1
                if count > self._limits.entries:
                    raise InvalidInputError(
                        f"the layer has more than {self._limits.entries} entries"
                    )
                self._unpack(entry, reader)
            self._finish()
        finally:
            self._forget_parents()
        return Totals(count, self._bytes, tuple(self._notes))

    def _unpack(self, entry: Entry, reader: TarReader) -> None:
        path = clean(entry.name)
        try:
            self._place(path, entry, reader)
        except OSError as error:
            if error.errno in _ODD_PATHS:
                raise InvalidInputError(
                    f"{show(entry.name[:200])}: {_ODD_PATHS[error.errno]}"
                ) from None
            raise OSError(error.errno, error.strerror, os.fsdecode(entry.name)) from None

    def _place(self, path: bytes, entry: Entry, reader: TarReader) -> None:
        parent, _, name = path.rpartition(b"/")
        if PREFIX in path and self._policy.whiteouts and self._takes_away(parent, name, entry):
            return
        if not (0 <= entry.uid <= _MAX_ID and 0 <= entry.gid <= _MAX_ID):
            raise InvalidInputError(f"{show(entry.name)}: the owner is no possible user or group")
        if entry.kind == tar.DIRECTORY:
            self._directory(path, entry)
        elif not path:
            raise InvalidInputError("the layer's root is no directory")
        else:
            self._make(self._parent(parent), name, entry, reader)

    def _takes_away(self, parent: bytes, name: bytes, entry: Entry) -> bool:
        """Note a whiteout; whether the entry is one."""
        if any(part.startswith(PREFIX) for part in parent.split(b"/")):
            raise InvalidInputError(f"{show(entry.name)}: lies inside a whiteout")
        if not name.startswith(PREFIX):
            return False
        self._parent(parent)
        self._whiteouts.add(parent, name)
        return True

    def _make(self, parent: int, name: bytes, entry: Entry, reader: TarReader) -> None:
        if entry.kind == tar.FILE:
            self._file(parent, name, entry, reader)
        elif entry.kind == tar.HARDLINK:
            self._hard_link(parent, name, entry)
        elif entry.kind == tar.SYMLINK:
            if not entry.link:
                raise InvalidInputError(f"{show(entry.name)}: a symbolic link to nothing")
            self._fresh(parent, name, lambda: os.symlink(entry.link, name, dir_fd=parent))
            self._attributes(parent, name, entry)
        else:
            self._special(parent, name, entry)

    def _file(self, parent: int, name: bytes, entry: Entry, reader: TarReader) -> None:
        mode = entry.mode
        try:
            fd = os.open(name, _CREATE, mode, dir_fd=parent)
        except FileExistsError:
            self._displace(parent, name)
            fd = os.open(name, _CREATE, mode, dir_fd=parent)
        try:
            self._bytes += reader.stored
            if self._bytes > self._limits.bytes:
                raise InvalidInputError(
                    f"the layer holds more than {self._limits.bytes} bytes",
                    hint="it looks made to fill the disk",
                )
            reader.copy_to(fd, entry.segments)
            if entry.segments is not None:
                os.ftruncate(fd, entry.size)
            if self._policy.owners and (entry.uid or entry.gid):
                os.fchown(fd, entry.uid, entry.gid)
                os.fchmod(fd, mode)  # chown clears the setuid bit
            elif mode & 0o7000:
                os.fchmod(fd, mode)
            if entry.xattrs:
                self._set_xattrs(fd, entry.xattrs)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _hard_link(self, parent: int, name: bytes, entry: Entry) -> None:
        target = clean(entry.link)
        head, _, tail = target.rpartition(b"/")
        if not tail:
            raise InvalidInputError(f"{show(entry.name)}: a hard link to the root")
        try:
            source = openat2(head or b".", _PARENT, dir_fd=self._root, resolve=_IN_ROOT)
        except FileNotFoundError:
            raise _no_target(entry) from None
        try:
            if os.fstat(source).st_ino == os.fstat(parent).st_ino and tail == name:
                return
            os.stat(tail, dir_fd=source, follow_symlinks=False)
            self._fresh(
                parent,
                name,
                lambda: os.link(
                    tail, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False
                ),
            )
        except FileNotFoundError:
            raise _no_target(entry) from None
        finally:
            os.close(source)

    def _special(self, parent: int, name: bytes, entry: Entry) -> None:
        kind = {tar.CHAR: stat.S_IFCHR, tar.BLOCKDEV: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO}
        if entry.kind != tar.FIFO and not self._policy.devices:
            self._note(f"{show(entry.name)}: a device, left out")
            return
        if entry.kind == tar.CHAR and entry.device == 0:
            self._note(f"{show(entry.name)}: device 0:0 means a deleted file here, left out")
            return
        mode = kind[entry.kind] | entry.mode
        self._fresh(parent, name, lambda: os.mknod(name, mode, entry.device, dir_fd=parent))
        self._attributes(parent, name, entry)

    def _attributes(self, parent: int, name: bytes, entry: Entry) -> None:
        """Owner, attributes and times of what cannot be opened."""
        if self._policy.owners and (entry.uid or entry.gid):
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.xattrs:
            os.fchdir(parent)  # lsetxattr(2) takes no descriptor of a directory
            self._set_xattrs(name, entry.xattrs)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _directory(self, path: bytes, entry: Entry) -> None:
        if path:
            head, _, name = path.rpartition(b"/")
            parent = self._parent(head)
            try:
                os.mkdir(name, 0o700, dir_fd=parent)
            except FileExistsError:
                found = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode):
                    self._displace(parent, name)
                    os.mkdir(name, 0o700, dir_fd=parent)
        self._directories[path] = _Directory(
            entry.mode, entry.uid, entry.gid, entry.mtime_ns, entry.xattrs
        )

    def _fresh(self, parent: int, name: bytes, make: Callable[[], None]) -> None:
        """Make something at a name that a former entry may have taken."""
        try:
            make()
        except FileExistsError:
            self._displace(parent, name)
            make()

    def _displace(self, parent: int, name: bytes) -> None:
        """Remove what a former entry of this layer put there."""
        try:
            os.unlink(name, dir_fd=parent)
        except IsADirectoryError:
            remove_tree(name, dir_fd=parent)
        kept = self._parents.copy()  # of these, ``parent`` is still in the caller's hand
        self._parents.clear()
        for path, fd in kept.items():
            if fd == parent:
                self._parents[path] = fd
            else:
                os.close(fd)

    def _parent(self, path: bytes) -> int:
        """An ``O_PATH`` descriptor of the directory ``path``, made where the layer lacks it."""
        fd = self._parents.get(path)
        if fd is not None:
            return fd
        try:
            fd = openat2(path or b".", _PARENT, dir_fd=self._root, resolve=_IN_ROOT)
        except FileNotFoundError:
            fd = self._make_parents(path)
        if len(self._parents) >= _OPEN_PARENTS:
            self._forget_parents()
        self._parents[path] = fd
        return fd

    def _make_parents(self, path: bytes) -> int:
        fd = openat2(b".", _PARENT, dir_fd=self._root, resolve=_IN_ROOT)
        done = b""
        try:
            for name in path.split(b"/"):
                done = done + b"/" + name if done else name
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=fd)
                    self._directories[done] = None
                inner = openat2(done, _PARENT, dir_fd=self._root, resolve=_IN_ROOT)
                os.close(fd)
                fd = inner
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _forget_parents(self) -> None:
        for fd in self._parents.values():
            os.close(fd)
        self._parents.clear()

    def _as_below(self, path: bytes) -> _Directory:
        """How the layers below show a directory that this layer only passes through.

        In an overlay the topmost layer that has a directory decides its mode and owner.
        """
        for lower in self._lowers:
            try:
                fd = openat2(path or b".", _OPEN_DIR, dir_fd=lower, resolve=_LITERAL)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    break
                raise
            try:
                found = os.fstat(fd)
                names = [name for name in os.listxattr(fd) if name.startswith(_KEPT_XATTRS)]
                xattrs = tuple((name, os.getxattr(fd, name)) for name in names)
            finally:
                os.close(fd)
            mode = stat.S_IMODE(found.st_mode)
            return _Directory(mode, found.st_uid, found.st_gid, found.st_mtime_ns, xattrs)
        return _Directory(0o755, 0, 0, 0, ())

    def _finish(self) -> None:
        self._lowers = self._settle()
        self._directories.setdefault(b"", None)
        self._whiteouts.apply(self._lowers)
        for path in sorted(self._directories, reverse=True):  # what is inside comes first
            self._finish_directory(path, self._directories[path] or self._as_below(path))

    def _finish_directory(self, path: bytes, wanted: _Directory) -> None:
        try:
            fd = openat2(path or b".", _OPEN_DIR, dir_fd=self._root, resolve=_IN_ROOT)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return  # a later entry took its place
            raise
        try:
            if self._policy.owners:
                os.fchown(fd, wanted.uid, wanted.gid)
            self._set_xattrs(fd, wanted.xattrs)
            os.fchmod(fd, wanted.mode)
            os.utime(fd, ns=(wanted.mtime_ns, wanted.mtime_ns))
        finally:
            os.close(fd)

    def _set_xattrs(self, target: int | bytes, xattrs: tuple[tuple[str, bytes], ...]) -> None:
        """Set what is kept: never ``trusted.``, with which an archive could steer overlayfs."""
        follow = isinstance(target, int)
        for name, value in xattrs:
            if not name.startswith(_KEPT_XATTRS) or name.startswith("user.overlay."):
                self._note(f"extended attribute {name!r}: not kept")
                continue
            try:
                os.setxattr(target, name, value, follow_symlinks=follow)
            except PermissionError:
                if self._policy.owners and not name.startswith("user."):
                    raise
                self._note(f"extended attribute {name!r}: not permitted, left out")
            except OSError as error:
                if error.errno not in _UNSUPPORTED or name == "security.capability":
                    raise
                self._note(f"extended attribute {name!r}: not supported here, left out")

    def _note(self, text: str) -> None:
        if len(self._notes) < _MAX_NOTES and text not in self._notes:
            self._notes.append(text)


def clean(name: bytes) -> bytes:
    """A relative path without ``.``, ``..`` and empty parts; ``b""`` is the root.

    ``InvalidInputError`` for one that climbs out. An absolute one is meant from the root.
    """
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if not parts:
                raise InvalidInputError(f"{show(name)}: the path leads out of the image")
            parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts)


def _no_target(entry: Entry) -> InvalidInputError:
    return InvalidInputError(
        f"{show(entry.name)}: a hard link to {show(entry.link)}, which the layer does not hold"
    )
