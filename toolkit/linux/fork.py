"""Forking with clone3(2): a child that begins its life in a v2 control group.

Moving a process into a group takes a lock over all processes and waits 7 to 14 ms for a grace
period of RCU; being born there takes none. Everything that ``os.fork`` does for the interpreter is
done here too, and the C library's note of the thread's number, which its own fork would renew, is
renewed by the kernel (CLONE_CHILD_SETTID at the address that it told the kernel at its start).
"""

import errno
import os

from toolkit.linux.libc import NUMBERS, check
from toolkit.linux.native import ctypes

_INTO_CGROUP = 0x200000000
_CHILD_SETTID = 0x01000000
_CHILD_CLEARTID = 0x00200000
_PARENT = 0x00008000
_SIGCHLD = 17
_PR_GET_TID_ADDRESS = 40

# clone3 is Linux 5.3, its cgroup 5.7; a filter above us says EPERM; Debian's and Fedora's kernels
# tell the address, one without CONFIG_CHECKPOINT_RESTORE does not.
_NO_CLONE3 = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG)

_python = ctypes.pythonapi
# Unlike CDLL this keeps the interpreter's lock, as a fork must.
_locked_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _locked_libc.syscall
_syscall.restype = ctypes.c_long
_prctl = _locked_libc.prctl
_prctl.argtypes = (ctypes.c_int, *(ctypes.c_void_p,) * 4)


class _CloneArguments(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "flags",
            "pidfd",
            "child_tid",
            "parent_tid",
            "exit_signal",
            "stack",
            "stack_size",
            "tls",
            "set_tid",
            "set_tid_size",
            "cgroup",
        )
    )


def fork_into(cgroup_fd: int) -> int:
    """Like ``os.fork``; the child is in the v2 group whose directory ``cgroup_fd`` is.

    Where the kernel cannot do it the child is forked and moves itself. For a process with one
    thread.
    """
    address = _thread_id_address()
    if address and "clone3" in NUMBERS:
        try:
            arguments = _CloneArguments(flags=_INTO_CGROUP, exit_signal=_SIGCHLD, cgroup=cgroup_fd)
            return _clone3(arguments, address)
        except OSError as error:
            if error.errno not in _NO_CLONE3:
                raise
    return _fork_and_move(cgroup_fd)


def fork_sibling(cgroup_fd: int = -1) -> int:
    """Like ``os.fork``, but the child is one of this process's own parent, which reaps it.

    It is in the v2 group whose directory ``cgroup_fd`` is, if given. For a process with one
    thread. ``OSError`` where the kernel cannot do it.
    """
    arguments = _CloneArguments(flags=_PARENT)
    if cgroup_fd >= 0:
        arguments.flags |= _INTO_CGROUP
        arguments.cgroup = cgroup_fd
    return _clone3(arguments, _thread_id_address())


def _clone3(arguments: _CloneArguments, thread_id_address: int) -> int:
    if thread_id_address:
        arguments.flags |= _CHILD_SETTID | _CHILD_CLEARTID
        arguments.child_tid = thread_id_address
    size = ctypes.c_long(ctypes.sizeof(arguments))
    number = ctypes.c_long(NUMBERS["clone3"])
    _python.PyOS_BeforeFork()
    pid: int = _syscall(number, ctypes.byref(arguments), size)
    if pid == 0:
        _python.PyOS_AfterFork_Child()
        return 0
    code = ctypes.get_errno()
    _python.PyOS_AfterFork_Parent()
    ctypes.set_errno(code)
    return check("clone3", pid)


def _fork_and_move(cgroup_fd: int) -> int:
    """A child that cannot be moved exits with status 1, for lack of anybody to tell."""
    procs = os.open("cgroup.procs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=cgroup_fd)
    try:
        pid = os.fork()
        if pid == 0:
            try:
                os.write(procs, b"0")
            except OSError:
                os._exit(1)
        return pid
    finally:
        os.close(procs)


def _thread_id_address() -> int:
    address = ctypes.c_void_p()
    if _prctl(_PR_GET_TID_ADDRESS, ctypes.addressof(address), None, None, None) < 0:
        return 0
    return address.value or 0
