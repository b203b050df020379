"""What one process does to itself and to others: prctl, capabilities, descriptors, pidfds, exec."""

import os

from toolkit.core.record import record
from toolkit.linux.libc import AT_EMPTY_PATH, check, libc, name_of, raw, syscall
from toolkit.linux.native import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolkit.linux.libc import StrPath

_prctl = libc.prctl
_prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
_sethostname = libc.sethostname
_sethostname.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
_setdomainname = libc.setdomainname
_setdomainname.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
_personality = libc.personality
_personality.argtypes = (ctypes.c_ulong,)

_CAPABILITY_VERSION_3 = 0x20080522


class Prctl:
    """The options of prctl(2) that dockyard uses."""

    SET_PDEATHSIG = 1
    GET_DUMPABLE = 3
    SET_DUMPABLE = 4
    SET_KEEPCAPS = 8
    SET_NAME = 15
    CAPBSET_READ = 23
    CAPBSET_DROP = 24
    GET_SECUREBITS = 27
    SET_SECUREBITS = 28
    SET_CHILD_SUBREAPER = 36
    GET_CHILD_SUBREAPER = 37
    SET_NO_NEW_PRIVS = 38
    GET_NO_NEW_PRIVS = 39
    CAP_AMBIENT = 47


class _Ambient:
    IS_SET = 1
    RAISE = 2
    LOWER = 3
    CLEAR_ALL = 4


class CloseRangeFlag:
    """``flags`` of close_range(2)."""

    NONE = 0
    UNSHARE = 2
    CLOEXEC = 4


@record
class CapabilitySets:
    """Three of a process's capability sets, each a mask with bit n for capability n."""

    effective: int
    permitted: int
    inheritable: int


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def prctl(option: int, arg2: int = 0, arg3: int = 0) -> int:
    """Call prctl(2) with its last two arguments zero."""
    result: int = _prctl(option, arg2, arg3, 0, 0)
    return result if result >= 0 else check(f"prctl {name_of(Prctl, option)}", result)


def set_dumpable(*, on: bool) -> None:
    """Whether others may trace this process and look through its /proc."""
    prctl(Prctl.SET_DUMPABLE, int(on))


def get_dumpable() -> int:
    """0 not dumpable, 1 dumpable, 2 by root only."""
    return prctl(Prctl.GET_DUMPABLE)


def set_no_new_privs() -> None:
    """No exec of this process or its children gains privileges any more; cannot be undone."""
    prctl(Prctl.SET_NO_NEW_PRIVS, 1)


def get_no_new_privs() -> bool:
    """Whether ``set_no_new_privs`` was called here or above."""
    return bool(prctl(Prctl.GET_NO_NEW_PRIVS))


def set_pdeathsig(number: int) -> None:
    """Send signal ``number`` (0: none) to this process when the thread that forked it ends."""
    prctl(Prctl.SET_PDEATHSIG, number)


def set_child_subreaper(*, on: bool = True) -> None:
    """Adopt orphaned descendants."""
    prctl(Prctl.SET_CHILD_SUBREAPER, int(on))


def is_child_subreaper() -> bool:
    """Whether orphaned descendants come to this process."""
    found = ctypes.c_int()
    prctl(Prctl.GET_CHILD_SUBREAPER, ctypes.addressof(found))
    return bool(found.value)


def set_keepcaps(*, on: bool) -> None:
    """Keep the permitted set over the next setuid from root; an exec resets it."""
    prctl(Prctl.SET_KEEPCAPS, int(on))


def set_name(name: str) -> None:
    """The name in ``/proc/self/comm``, cut at 15 bytes."""
    buffer = ctypes.create_string_buffer(os.fsencode(name)[:15])
    prctl(Prctl.SET_NAME, ctypes.addressof(buffer))


def get_securebits() -> int:
    """The securebits of capabilities(7)."""
    return prctl(Prctl.GET_SECUREBITS)


def cap_bset_read(capability: int) -> bool:
    """Whether the bounding set holds it; ``EINVAL`` for a number that the kernel does not know."""
    return bool(prctl(Prctl.CAPBSET_READ, capability))


def cap_bset_drop(capability: int) -> None:
    """Take a capability out of the bounding set, for good."""
    prctl(Prctl.CAPBSET_DROP, capability)


def cap_ambient_raise(capability: int) -> None:
    """Add to the ambient set a capability that is permitted and inheritable."""
    prctl(Prctl.CAP_AMBIENT, _Ambient.RAISE, capability)


def cap_ambient_is_set(capability: int) -> bool:
    """Whether the ambient set holds it."""
    return bool(prctl(Prctl.CAP_AMBIENT, _Ambient.IS_SET, capability))


def cap_ambient_clear() -> None:
    """Empty the ambient set."""
    prctl(Prctl.CAP_AMBIENT, _Ambient.CLEAR_ALL)


def capget(pid: int = 0) -> CapabilitySets:
    """The sets of ``pid`` (0: of this thread)."""
    header = _CapHeader(_CAPABILITY_VERSION_3, pid)
    low_high = (_CapData * 2)()
    syscall("capget", ctypes.byref(header), ctypes.byref(low_high))
    low, high = low_high
    return CapabilitySets(
        effective=low.effective | high.effective << 32,
        permitted=low.permitted | high.permitted << 32,
        inheritable=low.inheritable | high.inheritable << 32,
    )


def capset(sets: CapabilitySets) -> None:
    """Set the three sets of this thread."""
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    masks = (sets.effective, sets.permitted, sets.inheritable)
    low_high = (_CapData * 2)(
        _CapData(*(mask & 0xFFFFFFFF for mask in masks)),
        _CapData(*(mask >> 32 for mask in masks)),
    )
    syscall("capset", ctypes.byref(header), ctypes.byref(low_high))


def set_hostname(name: str) -> None:
    """Name this UTS namespace's host."""
    data = os.fsencode(name)
    check("sethostname", _sethostname(data, len(data)), name)


def set_domainname(name: str) -> None:
    """Name this UTS namespace's NIS domain."""
    data = os.fsencode(name)
    check("setdomainname", _setdomainname(data, len(data)), name)


def set_personality(persona: int) -> int:
    """Set the execution domain and return the one before; 0xffffffff only asks."""
    return check("personality", _personality(persona))


def ioprio_set(kind: int, priority: int) -> None:
    """The I/O class (1 real time, 2 best effort, 3 idle) and priority 0-7 of this process."""
    this_process = 1
    syscall("ioprio_set", this_process, 0, kind << 13 | priority)


def join_session_keyring(name: str | None = None) -> int:
    """Leave the session keyring for a new (or the named) one; its serial number."""
    join = 1  # KEYCTL_JOIN_SESSION_KEYRING
    return syscall("keyctl", join, raw(name, "keyctl"))


def close_range(first: int, last: int = 0x7FFFFFFF, *, flags: int = CloseRangeFlag.NONE) -> None:
    """Close (or mark close-on-exec) the descriptors from ``first`` to ``last``. Kernel 5.9."""
    syscall("close_range", first, last, flags)


def execveat(
    fd: int, argv: "Sequence[StrPath]", env: "Mapping[str, str]", *, path: "StrPath" = ""
) -> None:
    """Become the program behind ``fd`` (or ``path`` below it); returns only by raising.

    A script behind a close-on-exec ``fd`` is ``ENOENT``: its interpreter could not open it.
    """
    call = "execveat"
    arguments = [raw(item, call) for item in argv]
    variables = [os.fsencode(f"{key}={value}") for key, value in env.items()]
    argv_array = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    env_array = (ctypes.c_char_p * (len(variables) + 1))(*variables, None)
    flags = 0 if path else AT_EMPTY_PATH
    shown = path or (argv[0] if argv else "")
    syscall(call, fd, raw(path, call), argv_array, env_array, flags, path=shown)


def pidfd_open(pid: int) -> int:
    """A descriptor that stands for the process; readable when it has ended."""
    return syscall("pidfd_open", pid, 0)


def pidfd_send_signal(pidfd: int, number: int) -> None:
    """Signal the very process, however its number was used again; ``ESRCH`` once it is reaped."""
    syscall("pidfd_send_signal", pidfd, number, None, 0)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A duplicate of a descriptor of another process; close-on-exec."""
    return syscall("pidfd_getfd", pidfd, fd, 0)
