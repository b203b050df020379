"""The mount of type ``cgroup``: v2 as it is, v1 as a tmpfs with one hierarchy a directory."""

from __future__ import annotations

import os

from toolkit.core.record import record
from toolkit.linux.mount_options import MountOptions, parse_options
from toolkit.linux.mounts import MountAttr, MountFlag, OpenTreeFlag, mount, open_tree
from toolkit.runtime import groups
from toolkit.runtime.plan import FileSystem
from toolkit.runtime.root import put, set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cgroup.layout import Hierarchy
    from toolkit.oci.spec import Mount, Spec
    from toolkit.runtime.plan import Step
    from toolkit.runtime.root import Root

_READ_ONLY = MountFlag.RDONLY


@record
class Join:
    """Entering the container's cgroup and the namespace that makes it the root."""

    def describe(self) -> str:
        """Always the same."""
        return "join the cgroup"

    def apply(self, root: Root) -> None:
        """Wait for the shim to have made it, if this has not been done."""
        root.join()


@record
class Hierarchies:
    """A tmpfs, read-only in the end, with the container's part of each v1 hierarchy.

    ``own_namespace``: in a cgroup namespace of its own the container mounts the hierarchy itself
    and sees its group as the root; otherwise its group's directory is bound.
    """

    destination: str
    flags: int
    hierarchies: tuple[Hierarchy, ...]
    own_namespace: bool

    def describe(self) -> str:
        """Which and where."""
        names = " ".join(_directory(hierarchy) for hierarchy in self.hierarchies)
        return f"mount the hierarchies {names} at '{self.destination}'"

    def apply(self, root: Root) -> None:
        """Mount the tmpfs, then each hierarchy below it."""
        options = MountOptions(flags=self.flags & ~_READ_ONLY, data="mode=755")
        FileSystem(destination=self.destination, type="tmpfs", options=options).apply(root)
        top = root.open(self.destination)
        for hierarchy in self.hierarchies:
            if hierarchy.controllers[0] in root.groups:
                self._mount(root, hierarchy, top)
        if self.flags & _READ_ONLY:
            set_attributes(top, MountAttr.RDONLY)
        os.close(top)

    def _mount(self, root: Root, hierarchy: Hierarchy, top: int) -> None:
        name = _directory(hierarchy)
        os.mkdir(name, 0o755, dir_fd=top)
        target = root.open(f"{self.destination}/{name}")
        if self.own_namespace:
            path = f"/proc/self/fd/{target}"
            mount("cgroup", path, "cgroup", flags=self.flags, data=",".join(hierarchy.controllers))
            os.close(target)
        else:
            own = root.groups[hierarchy.controllers[0]]
            tree = open_tree(own, flags=OpenTreeFlag.CLONE)
            set_attributes(tree, *MountOptions(flags=self.flags).attributes())
            put(tree, target)
        for controller in hierarchy.controllers if len(hierarchy.controllers) > 1 else ():
            os.symlink(name, controller, dir_fd=top)


@record
class OwnGroup:
    """The container's v2 group, bound: it shares the host's cgroup namespace."""

    destination: str
    flags: int

    def describe(self) -> str:
        """Always the same."""
        return f"bind the container's cgroup at '{self.destination}'"

    def apply(self, root: Root) -> None:
        """Bind it."""
        own = next(iter(root.groups.values()), "")
        if own:
            tree = open_tree(own, flags=OpenTreeFlag.CLONE)
            set_attributes(tree, *MountOptions(flags=self.flags).attributes())
            put(tree, root.directory(self.destination))


def cgroup_steps(spec: Spec) -> tuple[Step, ...]:
    """What stands for the mount of type ``cgroup`` on this machine."""
    own = any(item.type == "cgroup" for item in spec.linux.namespaces)
    mounts = [entry for entry in spec.mounts if entry.type in ("cgroup", "cgroup2")]
    steps = [_step(entry, own_namespace=own) for entry in mounts]
    return (Join(), *steps) if steps else ()


def _step(entry: Mount, *, own_namespace: bool) -> Step:
    options = parse_options(entry.options)
    layout = groups.layout()
    if layout.kind != "v2":
        return Hierarchies(
            destination=entry.destination,
            flags=options.flags,
            hierarchies=layout.v1,
            own_namespace=own_namespace,
        )
    if own_namespace:
        plain = MountOptions(flags=options.flags)
        return FileSystem(
            destination=entry.destination, type="cgroup2", source="cgroup", options=plain
        )
    return OwnGroup(destination=entry.destination, flags=options.flags)


def _directory(hierarchy: Hierarchy) -> str:
    return ",".join(name.removeprefix("name=") for name in hierarchy.controllers)
