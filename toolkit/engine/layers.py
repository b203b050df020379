"""Reads one file out of stacked layers as overlayfs would show it, without mounting them.

Needed before a container starts: ``--user`` names are looked up in the image's own files. Each
step opens one name below a directory already held open and follows no link by itself, so no
link in an image leads out of its layers (overlayfs.rst: whiteouts are 0:0 character devices, an
opaque directory hides what lies below it).
"""

import os
import stat

from toolkit.core.errors import InvalidInputError

_LINKS = 40  # as many as the kernel follows, path_resolution(7)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_file(layers: tuple[str, ...], path: str, *, limit: int = 1 << 20) -> bytes:
    """The content of a regular file; ``layers[0]`` is the topmost; empty where there is none."""
    walk = _Walk(layers)
    try:
        return walk.read([part for part in path.split("/") if part], limit)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    finally:
        walk.close()


class _Walk:
    """Where a lookup stands: the merged directories from the root down, each some descriptors."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self._opened: list[int] = []
        self._trail = [[self._open(layer, None, _DIRECTORY & ~os.O_NOFOLLOW) for layer in layers]]

    def close(self) -> None:
        for fd in self._opened:
            os.close(fd)

    def read(self, parts: list[str], limit: int) -> bytes:
        links = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                self._trail = self._trail[: max(1, len(self._trail) - 1)]
                continue
            if part == ".":
                continue
            above, mode = self._look(part)
            if stat.S_ISLNK(mode):
                links += 1
                if links > _LINKS:
                    raise InvalidInputError(f"'{part}' in the image is a loop of links")
                target = os.readlink(part, dir_fd=above)
                if target.startswith("/"):
                    del self._trail[1:]
                parts[:0] = [piece for piece in target.split("/") if piece]
            elif not stat.S_ISDIR(mode):
                return (
                    self._content(part, above, limit) if stat.S_ISREG(mode) and not parts else b""
                )
        return b""

    def _look(self, name: str) -> tuple[int, int]:
        """The topmost holder of ``name`` and its mode; a directory is entered, merged."""
        merged: list[int] = []
        first = None
        for directory in self._trail[-1]:
            try:
                seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                continue
            whiteout = stat.S_ISCHR(seen.st_mode) and seen.st_rdev == 0
            if whiteout or (first is not None and not stat.S_ISDIR(seen.st_mode)):
                break
            if first is None:
                first = (directory, seen.st_mode)
            if not stat.S_ISDIR(seen.st_mode):
                break
            merged.append(self._open(name, directory, _DIRECTORY))
            if _is_opaque(merged[-1]):
                break
        if first is None:
            raise FileNotFoundError(name)
        if merged:
            self._trail.append(merged)
        return first

    def _content(self, name: str, directory: int, limit: int) -> bytes:
        with open(self._open(name, directory, _FILE), "rb", closefd=False) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise InvalidInputError(f"'{name}' in the image is larger than {limit} bytes")
        return data

    def _open(self, path: str, directory: int | None, flags: int) -> int:
        fd = os.open(path, flags, dir_fd=directory)
        self._opened.append(fd)
        return fd


def _is_opaque(fd: int) -> bool:
    try:
        return os.getxattr(fd, "trusted.overlay.opaque") == b"y"
    except OSError:  # none set, or a file system without extended attributes
        return False
