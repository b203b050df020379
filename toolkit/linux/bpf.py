"""Loading a program into the kernel and attaching it to a control group (bpf(2))."""

import errno
import os

from toolkit.linux.libc import syscall
from toolkit.linux.native import ctypes

_PROG_LOAD = 5
_PROG_ATTACH = 8
_ALLOW_MULTI = 2  # programs of groups above and below run too: all must agree
_INSTRUCTION = 8  # bytes of a struct bpf_insn
_LOG_SIZE = 1 << 16
_LICENSE = b"Apache-2.0"


class ProgramType:
    """``prog_type``, those that dockyard loads."""

    CGROUP_DEVICE = 15


class AttachType:
    """``attach_type``, those that dockyard uses."""

    CGROUP_DEVICE = 6


class _Load(ctypes.Structure):
    _fields_ = (
        ("prog_type", ctypes.c_uint32),
        ("insn_cnt", ctypes.c_uint32),
        ("insns", ctypes.c_uint64),
        ("license", ctypes.c_uint64),
        ("log_level", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_buf", ctypes.c_uint64),
        ("kern_version", ctypes.c_uint32),
        ("prog_flags", ctypes.c_uint32),
        ("prog_name", ctypes.c_char * 16),
    )


class _Attach(ctypes.Structure):
    _fields_ = (
        ("target_fd", ctypes.c_uint32),
        ("attach_bpf_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("attach_flags", ctypes.c_uint32),
    )


def load_program(kind: int, instructions: bytes, *, name: str = "dockyard") -> int:
    """A close-on-exec descriptor of the program; it lives as long as something holds it.

    A program that the verifier refuses is an ``OSError`` with the last line that it said.
    """
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_text = ctypes.create_string_buffer(_LICENSE)
    attributes = _Load(
        prog_type=kind,
        insn_cnt=len(instructions) // _INSTRUCTION,
        insns=ctypes.addressof(code),
        license=ctypes.addressof(license_text),
        prog_name=name.encode()[:15],
    )
    try:
        return _bpf(_PROG_LOAD, attributes)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EACCES):
            raise
    log = ctypes.create_string_buffer(_LOG_SIZE)
    attributes.log_level, attributes.log_size = 1, _LOG_SIZE
    attributes.log_buf = ctypes.addressof(log)
    try:
        return _bpf(_PROG_LOAD, attributes)
    except OSError as error:
        said = log.value.decode(errors="replace").strip().splitlines()
        raise OSError(error.errno, f"{error.strerror} ({said[-1] if said else ''})") from None


def attach_program(directory: str, program_fd: int, kind: int) -> None:
    """Run the program for every process in a v2 group or below; from then on the group holds it."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        attributes = _Attach(
            target_fd=fd, attach_bpf_fd=program_fd, attach_type=kind, attach_flags=_ALLOW_MULTI
        )
        _bpf(_PROG_ATTACH, attributes, directory)
    finally:
        os.close(fd)


def _bpf(command: int, attributes: ctypes.Structure, path: str | None = None) -> int:
    size = ctypes.sizeof(attributes)
    return syscall("bpf", command, ctypes.byref(attributes), size, path=path)
