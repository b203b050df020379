"""Unpacked layers on disk, each made once and visible only when whole.

::

    layers/<chain id>/diff/        what an overlay stands on
    layers/<chain id>/layer.json   what was counted after unpacking, and during which boot
    layers/.parts/<chain id>/      one that is being made, locked by whoever makes it

A finished part gets its place by one rename. A lock is gone with its holder, so a part that nobody
holds is what a killed process left: the next command removes it. Nothing is forced to disk,
which would cost more than the unpacking; instead a layer that was made before the machine's last
start is counted again once, and made anew if a crash took part of it.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from toolkit.core.files import remove_tree, write_atomic
from toolkit.core.record import as_dict, record, replace
from toolkit.images.boot import boot_id
from toolkit.oci.digest import Digest

_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _nap() -> None:
    time.sleep(0.02)


@record
class Layer:
    """A whole layer: files and bytes on disk, and the boot during which they were counted."""

    diff_id: str
    files: int
    bytes: int
    boot: str
    notes: tuple[str, ...] = ()


@record
class Part:
    """A layer being made: unpack into ``diff``; who holds ``lock_fd`` keeps everyone else out."""

    path: str
    diff: str
    lock_fd: int


class LayerStore:
    """The layers below ``data_root``."""

    def __init__(self, data_root: str) -> None:
        self._layers = os.path.join(data_root, "layers")
        self._parts = os.path.join(self._layers, ".parts")

    def diff(self, chain_id: Digest) -> str:
        """The directory of a layer's content."""
        return os.path.join(self._layers, chain_id.hex, "diff")

    def find(self, chain_id: Digest) -> Layer | None:
        """The layer, if it is there and whole."""
        where = os.path.join(self._layers, chain_id.hex)
        layer = _read(where)
        if layer is None or layer.boot == boot_id():
            return layer
        if count(os.path.join(where, "diff")) != (layer.files, layer.bytes):
            return None
        layer = replace(layer, boot=boot_id())
        _write(where, layer)
        return layer

    def bytes_of(self, name: str) -> int:
        """The bytes of the layer in the directory ``name``; 0 where it is none."""
        layer = _read(os.path.join(self._layers, name))
        return layer.bytes if layer else 0

    @contextmanager
    def making(
        self, chain_id: Digest, *, pause: Callable[[], None] = _nap
    ) -> Iterator[Part | None]:
        """A part to unpack into, or ``None`` where the layer is there already.

        Waits while another one makes the same, and calls ``pause`` again and again meanwhile; what
        that raises ends the waiting. Without ``finish``, whatever the reason,
        the part is removed on leaving.
        """
        os.makedirs(self._layers, mode=0o700, exist_ok=True)  # setuid files lie below it
        os.makedirs(self._parts, mode=0o700, exist_ok=True)
        path = os.path.join(self._parts, chain_id.hex)
        lock_fd = _lock(path, pause)
        try:
            if self.find(chain_id):
                yield None
                return
            _clear(path)
            self._discard(chain_id, os.path.join(path, "torn"))
            diff = os.path.join(path, "diff")
            os.mkdir(diff, 0o755)
            yield Part(path=path, diff=diff, lock_fd=lock_fd)
        finally:
            if _is_at(lock_fd, path):
                remove_tree(path)
            os.close(lock_fd)

    def finish(self, part: Part, chain_id: Digest, layer: Layer) -> None:
        """Give a part its place among the layers."""
        _write(part.path, layer)
        os.rename(part.path, os.path.join(self._layers, chain_id.hex))

    def sweep(self) -> None:
        """Remove the parts that nobody is making."""
        try:
            names = os.listdir(self._parts)
        except FileNotFoundError:
            return
        for name in names:
            path = os.path.join(self._parts, name)
            lock_fd = _lock_now(path)
            if lock_fd is None:
                continue
            try:
                if _is_at(lock_fd, path):
                    remove_tree(path)
            finally:
                os.close(lock_fd)

    def _discard(self, chain_id: Digest, aside: str) -> None:
        """Take a torn layer out of its place, then remove it."""
        try:
            os.rename(os.path.join(self._layers, chain_id.hex), aside)
        except FileNotFoundError:
            return
        remove_tree(aside)


def count(directory: str) -> tuple[int, int]:
    """Number and bytes of all regular files below ``directory``; no link is followed."""
    files = size = 0
    rest = [directory]
    while rest:
        try:
            entries = os.scandir(rest.pop())
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                continue  # the same at each count, so counts can still be compared
            raise
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    rest.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return files, size


def _read(where: str) -> Layer | None:
    try:
        with open(os.path.join(where, "layer.json"), "rb") as file:
            values = json.load(file)
        return Layer(**{**values, "notes": tuple(values["notes"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError):
        return None  # torn by a crash: the layer is made anew


def _write(where: str, layer: Layer) -> None:
    data = json.dumps(as_dict(layer)).encode()
    write_atomic(os.path.join(where, "layer.json"), data, sync=False)


def _lock(path: str, pause: Callable[[], None]) -> int:
    """Make the directory ``path`` and lock it, however often it moves away meanwhile."""
    while True:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
        try:
            fd = os.open(path, _OPEN_DIR)
        except FileNotFoundError:
            continue  # it was finished or removed between the two calls
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            pause()
            continue
        if _is_at(fd, path):
            return fd
        os.close(fd)


def _lock_now(path: str) -> int | None:
    """A lock on the directory ``path``, or ``None`` where it is gone or held."""
    try:
        fd = os.open(path, _OPEN_DIR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _is_at(fd: int, path: str) -> bool:
    """Whether ``path`` still names the open directory ``fd``."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


def _clear(path: str) -> None:
    """Remove what a killed process left inside a part."""
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            os.unlink(entry.path)
