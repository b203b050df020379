"""File systems made on descriptors: fsopen(2), fsconfig(2), fsmount(2), fspick(2).

A file system built this way is attached with ``mounts.attach`` to a descriptor, so no path is
looked up while an enemy may change it. Values are at most 255 bytes: an overlay with many layers
needs mount(2). Kernel 5.2.
"""

import errno
import os

from toolkit.linux.libc import AT_FDCWD, raw, syscall
from toolkit.linux.mounts import MountAttr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.linux.libc import StrPath

_CLOEXEC = 1  # of fsopen, fsmount and fspick alike
_FSPICK_EMPTY_PATH = 0x8


class FsConfig:
    """The commands of fsconfig(2)."""

    SET_FLAG = 0
    SET_STRING = 1
    CREATE = 6
    RECONFIGURE = 7


def fsopen(fstype: str) -> int:
    """A descriptor of a file system of type ``fstype`` that is to be configured."""
    return syscall("fsopen", raw(fstype, "fsopen"), _CLOEXEC, path=fstype)


def fspick(path: "StrPath", *, dir_fd: int = AT_FDCWD) -> int:
    """A descriptor that reconfigures the mounted file system at ``path`` ("": at ``dir_fd``)."""
    flags = _CLOEXEC | (0 if path else _FSPICK_EMPTY_PATH)
    return syscall("fspick", dir_fd, raw(path, "fspick"), flags, path=path)


def fsconfig(fs_fd: int, command: int, key: str | None = None, value: str = "") -> None:
    """One step of configuring; the kernel's own explanation is part of the error."""
    string = raw(value, "fsconfig") if command == FsConfig.SET_STRING else None
    try:
        syscall("fsconfig", fs_fd, command, raw(key, "fsconfig"), string, 0, path=key)
    except OSError as error:
        said = kernel_log(fs_fd)
        if not said:
            raise
        raise OSError(error.errno, f"{error.strerror} ({said})", key) from None


def fsmount(fs_fd: int, *, attributes: int = MountAttr.NONE) -> int:
    """A detached mount of the created file system."""
    return syscall("fsmount", fs_fd, _CLOEXEC, attributes)


def kernel_log(fs_fd: int) -> str:
    """What the kernel noted on the descriptor, in one line; reading it takes it away."""
    lines = []
    try:
        while line := os.read(fs_fd, 1024):
            lines.append(line.decode(errors="replace").strip())
    except OSError as error:
        if error.errno != errno.ENODATA:  # the answer when nothing (more) was noted
            raise
    return "; ".join(line.removeprefix("e ") for line in lines)


def make_mount(
    fstype: str, options: "Mapping[str, str | None]", attributes: int = MountAttr.NONE
) -> int:
    """A detached mount of a new ``fstype``; an option without a value is a flag."""
    fs_fd = fsopen(fstype)
    try:
        for key, value in options.items():
            if value is None:
                fsconfig(fs_fd, FsConfig.SET_FLAG, key)
            else:
                fsconfig(fs_fd, FsConfig.SET_STRING, key, value)
        fsconfig(fs_fd, FsConfig.CREATE)
        return fsmount(fs_fd, attributes=attributes)
    finally:
        os.close(fs_fd)
