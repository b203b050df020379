"""Which ids of the host stand behind the ids of a user namespace, and who may say so.

Root writes the maps itself. Anybody else asks newuidmap(1) and newgidmap(1), which know from
``/etc/subuid`` and ``/etc/subgid`` what he may have.
"""

from __future__ import annotations

import _socket
import errno
import os

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.linux.capabilities import NUMBERS
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.process import capget, set_pdeathsig
from toolkit.oci.spec import IdMapping
from toolkit.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Maps = tuple[IdMapping, ...]

_MOST = 340  # extents; user_namespaces(7)
_LAST_ID = 2**32 - 2
_TOOLS = {"uid_map": "newuidmap", "gid_map": "newgidmap"}
_TO_WRITE = 1 << NUMBERS["CAP_SETUID"] | 1 << NUMBERS["CAP_SETGID"]
_SIGKILL = 9


def check(maps: Maps, at: str) -> None:
    """``InvalidInputError`` for what the kernel would refuse without a reason.

    Id 0 must be mapped: a container's first process is it for a while.
    """
    if len(maps) > _MOST:
        raise InvalidInputError(f"{at}: {len(maps)} ranges are more than the {_MOST} of a kernel")
    for index, entry in enumerate(maps):
        last = max(entry.container_id, entry.host_id) + entry.size - 1
        if entry.size < 1 or min(entry.container_id, entry.host_id) < 0 or last > _LAST_ID:
            raise InvalidInputError(
                f"{at}[{index}]: a range of {entry.size} ids from {entry.container_id} "
                f"to {entry.host_id} is none",
                hint=f"ids are 0 to {_LAST_ID}, and a range has one or more",
            )
        for side, name in (("container_id", "containerID"), ("host_id", "hostID")):
            if any(_overlap(entry, other, side) for other in maps[:index]):
                raise InvalidInputError(f"{at}[{index}].{name}: the range overlaps with another")
    if to_host(maps, 0) is None:
        raise InvalidInputError(
            f"{at}: id 0 of the container is not mapped", hint="begin with containerID 0"
        )


def _overlap(one: IdMapping, other: IdMapping, side: str) -> bool:
    first: int = getattr(one, side)
    second: int = getattr(other, side)
    return first < second + other.size and second < first + one.size


def to_host(maps: Maps, inside: int) -> int | None:
    """The host's id behind one of the container's; ``None`` where there is none."""
    for entry in maps:
        if entry.container_id <= inside < entry.container_id + entry.size:
            return entry.host_id + inside - entry.container_id
    return None


def write_maps(pid: int, uids: Maps, gids: Maps) -> None:
    """Give the new user namespace of process ``pid``, as our ``/proc`` numbers it, its maps."""
    for file, maps in (("gid_map", gids), ("uid_map", uids)):
        if capget().effective & _TO_WRITE == _TO_WRITE:
            _write(f"/proc/{pid}/{file}", maps)
        else:
            ask(_TOOLS[file], pid, maps)


def _write(path: str, maps: Maps) -> None:
    lines = "".join(f"{item.container_id} {item.host_id} {item.size}\n" for item in maps)
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, lines.encode())
    except OSError as error:
        raise OSError(error.errno, f"id map: {error.strerror}", path) from None
    finally:
        os.close(fd)


def ask(tool: str, pid: int, maps: Maps) -> None:
    """Have newuidmap(1) or newgidmap(1) write the map."""
    numbers = [
        str(number) for item in maps for number in (item.container_id, item.host_id, item.size)
    ]
    try:
        child = os.posix_spawnp(tool, (tool, str(pid), *numbers), dict(os.environ))
    except FileNotFoundError:
        raise UnsupportedError(
            f"only root and '{tool}' can map ids, and '{tool}' is not installed",
            hint="install the package uidmap (shadow-utils)",
        ) from None
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise UnsupportedError(
            f"'{tool}' refuses the mapping: it ended with status {status}",
            hint="give this user ranges in /etc/subuid and /etc/subgid",
        )


def read_maps(pid: int, file: str) -> Maps:
    """The map of a process's user namespace, ``file`` being ``uid_map`` or ``gid_map``."""
    with open(f"/proc/{pid}/{file}", encoding="ascii") as lines:
        return tuple(
            IdMapping(container_id=inside, host_id=outside, size=size)
            for inside, outside, size in (map(int, line.split()) for line in lines)
        )


def make_namespace(uids: Maps, gids: Maps) -> int:
    """A descriptor of a user namespace with these maps that nobody is in: for idmapped mounts.

    It is made by a child, which hands it over, tells its number in ``/proc``, and ends.
    """
    ours, theirs = messages.pair()
    pid = os.fork()
    if not pid:
        _be_namespace(theirs)
    theirs.close()
    try:
        message, fds = messages.receive(ours)
        if message is None or "error" in message:
            code = errno.EPERM if message is None else int(message["error"])
            raise OSError(code, f"unshare: user namespace: {os.strerror(code)}")
        write_maps(int(message["pid"]), uids, gids)
        return fds.pop()
    finally:
        ours.close()
        os.kill(pid, _SIGKILL)
        os.waitpid(pid, 0)


def _be_namespace(link: _socket.socket) -> NoReturn:
    try:
        set_pdeathsig(_SIGKILL)
        unshare(NamespaceFlag.USER)
        namespace = os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        messages.send(link, {"pid": int(os.readlink("/proc/self"))}, (namespace,))
        messages.receive(link)
    except OSError as error:
        messages.send(link, {"error": error.errno})
    finally:
        os._exit(0)
