"""The C library and the raw system calls that it does not wrap, with one way to fail.

``check`` turns a result below zero into ``OSError`` with the name of the call, its errno and its
path. ``raw`` makes the ``char *`` of a path: a NUL inside would silently cut it, so it is refused.
"""

import errno
import posix
import sys

from toolkit.linux.native import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

# Calls from 424 on have one number everywhere; the older ones differ by machine.
_X86_64 = {
    "pivot_root": 155,
    "capget": 125,
    "capset": 126,
    "keyctl": 250,
    "ioprio_set": 251,
    "sched_setattr": 314,
    "seccomp": 317,
    "bpf": 321,
    "execveat": 322,
}
_GENERIC = {
    "pivot_root": 41,
    "capget": 90,
    "capset": 91,
    "keyctl": 219,
    "ioprio_set": 30,
    "sched_setattr": 274,
    "seccomp": 277,
    "bpf": 280,
    "execveat": 281,
}
_BY_MACHINE = {"x86_64": _X86_64, "aarch64": _GENERIC, "riscv64": _GENERIC, "loongarch64": _GENERIC}
_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_open": 434,
    "clone3": 435,
    "close_range": 436,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
NUMBERS: dict[str, int] = {**_EVERYWHERE, **_BY_MACHINE.get(posix.uname().machine, {})}

_ENCODING = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
_syscall = libc.syscall
_syscall.restype = ctypes.c_long


def fsencode(path: "StrPath") -> bytes:
    """As ``os`` has it; that module is not there yet when a start begins."""
    name = posix.fspath(path)
    return name.encode(*_ENCODING) if isinstance(name, str) else name


def fsdecode(path: "StrPath") -> str:
    """As ``os`` has it."""
    name = posix.fspath(path)
    return name.decode(*_ENCODING) if isinstance(name, bytes) else name


def raw(path: "StrPath | None", call: str) -> "bytes | None":
    """``path`` as the bytes of a C string; ``None`` stays NULL."""
    if path is None:
        return None
    data = fsencode(path)
    if b"\0" in data:
        raise OSError(errno.EINVAL, f"{call}: a NUL byte in the path", fsdecode(data))
    return data


def check(call: str, result: int, path: "StrPath | None" = None) -> int:
    """``result``, or the ``OSError`` that it stands for."""
    if result >= 0:
        return result
    code = ctypes.get_errno()
    name = None if path is None else fsdecode(path)
    raise OSError(code, f"{call}: {posix.strerror(code)}", name)


def name_of(kind: type, value: int) -> str:
    """The name that a class of constants has for ``value``, for messages; its digits if none.

    The flags of calls are such classes and no enums: importing ``enum`` takes 5 ms and each of its
    classes half of one, which every container would pay.
    """
    return next((name for name, held in vars(kind).items() if held == value), str(value))


def syscall(call: str, *arguments: "Any", path: "StrPath | None" = None) -> int:
    """Call the kernel by the call's name; ``ENOSYS`` where this machine has no number for it.

    Integers are passed as C longs, so that all 64 bits of a flag arrive.
    """
    number = NUMBERS.get(call)
    if number is None:
        raise OSError(errno.ENOSYS, f"{call}: no number is known on {posix.uname().machine}")
    values = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result: int = _syscall(ctypes.c_long(number), *values)
    return check(call, result, path)
