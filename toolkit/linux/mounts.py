"""Mounting: mount(2) and umount2(2), pivot_root(2), and the calls that work on descriptors."""

import os

from toolkit.linux.libc import AT_EMPTY_PATH, AT_FDCWD, check, libc, raw, syscall
from toolkit.linux.native import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.linux.libc import StrPath

_mount = libc.mount
_mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_umount2 = libc.umount2
_umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)


class MountFlag:
    """``mountflags`` of mount(2)."""

    NONE = 0
    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    SYNCHRONOUS = 0x10
    REMOUNT = 0x20
    MANDLOCK = 0x40
    DIRSYNC = 0x80
    NOSYMFOLLOW = 0x100
    NOATIME = 0x400
    NODIRATIME = 0x800
    BIND = 0x1000
    MOVE = 0x2000
    REC = 0x4000
    SILENT = 0x8000
    POSIXACL = 0x10000
    UNBINDABLE = 0x20000
    PRIVATE = 0x40000
    SLAVE = 0x80000
    SHARED = 0x100000
    RELATIME = 0x200000
    I_VERSION = 0x800000
    STRICTATIME = 0x1000000
    LAZYTIME = 0x2000000


class UmountFlag:
    """``flags`` of umount2(2)."""

    NONE = 0
    FORCE = 0x1
    DETACH = 0x2
    EXPIRE = 0x4
    NOFOLLOW = 0x8


class MountAttr:
    """``attr_set`` and ``attr_clr`` of mount_setattr(2)."""

    NONE = 0
    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8
    NOATIME = 0x10
    STRICTATIME = 0x20
    ATIME = 0x70  # the mask of the three access time modes; clear it to set one of them
    NODIRATIME = 0x80
    IDMAP = 0x100000
    NOSYMFOLLOW = 0x200000


class OpenTreeFlag:
    """``flags`` of open_tree(2); ``CLOEXEC`` is always set."""

    NONE = 0
    CLONE = 0x1
    SYMLINK_NOFOLLOW = 0x100
    NO_AUTOMOUNT = 0x800
    EMPTY_PATH = AT_EMPTY_PATH
    RECURSIVE = 0x8000
    CLOEXEC = os.O_CLOEXEC


class MoveMountFlag:
    """``flags`` of move_mount(2): ``F`` is where from, ``T`` where to."""

    NONE = 0
    F_SYMLINKS = 0x1
    F_AUTOMOUNTS = 0x2
    F_EMPTY_PATH = 0x4
    T_SYMLINKS = 0x10
    T_AUTOMOUNTS = 0x20
    T_EMPTY_PATH = 0x40
    BENEATH = 0x200


class _MountAttrArgument(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def mount(
    source: "StrPath | None",
    target: "StrPath",
    fstype: str | None = None,
    *,
    flags: int = MountFlag.NONE,
    data: str | None = None,
) -> None:
    """Attach a file system at ``target``, or change what is attached there (mount(2))."""
    args = (raw(source, "mount"), raw(target, "mount"), raw(fstype, "mount"), flags)
    check("mount", _mount(*args, raw(data, "mount")), target)


def umount2(target: "StrPath", *, flags: int = UmountFlag.NONE) -> None:
    """Detach what is attached at ``target`` (umount2(2))."""
    check("umount", _umount2(raw(target, "umount"), flags), target)


umount = umount2


def pivot_root(new_root: "StrPath", put_old: "StrPath") -> None:
    """Make ``new_root`` the root of this mount namespace and hang the old one at ``put_old``.

    ``pivot_root(".", ".")`` stacks the old root over the new one; a lazy umount of "." drops it.
    """
    args = (raw(new_root, "pivot_root"), raw(put_old, "pivot_root"))
    syscall("pivot_root", *args, path=new_root)


def open_tree(path: "StrPath", *, dir_fd: int = AT_FDCWD, flags: int = OpenTreeFlag.NONE) -> int:
    """A descriptor of the mount or, with ``CLONE``, of a detached copy of it."""
    call = "open_tree"
    return syscall(call, dir_fd, raw(path, call), flags | OpenTreeFlag.CLOEXEC, path=path)


def move_mount(
    source: "StrPath",
    target: "StrPath",
    *,
    from_fd: int = AT_FDCWD,
    to_fd: int = AT_FDCWD,
    flags: int = MoveMountFlag.NONE,
) -> None:
    """Attach a mount, detached or not, somewhere else (move_mount(2))."""
    call = "move_mount"
    args = (from_fd, raw(source, call), to_fd, raw(target, call), flags)
    syscall(call, *args, path=target or source)


def attach(tree_fd: int, target_fd: int) -> None:
    """Attach the detached mount ``tree_fd`` over ``target_fd``: no path that could be swapped."""
    flags = MoveMountFlag.F_EMPTY_PATH | MoveMountFlag.T_EMPTY_PATH
    move_mount("", "", from_fd=tree_fd, to_fd=target_fd, flags=flags)


def mount_setattr(
    path: "StrPath",
    *,
    dir_fd: int = AT_FDCWD,
    at_flags: int = 0,
    attr_set: int = MountAttr.NONE,
    attr_clear: int = MountAttr.NONE,
    propagation: int = MountFlag.NONE,
    userns_fd: int = 0,
) -> None:
    """Change attributes of a mount; of the whole tree with ``at_flags=AT_RECURSIVE``.

    An empty ``path`` with ``AT_EMPTY_PATH`` means ``dir_fd`` itself. ``EINVAL`` where ``path`` is
    no mount point. Kernel 5.12.
    """
    call = "mount_setattr"
    attr = _MountAttrArgument(attr_set, attr_clear, propagation, userns_fd)
    size = ctypes.sizeof(attr)
    syscall(call, dir_fd, raw(path, call), at_flags, ctypes.byref(attr), size, path=path)
