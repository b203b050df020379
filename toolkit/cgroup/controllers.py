"""Every controller that turns limits into writes, and what to do where one is missing."""

import errno
import os

from toolkit.cgroup import cpu, cpuset, devices, files, hugetlb, io, memory, pids
from toolkit.cgroup.files import Write
from toolkit.cgroup.layout import Layout
from toolkit.cgroup.limits import Limits
from toolkit.core.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    Placed = Mapping[str, tuple[int, tuple[Write, ...]]]

ALL = (cpuset, cpu, memory, pids, hugetlb, io, devices)
"""In the order of writing: ``devices`` last, since it may forbid the rest to a nested one."""

_FOR_STATISTICS = frozenset({"cpu", "io", "memory", "pids"})
# A group with processes of its own, and one whose processes made it a group of threads.
_CROWDED = (errno.EBUSY, errno.EOPNOTSUPP)
_INIT = "init"
_TRIES = 8

_BUSY_HINT = "processes of the group itself stand in the way: move them into a group below"
_REFUSED_HINT = "the group must be delegated: in a systemd unit with Delegate=yes"
_V1_ONLY = "cgroup v2 has no such controller: leave the limit out"
_HINTS = {
    "net_cls": _V1_ONLY,
    "net_prio": _V1_ONLY,
    "memory": "boot with 'cgroup_enable=memory', or leave the limit out",
}


def writes(limits: Limits, version: int) -> dict[str, tuple[Write, ...]]:
    """Controller → its writes, for those that have any."""
    found = {}
    for controller in (*ALL, *_rare(limits)):
        steps = controller.v1(limits) if version == 1 else controller.v2(limits)
        if steps:
            found[controller.NAME] = steps
    return found


def _rare(limits: Limits) -> "tuple[ModuleType, ...]":
    """Those that nearly nobody asks for, and that no start imports for nothing."""
    if not limits.rdma and limits.net_class is None and not limits.net_priorities:
        return ()
    from toolkit.cgroup import net_cls, net_prio, rdma  # noqa: PLC0415 - as said

    return rdma, net_cls, net_prio


def placed(layout: Layout, limits: Limits) -> "Placed":
    """Controller → the version of the hierarchy that has it and what to write there.

    ``UnsupportedError`` where a limit needs a controller that neither version offers.
    """
    old, new = writes(limits, 1), writes(limits, 2)
    on_v2 = available(layout)
    found: dict[str, tuple[int, tuple[Write, ...]]] = {}
    for name, steps in old.items():
        if layout.find(name):
            found[name] = (1, steps)
        elif _modern(name) in on_v2 or (name == devices.NAME and layout.v2):
            found[_modern(name)] = (2, new.get(name, ()))
        else:
            raise missing(layout, name, steps[0].limit)
    _add_unified(found, limits, on_v2)
    return found


def _modern(name: str) -> str:
    """What v2 calls a controller of v1."""
    return io.V2_NAME if name == io.NAME else name


def _add_unified(
    found: "dict[str, tuple[int, tuple[Write, ...]]]", limits: Limits, on_v2: frozenset[str]
) -> None:
    """v2's own files, after what the other limits write there."""
    for file, value in limits.unified:
        name = file.partition(".")[0]
        if name not in on_v2:
            raise UnsupportedError(
                f"'{file}' needs the cgroup v2 controller '{name}', which is missing here",
                hint="on cgroup v1 name the limit itself: linux.resources.memory and its like",
            )
        _, before = found.get(name, (2, ()))
        found[name] = (2, (*before, Write(file=file, value=value, limit=file)))


def available(layout: Layout) -> frozenset[str]:
    """The controllers of the v2 hierarchy, if there is one."""
    if layout.v2 is None:
        return frozenset()
    return frozenset(files.read_or(layout.v2.mount, "cgroup.controllers", "").split())


def missing(layout: Layout, name: str, limit: str) -> UnsupportedError:
    """The error for a limit whose controller this machine does not offer."""
    hint = _HINTS.get(name, "")
    if layout.kind == "none":
        hint = "no control groups are mounted: mount cgroup2 on /sys/fs/cgroup"
    elif not hint and layout.kind == "v2":
        hint = f"'{name}' is not in cgroup.controllers: enable it in the group above, or boot it"
    elif not hint:
        hint = f"mount it: mount -t cgroup -o {name} cgroup /sys/fs/cgroup/{name}"
    return UnsupportedError(
        f"the limit '{limit}' needs the cgroup controller '{name}', which is missing here",
        hint=hint,
    )


def enable(directory: str, needed: frozenset[str], *, ours: bool = False) -> None:
    """Hand controllers down to the groups below a v2 ``directory``.

    Those that statistics want are tried; for a ``needed`` one a failure is an error. A group with
    processes of its own cannot hand anything down (cgroup-v2.rst, "No Internal Process
    Constraint"). Where it is ``ours``, the root of our cgroup namespace, they move into ``init``.
    """
    there = set(files.read_or(directory, "cgroup.controllers", "").split())
    done = set(files.read_or(directory, "cgroup.subtree_control", "").split())
    wanted = sorted((needed | _FOR_STATISTICS) & there - done)
    error = _write(directory, wanted) if wanted else None
    asked = sorted(needed.intersection(wanted))
    if error and error.errno in _CROWDED:
        # Not one by one: those that can divide a process's threads would be let through, and the
        # group be one of threads, below which no container can live.
        if not asked:
            return
        if ours:
            _move_processes(directory)
            error = _write(directory, wanted)
        if error and error.errno in _CROWDED:
            raise _refused(directory, asked[0], error)
    if error:
        _enable_each(directory, wanted, needed)


def _enable_each(directory: str, wanted: list[str], needed: frozenset[str]) -> None:
    """Enable what can be; one that is refused must not keep the others away."""
    for name in wanted:
        error = _write(directory, [name])
        if error and name in needed:
            raise _refused(directory, name, error)


def _write(directory: str, names: list[str]) -> OSError | None:
    """Enable them; what the kernel says against it."""
    try:
        files.write(directory, "cgroup.subtree_control", " ".join(f"+{name}" for name in names))
    except OSError as error:
        return error
    return None


def _refused(directory: str, name: str, error: OSError) -> UnsupportedError:
    return UnsupportedError(
        f"the cgroup controller '{name}' cannot be enabled in '{directory}': {error.strerror}",
        hint=_BUSY_HINT if error.errno in _CROWDED else _REFUSED_HINT,
    )


def _move_processes(directory: str) -> None:
    """Move every process of the group itself into a group below it.

    New ones may be forked meanwhile, hence the tries. Processes of another pid namespace (0) stay.
    """
    target = f"{directory}/{_INIT}"
    os.makedirs(target, exist_ok=True)
    for _ in range(_TRIES):
        pids = set(files.read(directory, "cgroup.procs").split()) - {"0"}
        if not pids:
            return
        for pid in pids:
            try:
                files.write(target, "cgroup.procs", pid)
            except ProcessLookupError:
                continue
