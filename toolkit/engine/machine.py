"""What the machine adds to a container: its devices, its names, what this process may do."""

import os
import stat

from toolkit.core.errors import InvalidInputError
from toolkit.linux import capabilities
from toolkit.oci.spec import Device

_KINDS = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
_OWN = ("/dev/console", "/dev/ptmx", "/dev/tty")  # every container has its own
_SKIPPED = ("/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd")  # noqa: S108 - names, not files


def own_capabilities() -> tuple[str, ...]:
    """What this process may hand on: its permitted capabilities that are in its bounding set."""
    masks = {}
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("Cap"):
                name, _, value = line.partition(":")
                masks[name] = int(value, 16)
    return capabilities.names(masks["CapPrm"] & masks["CapBnd"])


def host_devices(root: str = "/dev") -> tuple[Device, ...]:
    """The nodes below ``/dev`` that a privileged container gets: all but terminals."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if f"/dev/{name}" not in _SKIPPED]
        for name in files:
            path = f"{folder}/{name}"
            seen = os.lstat(path)
            kind = _KINDS.get(stat.S_IFMT(seen.st_mode))
            if kind and not _is_terminal(path):
                found.append(_device(path, kind, seen))
    return tuple(sorted(found, key=lambda device: device.path))


def _is_terminal(path: str) -> bool:
    return path in _OWN or path.startswith(("/dev/tty", "/dev/vcs"))


def _device(path: str, kind: str, seen: os.stat_result) -> Device:
    return Device(
        path=path,
        type=kind,
        major=os.major(seen.st_rdev),
        minor=os.minor(seen.st_rdev),
        file_mode=stat.S_IMODE(seen.st_mode),
        uid=seen.st_uid,
        gid=seen.st_gid,
    )


def asked_device(source: str, target: str, access: str) -> tuple[tuple[Device, str], ...]:
    """The node at ``source``, or all nodes below that directory, as ``target`` inside."""
    if not os.path.isdir(source):
        return ((_asked(source, target), access),)
    found = []
    for folder, folders, files in os.walk(source):
        folders.sort()
        for name in sorted(files):
            path = f"{folder}/{name}"
            if stat.S_IFMT(os.lstat(path).st_mode) in _KINDS:
                inside = target.rstrip("/") + path.removeprefix(source.rstrip("/"))
                found.append((_asked(path, inside), access))
    return tuple(found)


def _asked(source: str, target: str) -> Device:
    try:
        seen = os.stat(source)
    except OSError as error:
        raise InvalidInputError(f"device '{source}': {error.strerror}") from None
    kind = _KINDS.get(stat.S_IFMT(seen.st_mode))
    if kind is None:
        raise InvalidInputError(f"device '{source}' is no device")
    return _device(target, kind, seen)


def device_number(path: str) -> tuple[int, int]:
    """Major and minor number of a block device."""
    found = _asked(path, path)
    return found.major, found.minor


def is_overlay(path: str) -> bool:
    """Whether a directory lies on an overlay, which cannot hold another one's upper layer."""
    seen = os.stat(path)
    number = f"{os.major(seen.st_dev)}:{os.minor(seen.st_dev)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            fields = line.split()
            if fields[2] == number:
                return fields[fields.index("-") + 1] == "overlay"
    return False


def counts_swap() -> bool:
    """Whether the kernel limits swap: its files are there on v1 at the top, on v2 below it."""
    if os.path.isdir("/sys/fs/cgroup/memory"):
        return os.path.exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
    return os.path.exists("/proc/swaps") and os.path.exists("/sys/fs/cgroup/cgroup.controllers")
