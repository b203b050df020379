"""Which processors and memory nodes a group may use."""

import os

from toolkit.cgroup import files
from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import Limits

NAME = "cpuset"
_MOST = 1 << 13  # CPUs that Linux can have


def v1(limits: Limits) -> tuple[Write, ...]:
    """The same files in both versions."""
    return v2(limits)


def v2(limits: Limits) -> tuple[Write, ...]:
    """Lists as in ``0-2,7``."""
    steps = []
    if limits.cpuset_cpus:
        steps.append(Write(file="cpuset.cpus", value=limits.cpuset_cpus, limit="cpuset-cpus"))
    if limits.cpuset_mems:
        steps.append(Write(file="cpuset.mems", value=limits.cpuset_mems, limit="cpuset-mems"))
    return tuple(steps)


def members(listed: str) -> set[int]:
    """The numbers of a list; ``ValueError`` where it is none."""
    found: set[int] = set()
    for part in listed.replace(" ", "").split(",") if listed.strip() else ():
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not first.isdecimal() or not last.isdecimal() or int(last) >= _MOST:
            raise ValueError(listed)
        found |= set(range(int(first), int(last) + 1))
    return found


def inherit_if_empty(directory: str) -> None:
    """``inherit`` for a v1 group that another process may just have made."""
    if not files.read_or(directory, "cpuset.mems", "gone").strip():
        inherit(directory)


def inherit(directory: str) -> None:
    """Give a new v1 group what its parent has: it starts empty, and an empty one takes nobody."""
    parent = os.path.dirname(directory)
    for name in ("cpuset.cpus", "cpuset.mems"):
        files.write(directory, name, files.read(parent, name).strip())
