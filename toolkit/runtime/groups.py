"""The cgroup of a container, as the shim and the cleaning up see it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.runtime.request import StartRequest

_BASE = "/sys/fs/cgroup"
_CPUSET = ("cpuset.cpus", "cpuset.mems")


class Group:
    """The directories of one cgroup, by controller."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.paths = paths

    def remove(self) -> None:
        """Remove them; what is gone already counts as removed."""
        for directory in self.paths.values():
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                continue

    def signal(self, number: int) -> None:
        """Signal every process in it."""
        for directory in tuple(self.paths.values())[:1]:
            with open(f"{directory}/cgroup.procs", encoding="ascii") as file:
                for line in file:
                    os.kill(int(line), number)

    def kill(self) -> None:
        """End every process in it."""
        self.signal(9)

    def oom(self) -> bool:
        """Whether the kernel killed a process of it for want of memory."""
        return False


def prime() -> None:
    """Look at the machine once, before the first request."""


def make(request: StartRequest) -> Group:
    """The cgroup that a request asks for."""
    paths = _paths(request.cgroup)
    for directory in paths.values():
        os.makedirs(directory)
    above = _BASE + "/cpuset" + _own()["cpuset"].rstrip("/")
    for part in request.cgroup.split("/"):
        for name in _CPUSET:
            with open(f"{above}/{name}", encoding="ascii") as file:
                value = file.read()
            with open(f"{above}/{part}/{name}", "w", encoding="ascii") as file:
                file.write(value)
        above = f"{above}/{part}"
    return Group(paths)


def find(path: str) -> Group:
    """The cgroup of that path, as far as it exists."""
    return Group({name: place for name, place in _paths(path).items() if os.path.isdir(place)})


def open_group(paths: Mapping[str, str]) -> Group:
    """The cgroup whose directories are known."""
    return Group(paths)


def _own() -> dict[str, str]:
    with open("/proc/self/cgroup", encoding="ascii") as file:
        lines = [line.strip().split(":", 2) for line in file]
    return {name.removeprefix("name="): path for _, name, path in lines if name}


def _paths(path: str) -> dict[str, str]:
    return {name: f"{_BASE}/{name}{place.rstrip('/')}/{path}" for name, place in _own().items()}
