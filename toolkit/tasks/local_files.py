"""The real files of this machine: whole-file writes that a crash cannot tear."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from toolkit.facts.machine import Stat
from toolkit.tasks.host import Attributes

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "char",
}
_KERNEL = ("/proc/", "/sys/")  # these have no room for a temporary file, and need none


class LocalFiles:
    """``tasks.host.Files`` over the root file system."""

    def read(self, path: str) -> bytes:
        """The whole content; links are followed."""
        with open(path, "rb") as file:
            return file.read()

    def stat(self, path: str, *, follow: bool = True) -> Stat | None:
        """What lies there; ``None`` where nothing does."""
        try:
            found = os.stat(path, follow_symlinks=follow)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:  # links that lead to each other lead to nothing
                return None
            raise
        return Stat(
            kind=_KINDS[stat.S_IFMT(found.st_mode)],
            mode=stat.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            size=found.st_size,
            mtime=found.st_mtime,
            inode=(found.st_dev, found.st_ino),
            links=found.st_nlink,
            atime=found.st_atime,
            ctime=found.st_ctime,
            device=found.st_rdev,
            blocks=found.st_blocks,
            block_size=found.st_blksize,
        )

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        return tuple(sorted(os.listdir(path)))

    def readlink(self, path: str) -> str:
        """The target of a symbolic link, as written."""
        return os.readlink(path)

    def space(self, path: str) -> tuple[int, int] | None:
        """Bytes of the file system there: all, and what is left for users; ``None`` if unknown."""
        try:
            found = os.statvfs(path)
        except OSError:
            return None  # not ours to look at, or a server that does not answer
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize

    def write(self, path: str, data: bytes, attributes: Attributes) -> None:
        """Make or replace a regular file in one step.

        A file that is a mount point (``/etc/hosts`` inside a container) cannot be replaced, so
        it is written in place.
        """
        if path.startswith(_KERNEL):
            _write_in_place(path, data)
            return
        with _beside(path) as temporary:
            _write_new(temporary, data, attributes)
            if _keep_labels(path, temporary):
                os.chmod(temporary, attributes.mode)  # an access list has set its own
            try:
                os.replace(temporary, path)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                _write_in_place(path, data)
                self.set_attributes(path, attributes)
                os.unlink(temporary)

    def mkdir(self, path: str, attributes: Attributes) -> None:
        """Make one directory."""
        os.mkdir(path, 0o700)
        self.set_attributes(path, attributes)

    def symlink(self, path: str, target: str) -> None:
        """Make or replace a symbolic link in one step."""
        with _beside(path) as temporary:
            os.symlink(target, temporary)
            os.replace(temporary, path)

    def link(self, path: str, target: str) -> None:
        """Make or replace a hard link in one step."""
        with _beside(path) as temporary:
            # link(2) itself does not follow a link, whatever the documentation of os.link says.
            os.link(os.path.realpath(target, strict=True), temporary)
            os.replace(temporary, path)
            if os.path.lexists(temporary):  # rename(2) does nothing between names of one file
                os.unlink(temporary)

    def remove(self, path: str) -> None:
        """Remove a file, a link, or an empty directory."""
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.rmdir(path)
        else:
            os.unlink(path)

    def set_attributes(self, path: str, attributes: Attributes) -> None:
        """Set owners, then the mode, since a change of owner clears the set-user-id bit."""
        now = os.lstat(path)
        if (now.st_uid, now.st_gid) != (attributes.uid, attributes.gid):
            os.lchown(path, attributes.uid, attributes.gid)
        if not stat.S_ISLNK(now.st_mode):
            os.chmod(path, attributes.mode)

    def set_times(self, path: str, *, mtime: float, atime: float) -> None:
        """Set both times, in seconds."""
        os.utime(path, (atime, mtime), follow_symlinks=False)


@contextmanager
def _beside(path: str) -> Iterator[str]:
    """A name for a temporary file in the directory of ``path``; removed if anything fails."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:200]}.{os.getpid()}.new")
    try:
        yield temporary
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise


def _write_new(path: str, data: bytes, attributes: Attributes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        now = os.fstat(fd)
        if (now.st_uid, now.st_gid) != (attributes.uid, attributes.gid):
            os.chown(path, attributes.uid, attributes.gid)  # by path, so that an error names it
        os.fchmod(fd, attributes.mode)
        os.fsync(fd)


def _write_in_place(path: str, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:
        file.write(data)


def _keep_labels(old: str, new: str) -> bool:
    """Hand labels, access lists and the like on to the file that replaces ``old``; were there any?

    File capabilities are left behind: they belonged to the old content, and the kernel drops
    them on a write too. So is what the kernel refuses to set, as inside a container.
    """
    try:
        names = set(os.listxattr(old, follow_symlinks=False)) - {"security.capability"}
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENOTSUP):
            return False
        raise
    for name in names:
        try:
            os.setxattr(new, name, os.getxattr(old, name, follow_symlinks=False))
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENODATA):
                raise
    return bool(names)
