"""Which control group hierarchies this machine has, found by looking and by nothing else."""

from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNIFIED = "unified"
"""Stands for the v2 hierarchy where v1 has the name of a controller."""

_NAMED = "name="


@record
class Hierarchy:
    """One mounted hierarchy.

    ``controllers`` are the v1 controllers, or ``name=systemd`` and its like; ``("unified",)`` for
    v2, whose controllers stand in its files. ``mount`` is the mount point, ``own`` the directory of
    the group that this process is in.
    """

    controllers: tuple[str, ...]
    mount: str
    own: str
    version: int

    @property
    def tracks_only(self) -> bool:
        """A named v1 hierarchy: it holds processes and limits nothing."""
        return self.controllers[0].startswith(_NAMED)


@record
class Layout:
    """``kind`` is ``v1``, ``hybrid`` (v1 controllers beside an own v2 tree), ``v2`` or ``none``."""

    kind: str
    v1: tuple[Hierarchy, ...] = ()
    v2: Hierarchy | None = None

    @classmethod
    def detect(cls, mountinfo: str, self_cgroup: str) -> "Layout":
        """The layout that the texts of /proc/self/mountinfo and /proc/self/cgroup describe.

        A mount that a later one hides does not count; of several visible mounts of one hierarchy
        the first does.
        """
        own = dict(_own_groups(self_cgroup))
        v1: dict[tuple[str, ...], Hierarchy] = {}
        v2: Hierarchy | None = None
        for entry in _visible(_mounts(mountinfo)):
            if entry.fstype == "cgroup2" and v2 is None:
                v2 = _hierarchy(entry, (UNIFIED,), own.get("", "/"))
            elif entry.fstype == "cgroup":
                controllers = _controllers(entry, own)
                if controllers and controllers not in v1:
                    path = own[",".join(controllers)]
                    v1[controllers] = _hierarchy(entry, controllers, path)
        limiting = any(not hierarchy.tracks_only for hierarchy in v1.values())
        return cls(kind=_kind(limiting, v2), v1=tuple(v1.values()), v2=v2)

    @classmethod
    def of_host(cls) -> "Layout":
        """The layout that this process sees now."""
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            mountinfo = file.read()
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            return cls.detect(mountinfo, file.read())

    def find(self, controller: str) -> Hierarchy | None:
        """The v1 hierarchy of a controller."""
        for hierarchy in self.v1:
            if controller in hierarchy.controllers:
                return hierarchy
        return None


@record
class _Mount:
    id: str
    parent: str
    root: str
    point: str
    fstype: str
    options: tuple[str, ...]


def _kind(limiting: bool, v2: Hierarchy | None) -> str:
    if v2 is None:
        return "v1" if limiting else "none"
    return "hybrid" if limiting else "v2"


def _own_groups(self_cgroup: str) -> "Iterator[tuple[str, str]]":
    """Controllers (``""`` for v2) and path; each line is ``number:controllers:path``."""
    for line in self_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        yield controllers, path


def _controllers(entry: _Mount, own: dict[str, str]) -> tuple[str, ...]:
    """The controllers of a v1 mount as /proc/self/cgroup spells them; ``()`` where it has none."""
    for spelled in own:
        names = spelled.split(",")
        if names != [""] and all(name in entry.options for name in names):
            return tuple(names)
    return ()


def _hierarchy(entry: _Mount, controllers: tuple[str, ...], path: str) -> Hierarchy:
    version = 2 if controllers == (UNIFIED,) else 1
    own = entry.point + _below(path, entry.root)
    return Hierarchy(controllers=controllers, mount=entry.point, own=own, version=version)


def _below(path: str, root: str) -> str:
    """What is left of ``path`` under ``root``: ``""`` or ``/…``.

    Where only a part of the hierarchy is mounted and this process is not in that part, or a cgroup
    namespace shows another part (``/../…``), the mounted part stands for our own group.
    """
    root = root.rstrip("/")
    inside = path == root or path.startswith(f"{root}/")
    return path[len(root) :].rstrip("/") if inside and "/.." not in path else ""


def _mounts(mountinfo: str) -> "list[_Mount]":
    """The lines of proc_pid_mountinfo(5)."""
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        identity, parent, _, root, point, *_ = left.split(" ")
        fstype, _, options = (*right.split(" "), "", "")[:3]
        found.append(
            _Mount(
                id=identity,
                parent=parent,
                root=unescape(root),
                point=unescape(point),
                fstype=fstype,
                options=tuple(options.split(",")),
            )
        )
    return found


def unescape(text: str) -> str:
    """A path of mountinfo as it is: undo ``\\040`` and its like."""
    if "\\" not in text:
        return text
    head, *rest = text.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _visible(mounts: "list[_Mount]") -> "list[_Mount]":
    """The control group mounts that a lookup of their mount point arrives at."""
    children: dict[tuple[str, str], str] = {}
    known = {entry.id for entry in mounts}
    top = ""
    for entry in mounts:
        children[entry.parent, entry.point] = entry.id
        if entry.parent not in known or entry.parent == entry.id:
            top = entry.id
    groups = [entry for entry in mounts if entry.fstype in ("cgroup", "cgroup2")]
    return [entry for entry in groups if _lookup(children, top, entry.point) == entry.id]


def _lookup(children: dict[tuple[str, str], str], top: str, path: str) -> str:
    """The mount that covers ``path``, found as the kernel does: component by component."""
    now = top
    parts = [part for part in path.split("/") if part]
    for depth in range(len(parts) + 1):
        prefix = "/" + "/".join(parts[:depth])
        while (below := children.get((now, prefix), now)) != now:
            now = below
    return now
