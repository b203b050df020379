"""The trees of the host that a container is given: copied before anything else is changed.

A bind's source, and the root file system, are named by whoever wrote the specification, so they
are resolved as the host's root sees them: before the init leaves the host's mounts behind, and
before it becomes somebody who may not look into every directory. A copy is detached: nobody sees
it until it is attached, and a shared one stays a peer of the host's mount.
"""

from __future__ import annotations

import os

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.linux.libc import AT_EMPTY_PATH, AT_RECURSIVE
from toolkit.linux.mounts import MountAttr, MountFlag, OpenTreeFlag, mount_setattr, open_tree
from toolkit.runtime.root import set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.linux.mount_options import MountOptions
    from toolkit.oci.spec import IdMapping

_PRIVATE = (MountFlag.PRIVATE | MountFlag.REC,)


@record
class Source:
    """One tree to copy: ``path`` with ``options``, its ids mapped as said.

    ``user`` is the namespace file whose maps an ``idmap`` without maps of its own takes.
    """

    path: str
    options: MountOptions
    uids: tuple[IdMapping, ...] = ()
    gids: tuple[IdMapping, ...] = ()
    user: str = ""


class Trees:
    """Copies by the place that they are for; ``namespaces`` of id maps are made once each."""

    def __init__(self) -> None:
        self._trees: dict[str, int] = {}
        self._namespaces: dict[object, int] = {}

    def open(self, key: str, source: Source) -> None:
        """Copy a tree and set all its attributes."""
        self._trees[key] = self.copy(source)

    def take(self, key: str) -> int:
        """The copy for ``key``, whose owner is the caller from now on."""
        return self._trees.pop(key)

    def fds(self) -> tuple[int, ...]:
        """The descriptors of the copies."""
        return tuple(self._trees.values())

    def close(self) -> None:
        """Close what is open only for ids to be mapped."""
        for fd in self._namespaces.values():
            os.close(fd)
        self._namespaces.clear()

    def copy(self, source: Source) -> int:
        """A detached copy with every attribute that was asked for."""
        options = source.options
        deep = OpenTreeFlag.RECURSIVE if options.recursive else OpenTreeFlag.NONE
        tree = open_tree(source.path, flags=OpenTreeFlag.CLONE | deep)
        if options.idmap or source.uids:
            self._map(tree, source)
        attr_set, attr_clear = options.attributes()
        if attr_set or attr_clear:
            set_attributes(tree, attr_set, attr_clear)
        change(tree, options, options.propagation or _PRIVATE)
        return tree

    def _map(self, tree: int, source: Source) -> None:
        try:
            mount_setattr(
                "",
                dir_fd=tree,
                at_flags=AT_EMPTY_PATH | (AT_RECURSIVE if source.options.idmap == "ridmap" else 0),
                attr_set=MountAttr.IDMAP,
                userns_fd=self._namespace(source),
            )
        except OSError as error:
            raise UnsupportedError(
                f"the ids of the mount '{source.path}' cannot be mapped: {error.strerror}",
                hint="its file system must know idmapped mounts, and not be mapped already",
            ) from None

    def _namespace(self, source: Source) -> int:
        key = source.user if not source.uids else (source.uids, source.gids)
        if key not in self._namespaces:
            if source.uids:
                from toolkit.runtime.idmaps import make_namespace  # noqa: PLC0415 - seldom asked for

                self._namespaces[key] = make_namespace(source.uids, source.gids)
            elif source.user:
                self._namespaces[key] = os.open(source.user, os.O_RDONLY | os.O_CLOEXEC)
            else:
                raise InvalidInputError(
                    f"the mount '{source.path}' has an idmap and no maps, nor has the container",
                    hint="give it uidMappings and gidMappings",
                )
        return self._namespaces[key]


def change(fd: int, options: MountOptions, propagation: tuple[int, ...]) -> None:
    """The recursive attributes of a mount, and how it shares what is mounted below it.

    ``REC`` in ``propagation`` is for the whole tree.
    """
    if options.recursive_set or options.recursive_clear:
        set_attributes(fd, options.recursive_set, options.recursive_clear, recursive=True)
    for flag in propagation:
        recursive = bool(flag & MountFlag.REC)
        kind = flag & ~MountFlag.REC
        set_attributes(fd, MountAttr.NONE, propagation=kind, recursive=recursive)
