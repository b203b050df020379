"""Installing a system call filter: a classic BPF program, given as bytes (seccomp(2))."""

import errno

from toolkit.linux.libc import syscall
from toolkit.linux.native import ctypes

_SET_MODE_FILTER = 1
_INSTRUCTION = 8  # bytes of a struct sock_filter
MAX_INSTRUCTIONS = 4096


class SeccompFlag:
    """``flags`` of seccomp(2)."""

    NONE = 0
    TSYNC = 0x1
    LOG = 0x2
    SPEC_ALLOW = 0x4
    NEW_LISTENER = 0x8
    TSYNC_ESRCH = 0x10
    WAIT_KILLABLE_RECV = 0x20


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def load(program: bytes, *, flags: int = 0) -> int:
    """Put this thread and its children under ``program`` for good.

    Needs ``no_new_privs`` or CAP_SYS_ADMIN. ``flags`` are ``SeccompFlag``. Returns 0, or the
    listener's descriptor with ``NEW_LISTENER``.
    """
    length, rest = divmod(len(program), _INSTRUCTION)
    if rest or not 0 < length <= MAX_INSTRUCTIONS:
        raise OSError(errno.EINVAL, f"seccomp: {len(program)} bytes are no filter program")
    argument = _Program(length, program)
    return syscall("seccomp", _SET_MODE_FILTER, flags, ctypes.byref(argument))
