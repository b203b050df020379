"""A process that does nothing but fork inits for the launcher, whose children they are.

Each fork makes all memory of the forking process copied on its next write. The launcher writes
much for a start; this process, forked from it when all was imported, writes next to nothing: it
does not even read what it hands on. While nobody asks it makes the next init's network, IPC and UTS
namespaces (half a millisecond), by going there itself. What it cannot do, or not any more, the
launcher does itself.
"""

from __future__ import annotations

import os

from toolkit.linux.fork import fork_sibling
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.linux.process import set_name
from toolkit.runtime import init, joins, messages
from toolkit.runtime.descriptors import keep_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from toolkit.oci.spec import Spec
    from toolkit.runtime.messages import Socket

_MADE = NamespaceFlag.NETWORK | NamespaceFlag.IPC | NamespaceFlag.UTS
_NAMES = ("pid", "network", "ipc", "uts")
_LOST = 125


class Nursery:
    """The launcher's end of the line; the process is forked at once."""

    def __init__(self, *, faults: bool, once: bool = False) -> None:
        self._line, theirs = messages.pair()
        self.pid = os.fork()
        if not self.pid:
            _serve(theirs, faults=faults, once=once)
        theirs.close()

    def fileno(self) -> int:
        """Readable without having been asked: the process is gone."""
        return self._line.fileno()

    def ask(self, data: bytes, link: Socket, cgroup_fd: int = -1) -> None:
        """Ask for an init for this request; ``link`` is its end of the line to its shim.

        It is born in the v2 group ``cgroup_fd``, if there is one.
        """
        beside = (link.fileno(),) if cgroup_fd < 0 else (link.fileno(), cgroup_fd)
        messages.send_bytes(self._line, data, beside)

    def answer(self) -> int:
        """The pid of the init that was asked for; 0 where there is none."""
        try:
            data, _ = messages.receive_bytes(self._line)
        except OSError:
            return 0  # it was killed
        return int(data or b"0")

    def close(self) -> None:
        """Let it go, and wait until it has gone."""
        self._line.close()
        os.waitpid(self.pid, 0)


def suits(spec: Spec) -> bool:
    """Whether the namespaces that are made beforehand are what ``spec`` asks for."""
    listed = joins.wanted(spec)
    return "user" not in listed and all(listed.get(name) == "" for name in _NAMES)


def _serve(line: Socket, *, faults: bool, once: bool) -> NoReturn:
    try:
        set_name("dockyard-nest")
        keep_only((line.fileno(),))
        home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        while True:
            made = _prepare()
            data, fds = messages.receive_bytes(line)
            if not data:
                break
            pid = _hatch(data, fds, home, made=made, faults=faults)
            messages.send_bytes(line, str(pid).encode())
            if once:
                break
    finally:
        os._exit(_LOST)


def _prepare() -> int:
    """Go into new namespaces for the next init; their flags, none where it cannot be done."""
    try:
        joins.make_namespaces(_MADE)
    except OSError:
        return 0  # the init tries again, and says why
    return _MADE


def _hatch(data: bytes, fds: list[int], home: int, *, made: int, faults: bool) -> int:
    """The pid of the init; 0 where it cannot be born: the launcher tries, and says why."""
    link, group = (*fds, -1)[:2]
    try:
        joins.enter_pid_namespace(None)
        try:
            pid = fork_sibling(group)
            if not pid:
                init.run(messages.from_fd(link), init.Hatchling(faults=faults, raw=data, made=made))
        finally:
            setns(home, NamespaceFlag.PID)
    except Exception:  # noqa: BLE001 - one request's failure is not the next one's
        return 0
    finally:
        for fd in fds:
            os.close(fd)
    return pid
