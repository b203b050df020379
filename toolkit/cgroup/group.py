"""The groups of one container: made, joined, limited, measured, stopped, killed and removed.

A path such as ``dockyard/web`` lies below the group that this process is in, for each v1
controller by itself; in v2 below the mount point, since a v2 group with processes can have no
limited groups below it. A path that begins with ``/`` always starts at the mount point.
"""

import errno
import os
import time

from toolkit.cgroup import controllers, cpuset, devices, files, freezer, memory
from toolkit.cgroup.layout import UNIFIED, Hierarchy, Layout
from toolkit.cgroup.limits import UNLIMITED, Limits
from toolkit.cgroup.stats import Stats, oom_kills, read_stats
from toolkit.core.errors import (
    ConflictError,
    InvalidInputError,
    UnavailableError,
    UnsupportedError,
)
from toolkit.core.record import replace
from toolkit.core.undo import Undo
from toolkit.linux.fork import fork_into
from toolkit.linux.signals import Held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolkit.cgroup.controllers import Placed

_MADE_BY_US = "user.dockyard"
_NO_RIGHT = (errno.EROFS, errno.EACCES, errno.EPERM)
_RACES = 16
_SIGKILL = 9
_NO_LIMITS = Limits()
_MOOT = "device rules are left out: in a user namespace no device can be made anyway"


class Cgroup:
    """One group in every hierarchy that limits something; ``paths`` is controller → directory.

    On v2 the one directory stands under ``unified``. ``warnings`` say what could not be enforced.
    """

    def __init__(self, paths: "Mapping[str, str]", *, warnings: tuple[str, ...] = ()) -> None:
        self.paths = dict(paths)
        self.warnings = warnings

    @classmethod
    def create(
        cls, layout: Layout, path: str, limits: Limits = _NO_LIMITS, *, taken: bool = False
    ) -> "Cgroup":
        """Make the groups and set the limits; on any failure what was made is removed.

        A limit whose controller is missing is an ``UnsupportedError``. An empty group that
        stands there already is taken over; one with processes is a ``ConflictError``, unless
        they are the container's own (``taken``: systemd has made it).
        """
        limits.check()
        _check_path(path)
        warnings: tuple[str, ...] = ()
        if limits.devices and devices.are_moot():
            limits, warnings = replace(limits, devices=()), (_MOOT,)
        placed = controllers.placed(layout, limits)
        with Undo() as undo:
            paths: dict[str, str] = {}
            for hierarchy in _hierarchies(layout, placed):
                needed = _needed(hierarchy, placed)
                directory = _make(hierarchy, path, needed, undo, taken=taken)
                paths |= dict.fromkeys(hierarchy.controllers if directory else (), directory)
            for name, (version, steps) in placed.items():
                files.apply(paths[name if version == 1 else UNIFIED], steps)
            if placed.get(devices.NAME, (1,))[0] == 2:
                devices.enforce(paths[UNIFIED], limits.devices)
            undo.pop_all()
        return cls(paths, warnings=warnings)

    @classmethod
    def from_paths(cls, paths: "Mapping[str, str]") -> "Cgroup":
        """The groups that were made before, as their ``paths`` say."""
        return cls(paths)

    @property
    def directories(self) -> tuple[str, ...]:
        """Each directory once: co-mounted controllers share one."""
        return tuple(dict.fromkeys(self.paths.values()))

    def join(self, pid: int) -> None:
        """Move a process in. ``enter`` is much faster for a process that moves itself."""
        for directory in self.directories:
            files.write(directory, "cgroup.procs", str(pid))

    def enter(self) -> None:
        """Move this process, which must have one thread, in."""
        files.enter(self.directories)

    def fork(self) -> int:
        """Like ``os.fork``, with the child in the group; this process must have one thread.

        On v2 it is born there, which spares it the wait that ``enter`` has. What the child raises
        when it cannot enter the v1 groups is raised in the child.
        """
        unified = self.paths.get(UNIFIED)
        if unified is None:
            pid = os.fork()
        else:
            fd = os.open(unified, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                pid = fork_into(fd)
            finally:
                os.close(fd)
        if pid == 0:
            files.enter(directory for directory in self.directories if directory != unified)
        return pid

    def set(self, limits: Limits, layout: Layout) -> None:
        """Change limits of the existing groups.

        A limit of memory and swap alone is with the limit of memory that there is.
        """
        if limits.memory_swap not in (None, UNLIMITED) and limits.memory is None:
            limits = replace(limits, memory=self.stats().memory_limit)
        limits.check()
        if limits.memory_checked:
            self._check_usage(limits.memory)
        for name, (version, steps) in controllers.placed(layout, limits).items():
            directory = self.paths.get(name if version == 1 else UNIFIED)
            if directory is None:
                raise controllers.missing(layout, name, steps[0].limit)
            ordered = memory.in_order(directory, steps) if name == memory.NAME else steps
            files.apply(directory, ordered)

    def _check_usage(self, limit: int | None) -> None:
        """The kernel would kill rather than refuse."""
        used = self.stats().memory_usage
        if limit is not None and used is not None and 0 <= limit < used:
            raise InvalidInputError(
                f"a memory limit of {limit} bytes is below the {used} that are used already"
            )

    def processes(self) -> list[int]:
        """The processes in the group and in groups below it."""
        directory = self._tracking()
        return files.processes(directory) if directory else []

    def stats(self) -> Stats:
        """What the group uses now."""
        return read_stats(self.paths)

    def oom_kills(self) -> int:
        """How many of its processes were killed for want of memory."""
        return oom_kills(self.paths)

    def freeze(self, *, timeout: float = 5) -> None:
        """Stop every process; one that cannot be stopped leaves all of them running."""
        if UNIFIED in self.paths:
            freezer.freeze_v2(self.paths[UNIFIED], timeout=timeout)
        else:
            freezer.freeze_v1(self._freezer(), timeout=timeout)

    def thaw(self) -> None:
        """Let the processes go on."""
        if UNIFIED in self.paths:
            freezer.thaw_v2(self.paths[UNIFIED])
        else:
            freezer.thaw_v1(self._freezer())

    def signal(self, number: int) -> None:
        """Signal every process in the group and below; none escapes a SIGKILL by forking."""
        pids = self.processes()
        if number == _SIGKILL:
            self._kill_once(pids)
        else:
            _signal_each(pids, number)

    def kill(self, *, timeout: float = 10) -> None:
        """End every process in the group and below, new ones included; returns when none is left.

        ``UnavailableError`` where one outlives the time.
        """
        deadline = time.monotonic() + timeout
        pause = 0.0005
        while left := self.processes():
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"processes {', '.join(map(str, left))} cannot be killed",
                    hint="they wait in the kernel for a device or a network file system",
                )
            self._kill_once(left)
            time.sleep(pause)
            pause = min(pause * 2, 0.02)

    def remove(self, *, timeout: float = 5) -> None:
        """Remove the groups; what is gone already is fine.

        A busy one is tried again until ``timeout``; then all others are gone and it is an
        ``OSError``. Groups above that only we made go too when they are empty.
        """
        deadline = time.monotonic() + timeout
        failure = None
        for directory in self.directories:
            try:
                files.rmdir(directory, deadline=deadline)
            except OSError as error:
                failure = failure or error
            else:
                _remove_empty_parents(directory)
        if failure:
            raise failure

    def _tracking(self) -> str:
        """The directory whose list of processes counts."""
        for name in (UNIFIED, "freezer", "pids", "memory"):
            if name in self.paths:
                return self.paths[name]
        return next(iter(self.paths.values()), "")

    def _freezer(self) -> str:
        if "freezer" not in self.paths:
            raise UnsupportedError(
                "the cgroup controller 'freezer' is missing here",
                hint="mount it: mount -t cgroup -o freezer cgroup /sys/fs/cgroup/freezer",
            )
        return self.paths["freezer"]

    def _kill_once(self, pids: list[int]) -> None:
        unified = self.paths.get(UNIFIED)
        if unified and os.path.exists(f"{unified}/cgroup.kill"):
            files.write(unified, "cgroup.kill", "1")
            return
        with Undo() as thawed:
            if unified or "freezer" in self.paths:
                thawed.callback(self.thaw)  # also one that was paused: frozen, it would not die
                pids = self._freeze_and_list(pids)
            _signal_each(pids, _SIGKILL)

    def _freeze_and_list(self, pids: list[int]) -> list[int]:
        """The processes while none can fork; the ones known before, if one will not stop."""
        try:
            self.freeze(timeout=0.1)
        except UnavailableError:
            return pids
        return self.processes()


def _signal_each(pids: "Iterable[int]", number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _hierarchies(layout: Layout, placed: "Placed") -> tuple[Hierarchy, ...]:
    """Those to make a group in: in a hybrid layout v2 only where it alone has a controller."""
    only_there = any(version == 2 for version, _ in placed.values())
    if layout.v2 and (layout.kind == "v2" or only_there):
        return (*layout.v1, layout.v2)
    return layout.v1


def _needed(hierarchy: Hierarchy, placed: "Placed") -> frozenset[str]:
    """The controllers of this hierarchy that a limit asks for."""
    of_version = {name for name, (version, _) in placed.items() if version == hierarchy.version}
    return frozenset(
        of_version if hierarchy.version == 2 else of_version & {*hierarchy.controllers}
    )


def _make(
    hierarchy: Hierarchy, path: str, needed: frozenset[str], undo: Undo, *, taken: bool
) -> str:
    """Make the group; its directory, or ``""`` where we may not and nothing needs it."""
    from_mount = path.startswith("/") or hierarchy.version == 2 or hierarchy.tracks_only
    base = hierarchy.mount if from_mount else hierarchy.own
    try:
        return _make_below(hierarchy, base, path, needed, undo, taken=taken)
    except OSError as error:
        if error.errno not in _NO_RIGHT or needed:
            raise _refused(error, needed) from None
        return ""


def _refused(error: OSError, needed: frozenset[str]) -> Exception:
    if error.errno not in _NO_RIGHT:
        return error
    return UnsupportedError(
        f"no cgroup can be made at '{error.filename}': {error.strerror}",
        hint=f"limits of {', '.join(sorted(needed))} need cgroups that may be written to here",
    )


def _make_below(
    hierarchy: Hierarchy,
    base: str,
    path: str,
    needed: frozenset[str],
    undo: Undo,
    *,
    taken: bool,
) -> str:
    parts = [part for part in path.split("/") if part]
    for attempt in range(_RACES):
        directory = base
        try:
            for depth, part in enumerate(parts, 1):
                if hierarchy.version == 2:
                    ours = directory == hierarchy.own == hierarchy.mount
                    controllers.enable(directory, needed, ours=ours)
                directory = f"{directory}/{part}"
                own = depth == len(parts) and not taken
                _make_one(hierarchy, directory, leaf=own, undo=undo)
        except OSError as error:
            # The container before us removed the group above as we arrived: make it again. A file
            # of it that was open by then says ENODEV.
            gone = error.errno in (errno.ENOENT, errno.ENODEV)
            if not gone or attempt == _RACES - 1 or not os.path.isdir(base):
                raise
        else:
            return directory
    raise AssertionError("the last attempt returns or raises")


def _make_one(hierarchy: Hierarchy, directory: str, *, leaf: bool, undo: Undo) -> None:
    if not _is_new(directory, undo):
        if leaf and files.processes(directory):
            raise ConflictError(
                f"the cgroup '{directory}' has processes of another container",
                hint="choose another name or another cgroup parent",
            )
        if "cpuset" in hierarchy.controllers:
            cpuset.inherit_if_empty(directory)  # who made it may not have come to that yet
        return
    if not leaf:
        _mark(directory)
    if "cpuset" in hierarchy.controllers:
        cpuset.inherit(directory)


def _is_new(directory: str, undo: Undo) -> bool:
    """Make a group, unless it is there; no signal comes between that and the note to undo it."""
    with Held():
        try:
            os.mkdir(directory, 0o755)
        except FileExistsError:
            return False
        undo.callback(_remove_if_empty, directory)
        return True


def _mark(directory: str) -> None:
    """Note that we made it, so that the last container below may remove it."""
    try:
        os.setxattr(directory, _MADE_BY_US, b"1")
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EPERM):  # then it stays, empty
            raise


def _remove_empty_parents(directory: str) -> None:
    parent = os.path.dirname(directory)
    while _is_marked(parent) and _remove_if_empty(parent):
        parent = os.path.dirname(parent)


def _is_marked(directory: str) -> bool:
    try:
        return os.getxattr(directory, _MADE_BY_US) == b"1"
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT):
            raise
        return False


def _remove_if_empty(directory: str) -> bool:
    """Whether the group is gone now; one that others use stays."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
        return False
    return True


def _check_path(path: str) -> None:
    parts = [part for part in path.split("/") if part]
    if not parts or any(part in (".", "..") for part in parts) or "\0" in path:
        raise InvalidInputError(
            f"'{path}' is no path of a cgroup", hint="name it like 'dockyard/web'"
        )
