"""Namespaces: making, joining and recognising them."""

import fcntl

from toolkit.linux.libc import check, libc
from toolkit.linux.native import ctypes

_unshare = libc.unshare
_unshare.argtypes = (ctypes.c_int,)
_setns = libc.setns
_setns.argtypes = (ctypes.c_int, ctypes.c_int)

_NS_GET_NSTYPE = 0xB703  # ioctl_ns(2)


class NamespaceFlag:
    """The kinds of namespaces, as clone(2), unshare(2) and setns(2) number them."""

    NONE = 0
    TIME = 0x80
    MOUNT = 0x20000
    CGROUP = 0x2000000
    UTS = 0x4000000
    IPC = 0x8000000
    USER = 0x10000000
    PID = 0x20000000
    NETWORK = 0x40000000


BY_OCI_NAME = {
    "user": NamespaceFlag.USER,
    "pid": NamespaceFlag.PID,
    "network": NamespaceFlag.NETWORK,
    "mount": NamespaceFlag.MOUNT,
    "ipc": NamespaceFlag.IPC,
    "uts": NamespaceFlag.UTS,
    "cgroup": NamespaceFlag.CGROUP,
    "time": NamespaceFlag.TIME,
}
"""The names of the runtime specification, in the order in which a process may join them."""

PROC_NAME = {
    NamespaceFlag.USER: "user",
    NamespaceFlag.PID: "pid",
    NamespaceFlag.NETWORK: "net",
    NamespaceFlag.MOUNT: "mnt",
    NamespaceFlag.IPC: "ipc",
    NamespaceFlag.UTS: "uts",
    NamespaceFlag.CGROUP: "cgroup",
    NamespaceFlag.TIME: "time",
}
"""The file below ``/proc/PID/ns``."""


def unshare(flags: int) -> None:
    """Leave the shared namespaces for new ones; PID and TIME apply to children (unshare(2))."""
    check("unshare", _unshare(flags))


def setns(fd: int, flags: int = NamespaceFlag.NONE) -> None:
    """Join the namespace behind ``fd``, or those of a pidfd that ``flags`` names (setns(2))."""
    check("setns", _setns(fd, flags))


def namespace_type(fd: int) -> int:
    """The kind of the namespace behind ``fd``; ``ENOTTY`` where it is none."""
    return fcntl.ioctl(fd, _NS_GET_NSTYPE)
