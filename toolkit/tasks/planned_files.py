"""Planned files: what a host's files would be after changes that nobody has applied.

Only differences are held in memory; everything else is read from the host below. Links are
followed here, part by part, since a planned link or directory may stand in the way of a real one.
"""

import errno
import os
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from toolkit.facts.machine import ReadableFiles, Stat
from toolkit.tasks.host import Attributes
from toolkit.tasks.paths import MAX_LINKS

_LINK = Attributes(mode=0o777)
_EMPTY = 4096  # what most file systems call the size of a new directory


@dataclass(kw_only=True, slots=True)
class _Node:
    """One planned inode; ``origin`` is where its content lies on the host below, if it does.

    A directory is ``opaque`` if nothing of the host below shows through.
    """

    kind: str
    attributes: Attributes
    mtime: float = 0.0
    data: bytes = b""
    target: str = ""
    origin: str = ""
    size: int = 0
    links: int = 1
    opaque: bool = False


class PlannedFiles:
    """``tasks.host.Files`` over the files of another host, which it never changes.

    ``may_appear`` tells whether a missing directory may be one that a planned package brings;
    then it is taken to be there.
    """

    def __init__(self, below: ReadableFiles, may_appear: Callable[[str], bool]) -> None:
        self._below = below
        self._may_appear = may_appear
        self._nodes: dict[str, _Node | None] = {}
        self._by_inode: dict[tuple[int, int], _Node] = {}  # so that all names of a file change

    def read(self, path: str) -> bytes:
        """The whole content; links are followed."""
        where = self._resolve(path, follow=True)
        node = self._node(where)
        if node is None:
            raise _error(errno.ENOENT, path)
        if node.kind == "directory":
            raise _error(errno.EISDIR, path)
        return self._below.read(node.origin) if node.origin else node.data

    def stat(self, path: str, *, follow: bool = True) -> Stat | None:
        """What would lie there; ``None`` where nothing would."""
        try:
            where = self._resolve(path, follow=follow)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise
        if where in self._nodes:
            return _stat_of(self._nodes[where])
        found = self._below.stat(where, follow=False) if self._shows(where) else None
        changed = self._by_inode.get(found.inode) if found else None
        return _stat_of(changed) if changed else found

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        where = self._resolve(path, follow=True)
        node = self._node(where)
        if node is None:
            raise _error(errno.ENOENT, path)
        if node.kind != "directory":
            raise _error(errno.ENOTDIR, path)
        names = set() if node.opaque or not self._shows(where) else set(self._below.listdir(where))
        for other, planned in self._nodes.items():
            if posixpath.dirname(other) == where and other != where:
                (names.discard if planned is None else names.add)(posixpath.basename(other))
        return tuple(sorted(names))

    def readlink(self, path: str) -> str:
        """The target of a symbolic link, as written."""
        node = self._node(self._resolve(path, follow=False))
        if node is None:
            raise _error(errno.ENOENT, path)
        if node.kind != "link":
            raise _error(errno.EINVAL, path)
        return node.target

    def space(self, path: str) -> tuple[int, int] | None:
        """Bytes of the file system there, as the host below has them."""
        return self._below.space(path)

    def write(self, path: str, data: bytes, attributes: Attributes) -> None:
        """Plan a regular file."""
        self._put(path, _Node(kind="file", attributes=attributes, data=data, size=len(data)))

    def mirror(self, path: str, origin: str) -> None:
        """Plan a file with the content and mode of another, read only when it is asked for."""
        where = self._resolve(origin, follow=True)
        node = self._node(where)
        if node is None:
            raise _error(errno.ENOENT, origin)
        self._put(path, replace(node, links=1))

    def mkdir(self, path: str, attributes: Attributes) -> None:
        """Plan a directory."""
        if self.stat(path, follow=False):
            raise _error(errno.EEXIST, path)
        self._put(path, _Node(kind="directory", attributes=attributes, opaque=True, size=_EMPTY))

    def symlink(self, path: str, target: str) -> None:
        """Plan a symbolic link."""
        self._put(path, _Node(kind="link", attributes=_LINK, target=target, size=len(target)))

    def link(self, path: str, target: str) -> None:
        """Plan a hard link."""
        where = self._resolve(target, follow=True)
        node = self._node(where)
        if node and node.kind == "directory":
            raise _error(errno.EPERM, target)
        held = self._held(where, follow=False)
        self._put(path, held)
        held.links += 1

    def remove(self, path: str) -> None:
        """Plan that nothing lies there."""
        where = self._resolve(path, follow=False)
        node = self._node(where)
        if node is None:
            raise _error(errno.ENOENT, path)
        if node.kind == "directory" and self.listdir(where):
            raise _error(errno.ENOTEMPTY, path)
        self._held(where, follow=False).links -= 1
        self._nodes[where] = None

    def set_attributes(self, path: str, attributes: Attributes) -> None:
        """Plan mode and owners."""
        self._held(path, follow=False).attributes = attributes

    def set_times(self, path: str, *, mtime: float, atime: float) -> None:
        """Plan the time of the last write."""
        del atime
        self._held(path, follow=False).mtime = mtime

    def _put(self, path: str, node: _Node) -> None:
        where = self._resolve(path, follow=False)
        parent = posixpath.dirname(where)
        above = self.stat(parent)
        if above is None and self._may_appear(parent):
            self.mkdir(parent, Attributes(mode=0o755))
        elif above is None:
            raise _error(errno.ENOENT, path)
        elif above.kind != "directory":
            raise _error(errno.ENOTDIR, path)
        there = self._node(where)
        if there and there.kind == "directory":
            raise _error(errno.EISDIR, path)
        if there:
            self._held(where, follow=False).links -= 1
        self._nodes[where] = node

    def _held(self, path: str, *, follow: bool) -> _Node:
        """The node of a path that exists, from now on held here."""
        where = self._resolve(path, follow=follow)
        node = self._node(where)
        if node is None:
            raise _error(errno.ENOENT, path)
        found = self._below.stat(where, follow=False) if where not in self._nodes else None
        if found and found.inode != (0, 0):
            self._by_inode[found.inode] = node
        self._nodes[where] = node
        return node

    def _node(self, where: str) -> _Node | None:
        """The node of a resolved path, made from the host below if it is not held here."""
        if where in self._nodes:
            return self._nodes[where]
        found = self._below.stat(where, follow=False) if self._shows(where) else None
        if found is None:
            return None
        if found.inode in self._by_inode:
            return self._by_inode[found.inode]
        return _Node(
            kind=found.kind,
            attributes=Attributes(mode=found.mode, uid=found.uid, gid=found.gid),
            mtime=found.mtime,
            size=found.size,
            links=found.links,
            target=self._below.readlink(where) if found.kind == "link" else "",
            origin=where if found.kind != "link" else "",
        )

    def _shows(self, where: str) -> bool:
        """Can the host below be asked about this path, or does something planned hide it?"""
        above = posixpath.dirname(where)
        while above != "/":
            if above in self._nodes:
                node = self._nodes[above]
                if node is None or node.opaque or node.kind != "directory":
                    return False
            above = posixpath.dirname(above)
        return True

    def _resolve(self, path: str, *, follow: bool) -> str:
        """The path without links in it; the last part's too if ``follow``."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        done, hops = "/", 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                done = posixpath.dirname(done)
                continue
            here = posixpath.join(done, part)
            target = self._link_at(here) if parts or follow else ""
            if not target:
                done = here
                continue
            hops += 1
            if hops > MAX_LINKS:
                raise _error(errno.ELOOP, path)
            parts = [*(p for p in target.split("/") if p not in ("", ".")), *parts]
            done = "/" if target.startswith("/") else done
        return done

    def _link_at(self, where: str) -> str:
        """The target of the link there, ``""`` if there is none."""
        if where in self._nodes:
            node = self._nodes[where]
            return node.target if node else ""
        if not self._shows(where):
            return ""
        found = self._below.stat(where, follow=False)
        return self._below.readlink(where) if found and found.kind == "link" else ""


def _stat_of(node: _Node | None) -> Stat | None:
    if node is None:
        return None
    return Stat(
        kind=node.kind,
        mode=node.attributes.mode,
        uid=node.attributes.uid,
        gid=node.attributes.gid,
        size=node.size,
        mtime=node.mtime,
        inode=(-1, id(node)),
        links=node.links,
        atime=node.mtime,
        ctime=node.mtime,
    )


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
