"""``tmpcopyup``: a new tmpfs begins with a copy of what the image has at that place.

Both sides are reached by descriptor only, and no symbolic link is followed: the image's files may
lead anywhere, and so may not be trusted while they are copied.
"""

from __future__ import annotations

import errno
import os
import stat

_COPY = 1 << 24
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ATTRIBUTES = (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES)


def copy_directory(source: int, target: int) -> None:
    """Copy what is in the directory ``source`` into ``target``, and its owner, mode and times."""
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        _copy(name, source, target)
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    _copy_attributes(source, target)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy(name: str, source: int, target: int) -> None:
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        os.mkdir(name, 0o700, dir_fd=target)
        _both(name, _FOLDER, source, _FOLDER, target)
    elif kind == stat.S_IFREG:
        _both(name, _FILE, source, _NEW, target)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    elif kind != stat.S_IFSOCK:  # a socket that nobody serves is of no use
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target)


def _both(name: str, flags: int, source: int, new_flags: int, target: int) -> None:
    """Open the one, make the other, copy content, owner, mode and times."""
    old = os.open(name, flags, dir_fd=source)
    try:
        new = os.open(name, new_flags, 0o600, dir_fd=target)
        try:
            if stat.S_ISDIR(os.fstat(old).st_mode):
                copy_directory(old, new)
            else:
                _copy_file(old, new)
        finally:
            os.close(new)
    finally:
        os.close(old)


def _copy_file(old: int, new: int) -> None:
    while os.sendfile(new, old, None, _COPY):
        pass
    status = os.fstat(old)
    os.fchown(new, status.st_uid, status.st_gid)
    os.fchmod(new, stat.S_IMODE(status.st_mode))
    _copy_attributes(old, new)
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_attributes(old: int, new: int) -> None:
    """Extended attributes, as far as a tmpfs of this kernel keeps them."""
    for name in os.listxattr(old):
        try:
            os.setxattr(new, name, os.getxattr(old, name))
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTES:
                raise
