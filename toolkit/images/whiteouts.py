"""Whiteouts: the names that a layer takes away from the layers below it.

They are applied when everything else of the layer is in place, because the order of entries must
not matter: a whiteout never hides what its own layer adds (image-spec layer.md, "Whiteouts").
One that would hide nothing is not made: overlayfs shows a device 0:0 as it is in a directory
that it has nothing to merge with.
"""

import errno
import os
import stat

from toolkit.core.errors import InvalidInputError
from toolkit.images.limits import Policy
from toolkit.images.tar import show
from toolkit.linux.paths import ResolveFlag, openat2

PREFIX = b".wh."
_OPAQUE = b".wh..wh..opq"
_META = b".wh..wh."  # what aufs kept for itself
_LITERAL = ResolveFlag.BENEATH | ResolveFlag.NO_SYMLINKS
_PARENT = os.O_PATH | os.O_DIRECTORY


class Whiteouts:
    """Collects a layer's whiteouts."""

    def __init__(self, root_fd: int, *, policy: Policy) -> None:
        self._root = root_fd
        self._lowers: tuple[int, ...] = ()
        self._policy = policy
        self._hidden: list[tuple[bytes, bytes]] = []
        self.opaque: set[bytes] = set()

    def add(self, parent: bytes, name: bytes) -> None:
        """Take the whiteout file ``name`` of directory ``parent``; both are clean."""
        if name == _OPAQUE:
            self.opaque.add(parent)
        elif not name.startswith(_META):
            hidden = name[len(PREFIX) :]
            if hidden in (b"", b".", b".."):
                raise InvalidInputError(f"{show(parent + b'/' + name)}: a whiteout of nothing")
            self._hidden.append((parent, hidden))

    def apply(self, lowers: tuple[int, ...]) -> None:
        """Make the devices and set the attributes that overlayfs understands.

        ``lowers`` are the roots of the layers below, topmost first.
        """
        self._lowers = lowers
        for parent, name in self._hidden:
            path = parent + b"/" + name if parent else name
            if not self._below_opaque(parent) and self._is_below(path):
                self._hide(parent, name, path)
        for path in self.opaque:
            if self._is_below(path or b"."):
                self._set_opaque(path)

    def _hide(self, parent: bytes, name: bytes, path: bytes) -> None:
        parent_fd = openat2(parent or b".", _PARENT, dir_fd=self._root, resolve=ResolveFlag.IN_ROOT)
        try:
            os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent_fd)
        except FileExistsError:
            found = os.stat(name, dir_fd=parent_fd, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):  # deleted and made anew in one layer
                self._set_opaque(path)
        except PermissionError:
            raise InvalidInputError(
                f"{show(path)}: the file system of the data root cannot hold a deleted file's mark",
                hint="the data root must not lie on an overlay: choose another one",
            ) from None
        finally:
            os.close(parent_fd)

    def _set_opaque(self, path: bytes) -> None:
        flags = os.O_RDONLY | os.O_DIRECTORY
        fd = openat2(path or b".", flags, dir_fd=self._root, resolve=ResolveFlag.IN_ROOT)
        try:
            os.setxattr(fd, self._policy.opaque, b"y")
        finally:
            os.close(fd)

    def _below_opaque(self, path: bytes) -> bool:
        if not self.opaque:
            return False
        parts = path.split(b"/")
        return b"" in self.opaque or any(
            b"/".join(parts[:count]) in self.opaque for count in range(1, len(parts) + 1)
        )

    def _is_below(self, path: bytes) -> bool:
        """Whether a lower layer shows something at ``path``; a symbolic link above it counts."""
        for lower in self._lowers:
            try:
                fd = openat2(path, os.O_PATH | os.O_NOFOLLOW, dir_fd=lower, resolve=_LITERAL)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno == errno.ELOOP:
                    return True
                if error.errno == errno.ENOTDIR:
                    return False  # a file or a whiteout above it hides the rest
                raise
            try:
                found = os.fstat(fd)
            finally:
                os.close(fd)
            return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == 0)
        return False
