"""What is mounted, made and hidden in a container's root: a list of steps worked out beforehand.

``plan`` is a pure function of the specification; each step is a value with ``describe`` (one line
for people) and ``apply`` (does it below a ``Root``). Mounts keep the order of the specification.
"""

from __future__ import annotations

import os
import stat

from toolkit.core.record import record, replace
from toolkit.linux.filesystems import make_mount
from toolkit.linux.mount_options import MountOptions, parse_options
from toolkit.linux.mounts import MountAttr, MountFlag, OpenTreeFlag, attach, mount, open_tree
from toolkit.linux.paths import in_parent
from toolkit.runtime.copyup import copy_directory
from toolkit.runtime.root import put, set_attributes
from toolkit.runtime.sources import Source, Trees, change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from toolkit.oci.spec import Device, Mount, Spec
    from toolkit.runtime.root import Root

    class Step(Protocol):
        """One thing to do below the root."""

        def describe(self) -> str:
            """What it does, in one line."""

        def apply(self, root: Root) -> None:
            """Do it."""


# Of these types the kernel decides the content: a symbolic link must not lead elsewhere.
_KERNEL_TYPES = ("proc", "sysfs")
# Those that take SELinux's context= of whoever mounts them (mount(8)).
_LABELLED = ("tmpfs", "devpts", "ramfs", "overlay")
_KINDS = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}

# runtime-spec config-linux.md "Default Devices".
_DEVICES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
# runtime-spec runtime-linux.md "Dev symbolic links".
_LINKS = (
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
)


@record
class FileSystem:
    """A new file system of ``type``."""

    destination: str
    type: str
    source: str = ""
    options: MountOptions

    def describe(self) -> str:
        """The type and where."""
        return f"mount {self.type} at '{self.destination}'"

    def apply(self, root: Root) -> None:
        """Mount it on a directory that is made if it is missing."""
        if self.type in _KERNEL_TYPES:
            target = root.real_directory(self.destination)
        else:
            target = root.existing(self.destination)
        made = target < 0
        if made:
            target = root.directory(self.destination)
        try:
            self._mount(target, inherit=not made)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.destination) from None
        finally:
            os.close(target)
        options = self.options
        if options.propagation or options.recursive_set or options.recursive_clear:
            fd = root.open(self.destination)
            change(fd, options, options.propagation)
            os.close(fd)

    def _mount(self, target: int, *, inherit: bool) -> None:
        if self.options.copy_up and inherit and self.type == "tmpfs":
            _copy_up(target, self.options)
            return
        data = self.options.data
        if inherit and self.type == "tmpfs" and "mode=" not in data:
            mode = stat.S_IMODE(os.fstat(target).st_mode)
            data = f"{data},mode={mode:o}".lstrip(",")
        source = self.source or self.type
        path = f"/proc/self/fd/{target}"
        mount(source, path, self.type, flags=self.options.flags, data=data or None)


def _copy_up(target: int, options: MountOptions) -> None:
    """A tmpfs over ``target`` with a copy of what is there; read-only only when it is filled."""
    pairs = (item.partition("=") for item in options.data.split(",") if item)
    wanted: dict[str, str | None] = {name: value or None for name, _, value in pairs}
    tree = make_mount("tmpfs", wanted)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # what names both so far is O_PATH
    source, copy = (os.open(f"/proc/self/fd/{fd}", flags) for fd in (target, tree))
    copy_directory(source, copy)
    os.close(source)
    os.close(copy)
    set_attributes(tree, *options.attributes())
    attach(tree, target)
    os.close(tree)


@record
class Bind:
    """A file or directory of the host, shown inside."""

    destination: str
    source: Source
    key: str

    def describe(self) -> str:
        """From where to where."""
        return f"bind '{self.source.path}' at '{self.destination}'"

    def apply(self, root: Root) -> None:
        """Attach the copy that was made beforehand."""
        assert root.trees is not None
        tree = root.trees.take(self.key)
        put(tree, root.place(self.destination, like=tree))


@record
class Node:
    """A device node, or a fifo."""

    path: str
    type: str = "c"
    major: int = 0
    minor: int = 0
    mode: int = 0o666
    uid: int = 0
    gid: int = 0

    def describe(self) -> str:
        """As mknod(1) would be told."""
        return f"node '{self.path}' {self.type} {self.major}:{self.minor}"

    def apply(self, root: Root) -> None:
        """Make it; one that exists already must be the same device."""
        try:
            in_parent(root.fd, self.path, self._make)
        except FileExistsError:
            self._compare(root)
        except PermissionError:
            # Without CAP_MKNOD (a container in a container): the host's node of that name.
            tree = open_tree(self.path, flags=OpenTreeFlag.CLONE)
            put(tree, root.place(self.path, like=tree))

    def _make(self, parent: int, name: str) -> None:
        device = os.makedev(self.major, self.minor)
        os.mknod(name, _KINDS[self.type] | self.mode, device, dir_fd=parent)
        if self.uid or self.gid:
            os.chown(name, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)

    def _compare(self, root: Root) -> None:
        fd = root.open(self.path, os.O_PATH | os.O_NOFOLLOW)
        status = os.fstat(fd)
        os.close(fd)
        wanted = (_KINDS[self.type], os.makedev(self.major, self.minor))
        if (stat.S_IFMT(status.st_mode), status.st_rdev) != wanted:
            raise FileExistsError(17, "mknod: another file has this name", self.path)


@record
class Link:
    """A symbolic link; whatever has the name already stays."""

    path: str
    target: str

    def describe(self) -> str:
        """Name and target."""
        return f"link '{self.path}' to '{self.target}'"

    def apply(self, root: Root) -> None:
        """Make it."""
        try:
            in_parent(root.fd, self.path, lambda fd, name: os.symlink(self.target, name, dir_fd=fd))
        except FileExistsError:
            return


@record
class Hide:
    """A masked path."""

    path: str

    def describe(self) -> str:
        """What is hidden."""
        return f"hide '{self.path}'"

    def apply(self, root: Root) -> None:
        """Cover it."""
        root.cover(self.path)


@record
class Freeze:
    """A read-only path."""

    path: str

    def describe(self) -> str:
        """What is read-only."""
        return f"make '{self.path}' read-only"

    def apply(self, root: Root) -> None:
        """Bind it over itself, read-only."""
        root.freeze(self.path)


@record
class FreezeRoot:
    """``root.readonly``; what is mounted below keeps its own mode."""

    def describe(self) -> str:
        """Always the same."""
        return "make '/' read-only"

    def apply(self, root: Root) -> None:
        """Set the attribute on the root's mount."""
        set_attributes(root.fd, MountAttr.RDONLY)


@record
class Plan:
    """The steps by when they run: ``protect`` comes after terminal and sysctls."""

    mounts: tuple[Step, ...]
    devices: tuple[Step, ...]
    protect: tuple[Step, ...]


def plan(spec: Spec, cgroups: tuple[Step, ...] = ()) -> Plan:
    """The steps for ``spec``; ``cgroups`` replace its mount of type ``cgroup``."""
    mounts: list[Step] = []
    for index, entry in enumerate(spec.mounts):
        if entry.type in ("cgroup", "cgroup2"):
            mounts.extend(cgroups)
        else:
            mounts.append(_mount_step(spec, entry, f"mounts[{index}]"))
    protect: list[Step] = [Freeze(path=path) for path in dict.fromkeys(spec.linux.readonly_paths)]
    protect += [Hide(path=path) for path in dict.fromkeys(spec.linux.masked_paths)]
    if spec.root is not None and spec.root.readonly:
        protect.append(FreezeRoot())
    return Plan(mounts=tuple(mounts), devices=_devices(spec), protect=tuple(protect))


_ROOT = MountOptions(flags=MountFlag.BIND | MountFlag.REC)
_parsed: dict[tuple[str, ...], MountOptions] = {}
_MOST_PARSED = 256


def _parse(options: tuple[str, ...]) -> MountOptions:
    """``parse_options``, remembered: a launcher sees the same few lists again and again."""
    if options not in _parsed:
        if len(_parsed) >= _MOST_PARSED:
            _parsed.clear()
        _parsed[options] = parse_options(options)
    return _parsed[options]


def _mount_step(spec: Spec, entry: Mount, key: str) -> Step:
    options = _parse(entry.options)
    if options.bind or entry.type == "bind":
        return Bind(destination=entry.destination, source=_source(spec, entry, options), key=key)
    if spec.linux.mount_label and entry.type in _LABELLED:
        label = f'context="{spec.linux.mount_label}"'
        options = replace(options, data=f"{options.data},{label}".lstrip(","))
    return FileSystem(
        destination=entry.destination, type=entry.type, source=entry.source, options=options
    )


def _source(spec: Spec, entry: Mount, options: MountOptions) -> Source:
    """What is bound; an id map without maps of its own is the container's."""
    uids, gids, user = entry.uid_mappings, entry.gid_mappings, ""
    if options.idmap and not uids:
        listed = (item.path for item in spec.linux.namespaces if item.type == "user")
        user = next(listed, "")
        if not user:
            uids, gids = spec.linux.uid_mappings, spec.linux.gid_mappings
    return Source(path=entry.source, options=options, uids=uids, gids=gids, user=user)


def open_trees(spec: Spec, steps: tuple[Step, ...], *, bound: bool) -> Trees:
    """Copies of all that the host gives the container; its root, where it is bound, as ``root``."""
    trees = Trees()
    for step in steps:
        if isinstance(step, Bind):
            trees.open(step.key, step.source)
    if spec.root is not None and bound:
        trees.open("root", Source(path=spec.root.path, options=_ROOT))
    trees.close()
    return trees


def _devices(spec: Spec) -> tuple[Step, ...]:
    """Default nodes and links, then the asked ones; none in a ``/dev`` that is bound in."""
    dev = next((entry for entry in spec.mounts if entry.destination.rstrip("/") == "/dev"), None)
    if dev is not None and _parse(dev.options).bind:
        return tuple(_node(device) for device in spec.linux.devices)
    asked = {device.path for device in spec.linux.devices}
    steps: list[Step] = [
        Node(path=f"/dev/{name}", major=major, minor=minor)
        for name, major, minor in _DEVICES
        if f"/dev/{name}" not in asked
    ]
    steps += [_node(device) for device in spec.linux.devices]
    steps += [Link(path=f"/dev/{name}", target=target) for target, name in _LINKS]
    return tuple(steps)


def _node(device: Device) -> Node:
    return Node(
        path=device.path,
        type=device.type,
        major=device.major,
        minor=device.minor,
        mode=0o666 if device.file_mode is None else stat.S_IMODE(device.file_mode),
        uid=device.uid or 0,
        gid=device.gid or 0,
    )
