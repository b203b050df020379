"""Opening and making files below a root that an enemy may write: openat2(2), never a joined path.

``RESOLVE_IN_ROOT`` treats ``root_fd`` as ``/``: absolute symbolic links and ``..`` stay inside, and
magic links of procfs are refused. Every function takes a descriptor of the root and a path in it.
"""

import errno
import os
import sys

from toolkit.linux.libc import AT_FDCWD, check, libc, raw, syscall
from toolkit.linux.native import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

PROC = 0x9FA0
"""The type of procfs (statfs(2))."""

_STATFS = 256  # bytes: more than a struct statfs has anywhere
_WORD = 8
_RETRIES = 32  # openat2 answers EAGAIN when a rename raced with a "..", as often as it likes


class ResolveFlag:
    """``resolve`` of openat2(2)."""

    NONE = 0
    NO_XDEV = 0x1
    NO_MAGICLINKS = 0x2
    NO_SYMLINKS = 0x4
    BENEATH = 0x8
    IN_ROOT = 0x10
    CACHED = 0x20


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(
    path: str | bytes,
    flags: int,
    mode: int = 0,
    *,
    dir_fd: int = AT_FDCWD,
    resolve: int = ResolveFlag.NONE,
) -> int:
    """Open ``path`` under rules for its resolution; the descriptor is close-on-exec.

    ``mode`` counts only where ``flags`` may create. Kernel 5.6.
    """
    creates = flags & os.O_CREAT or flags & os.O_TMPFILE == os.O_TMPFILE
    how = _OpenHow(flags | os.O_CLOEXEC, mode if creates else 0, resolve)
    name = raw(path, "openat2")
    for attempt in range(_RETRIES):
        try:
            return syscall(
                "openat2", dir_fd, name, ctypes.byref(how), ctypes.sizeof(how), path=path
            )
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR) or attempt == _RETRIES - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def open_in_root(root_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """Open ``path`` as if ``root_fd`` were ``/``."""
    resolve = ResolveFlag.IN_ROOT | ResolveFlag.NO_MAGICLINKS
    return openat2(path or ".", flags, mode, dir_fd=root_fd, resolve=resolve)


def stat_in_root(root_fd: int, path: str, *, follow: bool = True) -> os.stat_result:
    """The status of ``path``; of a symbolic link itself without ``follow``."""
    flags = os.O_PATH | (0 if follow else os.O_NOFOLLOW)
    fd = open_in_root(root_fd, path, flags)
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def mkdir_in_root(root_fd: int, path: str, mode: int = 0o755) -> int:
    """Make the directory ``path`` and what lacks above it; an ``O_PATH`` descriptor of it.

    Existing symbolic links are followed inside the root; a dangling one is ``ENOENT``.
    """
    flags = os.O_PATH | os.O_DIRECTORY
    try:
        return open_in_root(root_fd, path, flags)
    except FileNotFoundError:
        pass
    done, fd = "", -1
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        parent, done = done, f"{done}/{part}"
        if fd >= 0:
            os.close(fd)
        fd = _open_or_make_dir(root_fd, parent, part, mode)
    return fd if fd >= 0 else open_in_root(root_fd, ".", flags)


def _open_or_make_dir(root_fd: int, parent: str, name: str, mode: int) -> int:
    flags = os.O_PATH | os.O_DIRECTORY
    path = f"{parent}/{name}"
    try:
        return open_in_root(root_fd, path, flags)
    except FileNotFoundError:
        parent_fd = open_in_root(root_fd, parent, flags)
    try:
        os.mkdir(name, mode, dir_fd=parent_fd)
    except FileExistsError:
        pass  # someone else made it, or it is a dangling link: the open decides
    finally:
        os.close(parent_fd)
    return open_in_root(root_fd, path, flags)


def create_in_root(root_fd: int, path: str, mode: int = 0o644) -> int:
    """An ``O_PATH`` descriptor of ``path``; what is missing is made, as an empty file."""
    try:
        return open_in_root(root_fd, path, os.O_PATH)
    except FileNotFoundError:
        parent = os.path.dirname(path.rstrip("/"))
        os.close(mkdir_in_root(root_fd, parent))
    flags = os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
    os.close(open_in_root(root_fd, path, flags, mode))
    return open_in_root(root_fd, path, os.O_PATH)


def in_parent(root_fd: int, path: str, action: "Callable[[int, str], T]") -> "T":
    """``action(parent_fd, name)`` for the entry ``path``, whose parents are made if missing.

    For calls that take a directory descriptor and must not follow the entry itself.
    """
    head, name = os.path.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        raise OSError(errno.EINVAL, "the path names no entry of a directory", path)
    parent_fd = mkdir_in_root(root_fd, head)
    try:
        return action(parent_fd, name)
    finally:
        os.close(parent_fd)


def mknod_in_root(root_fd: int, path: str, mode: int, device: int = 0) -> None:
    """Make a device, fifo or file; ``mode`` holds its type, ``device`` comes from os.makedev."""
    in_parent(root_fd, path, lambda fd, name: os.mknod(name, mode, device, dir_fd=fd))


def symlink_in_root(root_fd: int, target: str, path: str) -> None:
    """Make the symbolic link ``path`` that says ``target``."""
    in_parent(root_fd, path, lambda fd, name: os.symlink(target, name, dir_fd=fd))


def unlink_in_root(root_fd: int, path: str) -> None:
    """Remove the file or link ``path`` itself."""
    in_parent(root_fd, path, lambda fd, name: os.unlink(name, dir_fd=fd))


def filesystem_type(fd: int) -> int:
    """Which kind of file system an open file is of, by the kernel's number (fstatfs(2))."""
    data = ctypes.create_string_buffer(_STATFS)
    check("fstatfs", libc.fstatfs(fd, data))
    return int.from_bytes(data.raw[:_WORD], sys.byteorder)
