"""Descriptors of programs that nobody can write through (the answer to CVE-2019-5736).

Whoever opens ``/proc/PID/exe`` of a process gets the very file that it runs. A process that a
container may look at must therefore run from a file that this container, though it be root, cannot
open for writing: from a read-only mount of its own, or from a sealed copy in memory.
"""

import errno
import posix

from toolkit.linux.libc import AT_EMPTY_PATH, AT_FDCWD, fsdecode, raw, syscall
from toolkit.linux.native import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.linux.libc import StrPath

_F_ADD_SEALS = 1033
_F_SEAL_SEAL = 0x1
_F_SEAL_SHRINK = 0x2
_F_SEAL_GROW = 0x4
_F_SEAL_WRITE = 0x8
_MFD_EXEC = 0x10  # Linux 6.3; older kernels answer EINVAL and allow execution anyway
_COPY = 1 << 24
# toolkit.linux.mounts has these two calls in full; its enums cost 4 ms, and this module is the
# first thing of every start.
_OPEN_TREE_CLONE = 0x1
_MOUNT_ATTR_RDONLY = 0x1
_ATTR_SIZE = 32  # of struct mount_attr: four 64-bit words

# open_tree and mount_setattr came with 5.2 and 5.12; a seccomp filter above us says EPERM.
_NO_CLONE = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP)


def sealed_executable(path: "StrPath") -> int:
    """A close-on-exec descriptor of ``path`` for execveat, through which nothing can be written.

    Symbolic links are followed. ``OSError`` where ``path`` cannot be read at all.
    """
    try:
        return read_only_clone(path)
    except OSError as error:
        if error.errno not in _NO_CLONE:
            raise
    return sealed_copy(path)


def read_only_clone(path: "StrPath") -> int:
    """A detached, read-only mount of the one file ``path``. Needs CAP_SYS_ADMIN."""
    flags = _OPEN_TREE_CLONE | posix.O_CLOEXEC
    fd = syscall("open_tree", AT_FDCWD, raw(path, "open_tree"), flags, path=path)
    try:
        attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY)
        argument = ctypes.byref(attributes)
        syscall("mount_setattr", fd, b"", AT_EMPTY_PATH, argument, _ATTR_SIZE, path=path)
    except BaseException:
        posix.close(fd)
        raise
    return fd


def sealed_copy(path: "StrPath") -> int:
    """A copy of ``path`` in memory that is sealed against writing, growing and shrinking."""
    source = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        target = _memfd(fsdecode(path).rpartition("/")[2])
        try:
            while posix.sendfile(target, source, None, _COPY):
                pass
            from fcntl import fcntl  # noqa: PLC0415 - where nothing can be cloned

            seals = _F_SEAL_SEAL | _F_SEAL_SHRINK | _F_SEAL_GROW | _F_SEAL_WRITE
            fcntl(target, _F_ADD_SEALS, seals)
        except BaseException:
            posix.close(target)
            raise
    finally:
        posix.close(source)
    return target


def _memfd(name: str) -> int:
    flags = posix.MFD_CLOEXEC | posix.MFD_ALLOW_SEALING
    try:
        return posix.memfd_create(name, flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return posix.memfd_create(name, flags)
