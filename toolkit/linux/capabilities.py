"""The names of capabilities, their numbers and masks of them (capabilities(7), Linux 5.9 on)."""

import os

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
"""A capability's number is its index."""

NUMBERS = {name: number for number, name in enumerate(NAMES)}


def canonical(name: str) -> str:
    """``CAP_NET_ADMIN`` for any of ``net_admin``, ``NET_ADMIN``, ``CAP_net_admin``.

    An unknown name is an ``InvalidInputError`` with the nearest known one.
    """
    upper = name.upper()
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in NUMBERS:
        raise InvalidInputError(f"unknown capability '{name}'", hint=did_you_mean(full, NAMES))
    return full


def mask(names: "Iterable[str]") -> int:
    """The mask with the bit of each name set."""
    return sum({1 << NUMBERS[canonical(name)] for name in names})


def names(mask: int) -> tuple[str, ...]:
    """The names of the bits that are set, by number; bits without a name are left out."""
    return tuple(name for number, name in enumerate(NAMES) if mask >> number & 1)


def last_cap() -> int:
    """The highest capability that the running kernel knows."""
    try:
        fd = os.open("/proc/sys/kernel/cap_last_cap", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return len(NAMES) - 1
    try:
        return int(os.read(fd, 16))
    finally:
        os.close(fd)
