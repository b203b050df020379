"""Copies files into the root of a stage; runs in the confined process only.

The root and, with ``--from``, the source too belong to an enemy: a destination is opened with
openat2 as if the root were ``/``, and below it every name with a descriptor of its directory,
following nothing. Source: Docker's Dockerfile reference, "COPY" and "ADD".
"""

import errno
import os
import stat
from contextlib import suppress
from typing import NamedTuple

from toolkit.building.selecting import Filter, Found, walk
from toolkit.core.errors import InvalidInputError
from toolkit.linux.paths import open_in_root

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_XATTRS = ("user.", "security.capability", "system.posix_acl_")
_CHUNK = 1 << 20


class Manner(NamedTuple):
    """How files arrive: their owner (None keeps it), their mode (None keeps it)."""

    owner: tuple[int, int] | None
    mode: int | None


def make_directories(root: int, path: str, *, owner: tuple[int, int], mode: int = 0o755) -> int:
    """The directory ``path`` in the root, with what lacks above it; an open descriptor of it."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    done = ""
    fd = open_in_root(root, ".", flags)
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        done = f"{done}/{part}"
        try:
            inner = open_in_root(root, done, flags)
        except FileNotFoundError:
            inner = _make_directory(root, fd, done, owner=owner, mode=mode)
        except NotADirectoryError:
            raise InvalidInputError(f"'{done}' in the image is a file, no directory") from None
        finally:
            os.close(fd)
        fd = inner
    return fd


def _make_directory(root: int, parent: int, path: str, *, owner: tuple[int, int], mode: int) -> int:
    name = os.path.basename(path)
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        raise InvalidInputError(f"'{path}' in the image is a link that leads nowhere") from None
    if name != "..":
        os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)
    return open_in_root(root, path, os.O_RDONLY | os.O_DIRECTORY)


class Copier:
    """Copies from one source root into one destination root."""

    def __init__(self, source: int, root: int, *, hidden: Filter, manner: Manner) -> None:
        self._source = source
        self._root = root
        self._hidden = hidden
        self._manner = manner
        self._links: dict[tuple[int, int], str] = {}
        self._top = -1

    def copy(self, path: str, destination: str) -> bool:
        """Copy a file to the path, or into the directory, ``destination``; a directory's content
        into the directory ``destination``. One that ends in ``/`` is a directory.

        Whether the source is a directory.
        """
        fd = open_in_root(self._source, path, os.O_PATH)
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        if stat.S_ISDIR(status.st_mode):
            self._directory(path, status, destination)
            return True
        folder, name = os.path.split(destination)
        if not name or self._is_directory(destination):
            folder, name = destination, os.path.basename(path)
        target = make_directories(self._root, folder, owner=self._owner(status))
        parent = -1
        try:
            # The path may end in a link, which is followed inside the source.
            parent = open_in_root(self._source, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
            if not stat.S_ISREG(status.st_mode):
                raise InvalidInputError(f"'{path}' is no file that can be copied")
            self._content(parent, target, name, status)
        finally:
            os.close(target)
            if parent >= 0:
                os.close(parent)
        return False

    def _is_directory(self, path: str) -> bool:
        try:
            os.close(open_in_root(self._root, path, os.O_PATH | os.O_DIRECTORY))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _directory(self, path: str, status: os.stat_result, destination: str) -> None:
        top = make_directories(self._root, destination, owner=self._owner(status))
        opened: dict[str, int] = {"": top}
        self._links.clear()
        self._top = top
        entered: list[tuple[int, Found]] = []
        try:
            for found in walk(self._source, path, self._hidden):
                above, _, name = found.inner.rpartition("/")
                self._leave(opened, above)
                if stat.S_ISDIR(found.status.st_mode):
                    fd = self._enter(opened[above], name, found)
                    opened[found.inner] = fd
                    entered.append((os.dup(fd), found))
                else:
                    self._entry(opened[above], name, found)
            for fd, found in reversed(entered):
                _times(fd, found.status)
        finally:
            for fd in (*opened.values(), *(fd for fd, _ in entered)):
                os.close(fd)

    def _leave(self, opened: dict[str, int], above: str) -> None:
        """Close the directories that the walk has left: all that do not lead to ``above``."""
        for inner in [one for one in opened if one and not f"{above}/".startswith(f"{one}/")]:
            os.close(opened.pop(inner))

    def _enter(self, parent: int, name: str, found: Found) -> int:
        """Make or find a directory of the destination, and give it the source's mode."""
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
        try:
            fd = os.open(name, _DIRECTORY, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise InvalidInputError(
                    f"'{found.inner}' is a directory, and no directory in the image"
                ) from None
            raise
        os.fchown(fd, *self._owner(found.status))
        os.fchmod(fd, self._mode(found.status))
        _copy_xattrs(f"/proc/self/fd/{found.fd}/{found.name}", fd)
        return fd

    def _entry(self, parent: int, name: str, found: Found) -> None:
        kind = stat.S_IFMT(found.status.st_mode)
        if kind == stat.S_IFSOCK:
            return
        if kind == stat.S_IFREG:
            self._file(parent, name, found)
            return
        _clear(parent, name)
        if kind == stat.S_IFLNK:
            os.symlink(os.readlink(found.name, dir_fd=found.fd), name, dir_fd=parent)
        else:
            mode = kind | stat.S_IMODE(found.status.st_mode)
            os.mknod(name, mode, found.status.st_rdev, dir_fd=parent)
        os.chown(name, *self._owner(found.status), dir_fd=parent, follow_symlinks=False)
        times = (found.status.st_mtime_ns, found.status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _file(self, parent: int, name: str, found: Found) -> None:
        fd = os.open(found.name, _READ, dir_fd=found.fd)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return
            key = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and key in self._links:
                self._link(self._links[key], parent, name)
                return
            self._content(fd, parent, name, status)
            self._links[key] = found.inner
        finally:
            os.close(fd)

    def _link(self, first: str, parent: int, name: str) -> None:
        """Another name of a file of this copy; nobody else writes here, so its path still holds."""
        _clear(parent, name)
        os.link(first, name, src_dir_fd=self._top, dst_dir_fd=parent, follow_symlinks=False)

    def _content(self, source: int, parent: int, name: str, status: os.stat_result) -> None:
        _clear(parent, name)
        fd = os.open(name, _MAKE, 0o600, dir_fd=parent)
        try:
            _pour(source, fd)
            os.fchown(fd, *self._owner(status))
            os.fchmod(fd, self._mode(status))  # after fchown, which clears the setuid bit
            _copy_xattrs(source, fd)
            os.utime(fd, ns=(status.st_mtime_ns, status.st_mtime_ns))
        finally:
            os.close(fd)

    def _owner(self, status: os.stat_result) -> tuple[int, int]:
        return self._manner.owner or (status.st_uid, status.st_gid)

    def _mode(self, status: os.stat_result) -> int:
        return stat.S_IMODE(status.st_mode) if self._manner.mode is None else self._manner.mode


def _clear(parent: int, name: str) -> None:
    """Take away what stands at a name; a directory is refused."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        raise InvalidInputError(
            f"'{name}' is a file, and a directory in the image", hint="end the destination in '/'"
        ) from None


def _pour(source: int, target: int) -> None:
    data = os.read(source, _CHUNK)
    if len(data) < _CHUNK:
        os.write(target, data)
        return
    while data:
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]
        data = os.read(source, _CHUNK)


def _copy_xattrs(source: int | str, target: int) -> None:
    try:
        names = [one for one in os.listxattr(source) if one.startswith(_XATTRS)]
        for name in names:
            os.setxattr(target, name, os.getxattr(source, name))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def _times(fd: int, status: os.stat_result) -> None:
    os.utime(fd, ns=(status.st_mtime_ns, status.st_mtime_ns))
