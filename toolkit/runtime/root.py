"""The container's root file system while it is built: reached by descriptor, never by a path.

Everything below the root belongs to an enemy. A destination is opened with openat2 as if the root
were ``/`` and what is mounted there is attached to that very descriptor, so neither a symbolic
link in the image nor a rename in the middle of it leads out.
"""

from __future__ import annotations

import errno
import os
import stat

from toolkit.cgroup.layout import unescape
from toolkit.core.errors import ToolkitError
from toolkit.linux.filesystems import make_mount
from toolkit.linux.libc import AT_EMPTY_PATH
from toolkit.linux.mounts import (
    MountAttr,
    MountFlag,
    MoveMountFlag,
    OpenTreeFlag,
    UmountFlag,
    attach,
    mount,
    mount_setattr,
    move_mount,
    open_tree,
    pivot_root,
    umount2,
)
from toolkit.linux.paths import ResolveFlag, create_in_root, mkdir_in_root, open_in_root, openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolkit.runtime.request import Overlay
    from toolkit.runtime.sources import Trees

_PAGE = 4096  # mount(2) takes no more data than that
_NULL = os.makedev(1, 3)
_MISSING = (errno.ENOENT, errno.ENOTDIR)


class Root:
    """``fd`` is an ``O_PATH`` descriptor of the root's mount.

    ``groups`` are the container's cgroup directories, by controller, once it is in them;
    ``join`` enters them, as late as possible: they are being made meanwhile. ``trees`` are what the
    host gives.
    """

    def __init__(self, fd: int, trees: Trees | None = None) -> None:
        self.fd = fd
        self.trees = trees
        self.groups: Mapping[str, str] = {}
        self.join: Callable[[], None] = lambda: None
        self._null = -1
        self._empty = -1

    def open(self, path: str, flags: int = os.O_PATH) -> int:
        """Open ``path`` inside."""
        return open_in_root(self.fd, path, flags)

    def existing(self, path: str) -> int:
        """An ``O_PATH`` descriptor of ``path``, or -1 where there is no such file."""
        try:
            return self.open(path)
        except OSError as error:
            if error.errno in _MISSING:
                return -1
            raise

    def directory(self, path: str) -> int:
        """An ``O_PATH`` descriptor of a directory, made if it is missing."""
        return mkdir_in_root(self.fd, path)

    def real_directory(self, path: str) -> int:
        """Like ``directory``, but no symbolic link may lead there.

        For ``/proc`` and ``/sys``: what is masked below them must be what the kernel mounted.
        """
        resolve = ResolveFlag.IN_ROOT | ResolveFlag.NO_SYMLINKS
        flags = os.O_PATH | os.O_DIRECTORY
        try:
            try:
                return openat2(path, flags, dir_fd=self.fd, resolve=resolve)
            except FileNotFoundError:
                os.close(self.directory(path))
                return openat2(path, flags, dir_fd=self.fd, resolve=resolve)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise ToolkitError(
                f"'{path}' of the image is a symbolic link",
                hint="a kernel file system is mounted on a directory only; repair the image",
            ) from None

    def place(self, path: str, *, like: int) -> int:
        """An ``O_PATH`` descriptor to attach ``like`` to: a directory or a file as it is one."""
        if stat.S_ISDIR(os.fstat(like).st_mode):
            return self.directory(path)
        return create_in_root(self.fd, path)

    def null(self) -> int:
        """A detached mount of the host's null device, verified to be 1:3."""
        if self._null < 0:
            fd = os.open("/dev/null", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            status = os.fstat(fd)
            if not stat.S_ISCHR(status.st_mode) or status.st_rdev != _NULL:
                os.close(fd)
                raise ToolkitError(
                    "the host's '/dev/null' is no null device",
                    hint="make it again: mknod -m 666 /dev/null c 1 3",
                )
            self._null = fd
        return clone(self._null)

    def cover(self, path: str) -> None:
        """Hide a file behind the null device or a directory behind an empty one, if it exists.

        All hidden directories share one read-only tmpfs.
        """
        target = self.existing(path)
        if target < 0:
            return
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            put(self.null(), target)
        elif self._empty < 0:
            options: dict[str, str | None] = {"mode": "0555", "size": "4k", "nr_inodes": "2"}
            put(make_mount("tmpfs", options, MountAttr.RDONLY), target)
            self._empty = self.open(path)
        else:
            put(clone(self._empty), target)

    def freeze(self, path: str) -> None:
        """Make ``path`` and what is mounted below it read-only, if it exists."""
        target = self.existing(path)
        if target < 0:
            return
        tree = clone(target, recursive=True)
        set_attributes(tree, MountAttr.RDONLY, recursive=True)
        put(tree, target)

    def enter(self) -> None:
        """Make it the root of this mount namespace; the host's tree is gone afterwards."""
        os.fchdir(self.fd)
        pivot_root(".", ".")  # pivot_root(2): stacks the old root over the new one
        umount2(".", flags=UmountFlag.DETACH)
        os.chdir("/")

    def enter_over(self) -> None:
        """Put it over the host's root, where that is the kernel's first, which nothing replaces.

        All else that the host has mounted is taken away; its ``/`` stays, covered.
        """
        os.fchdir(self.fd)
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            points = [unescape(line.split(" ")[4]) for line in file]
        own = os.readlink(f"/proc/self/fd/{self.fd}")
        move_mount("", "/", from_fd=self.fd, flags=MoveMountFlag.F_EMPTY_PATH)
        for point in reversed(points):
            if point not in ("/", own) and not point.startswith(f"{own}/"):
                _take_away(point)
        os.chroot(".")
        os.chdir("/")


def _take_away(point: str) -> None:
    """Unmount what is at the host's ``point``; what is gone with another one is fine."""
    try:
        umount2(point, flags=UmountFlag.DETACH | UmountFlag.NOFOLLOW)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise


def clone(fd: int, *, recursive: bool = False) -> int:
    """A detached copy of the mount (tree) at ``fd``."""
    flags = OpenTreeFlag.CLONE | OpenTreeFlag.EMPTY_PATH
    return open_tree("", dir_fd=fd, flags=flags | (OpenTreeFlag.RECURSIVE if recursive else 0))


def put(tree: int, target: int) -> None:
    """Attach the detached ``tree`` over ``target`` and close both."""
    try:
        attach(tree, target)
    finally:
        os.close(tree)
        os.close(target)


def set_attributes(
    tree: int,
    attr_set: int,
    attr_clear: int = MountAttr.NONE,
    *,
    propagation: int = MountFlag.NONE,
    recursive: bool = False,
) -> None:
    """mount_setattr on a descriptor."""
    at_flags = AT_EMPTY_PATH | (0x8000 if recursive else 0)
    mount_setattr(
        "",
        dir_fd=tree,
        at_flags=at_flags,
        attr_set=attr_set,
        attr_clear=attr_clear,
        propagation=propagation,
    )


def bind_root(tree: int, at: str, trees: Trees) -> Root:
    """Attach the root's own ``tree`` at the host's directory ``at``."""
    target = os.open(at, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    attach(tree, target)
    os.close(target)
    return Root(tree, trees)


def overlay_root(overlay: Overlay, at: str, trees: Trees) -> Root:
    """Mount the layers at the host's directory ``at``, in this mount namespace only."""
    return Root(mount_overlay(overlay, at), trees)


def mount_overlay(overlay: Overlay, at: str) -> int:
    """Mount the layers at ``at``; an ``O_PATH`` descriptor of their root."""
    upper, work, target = overlay.upper, overlay.work, at
    if upper.startswith("tmpfs:"):
        size = upper.removeprefix("tmpfs:")
        mount("tmpfs", at, "tmpfs", data=f"mode=0755,size={size}" if size else "mode=0755")
        upper, work, target = f"{at}/upper", f"{at}/work", f"{at}/root"
        for path in (upper, work, target):
            os.mkdir(path, 0o755)
    names, fds = overlay.lower, []
    data = overlay_data(names, upper, work, volatile=overlay.volatile)
    if len(data) >= _PAGE:
        fds = [os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for name in names]
        names = tuple(f"/proc/self/fd/{fd}" for fd in fds)
        data = overlay_data(names, upper, work, volatile=overlay.volatile)
    mount("overlay", target, "overlay", data=data)
    for fd in fds:
        os.close(fd)
    return os.open(target, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def overlay_data(lower: tuple[str, ...], upper: str, work: str, *, volatile: bool = False) -> str:
    """The option string of an overlay; ``,`` ``:`` and ``\\`` in names are escaped.

    The upper layer must say all by itself, whatever the kernel's defaults are: an image's layer may
    be made of it.
    """
    layers = ":".join(_escape(name, ":") for name in lower)
    places = f"lowerdir={layers},upperdir={_escape(upper)},workdir={_escape(work)}"
    data = f"{places},redirect_dir=off,metacopy=off"
    return f"{data},volatile" if volatile else data


def _escape(name: str, also: str = "") -> str:
    for character in "\\," + also:
        name = name.replace(character, f"\\{character}")
    return name
