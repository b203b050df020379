"""The fork of an init, and the line to it."""

from __future__ import annotations

import os

from toolkit.cgroup.layout import UNIFIED
from toolkit.linux.fork import fork_into
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.runtime import becoming, init, joins, messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from toolkit.cgroup.group import Cgroup
    from toolkit.oci.spec import Spec
    from toolkit.runtime.messages import Socket
    from toolkit.runtime.nursery import Nursery
    from toolkit.runtime.request import StartRequest


class Nest:
    """``pid`` as this process sees it, and our end of the line to the init."""

    def __init__(self, pid: int, link: Socket) -> None:
        self.pid = pid
        self.link = link

    def settle(self) -> None:
        """Wait until ``pid`` is known."""

    def end(self) -> None:
        """Kill the init, if there is one, and reap it."""
        self.settle()
        if self.pid:
            from toolkit.runtime.monitor import end  # noqa: PLC0415 - only a failure needs it

            end(self.pid)

    def welcome(self, request: StartRequest, stdio: tuple[int, int, int]) -> None:
        """Hand over the stdio: the state directory is there."""
        if joins.has_user(request.spec):
            from toolkit.runtime.usernest import give_stdio  # noqa: PLC0415 - few have one

            give_stdio(self.pid, request.spec.process, stdio)
        self.tell(b'{"stdio":true}', stdio)

    def admit(
        self, request: StartRequest, group: Cgroup, program: bytes, state: Mapping[str, Any]
    ) -> None:
        """Tell the init its cgroup, which it enters by itself unless it may not, and its filter.

        ``state`` is the container's, for a listener to the filter.
        """
        if joins.has_user(request.spec) and any(name != UNIFIED for name in group.paths):
            group.join(self.pid)
        told = {"cgroup": group.paths, "filter": program.hex()}
        fds = becoming.beside_filter(told, request.spec.linux.seccomp if program else None, state)
        try:
            self.tell(messages.encode(told).encode(), tuple(fds))
        finally:
            for fd in fds:
                os.close(fd)

    def tell(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        """Say something to the init, which may have failed already: that is heard otherwise."""
        try:
            messages.send_bytes(self.link, data, fds)
        except (BrokenPipeError, ConnectionResetError):
            return


class Ordered(Nest):
    """A nest that the nursery makes while this process goes on.

    Where it cannot, this process does, and says again what it had said.
    """

    def __init__(self, nursery: Nursery, link: Socket, instead: Callable[[], Nest]) -> None:
        super().__init__(0, link)
        self._nursery: Nursery | None = nursery
        self._instead = instead
        self._said: list[tuple[bytes, tuple[int, ...]]] = []

    def settle(self) -> None:
        """Wait for the init's birth."""
        nursery, self._nursery = self._nursery, None
        if nursery is None:
            return
        self.pid = nursery.answer()
        if self.pid:
            return
        self.link.close()
        other = self._instead()
        self.pid, self.link = other.pid, other.link
        for data, fds in self._said:
            self.tell(data, fds)

    def tell(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        """Say something to the init, born or not."""
        if self._nursery is not None:
            self._said.append((data, fds))
        super().tell(data, fds)


def order(nursery: Nursery, data: bytes, known: init.Hatchling, cgroup_fd: int = -1) -> Nest:
    """A nest that the nursery makes; ``cgroup_fd`` stays open until it is settled."""
    ours, theirs = messages.pair()
    try:
        nursery.ask(data, theirs, cgroup_fd)
    except OSError:
        ours.close()
        return hatch(known, cgroup_fd)
    finally:
        theirs.close()
    return Ordered(nursery, ours, lambda: hatch(known, cgroup_fd))


def hatch(known: init.Hatchling, cgroup_fd: int = -1) -> Nest:
    """A nest for one who knows its request from the fork on."""
    assert known.request is not None
    if joins.has_user(known.request.spec):
        from toolkit.runtime import usernest  # noqa: PLC0415 - few containers have one

        return Nest(*usernest.hatch(known, cgroup_fd))
    return _fork(known.request.spec, known, cgroup_fd if cgroup_fd >= 0 else None)


def _fork(spec: Spec, hatchling: init.Hatchling, cgroup_fd: int | None) -> Nest:
    ours, theirs = messages.pair()
    home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        moved = joins.enter_pid_namespace(spec)
        pid = os.fork() if cgroup_fd is None else fork_into(cgroup_fd)
        if not pid:
            init.run(theirs, hatchling)
        if moved:
            setns(home, NamespaceFlag.PID)  # a terminal's keeper is no child of the container
    finally:
        os.close(home)
        theirs.close()
    return Nest(pid, ours)
