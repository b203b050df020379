"""The files of an image as it lies on disk: in a directory, or inside a tar archive.

Both may come from an enemy: names are looked up, never joined with ``..``, links out of a
directory are refused, and only regular files are opened.
"""

import errno
import os
import stat
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.images import compress, tar
from toolkit.images.extract import clean
from toolkit.images.limits import Limits
from toolkit.linux.paths import ResolveFlag, openat2

_MAX_FILES = 100_000
_MAX_HOPS = 8


class Blob:
    """A file of an image, read from its beginning; a context manager closes it."""

    def __init__(self, fd: int, *, offset: int, size: int, owned: bool) -> None:
        self._fd = fd
        self._next = offset
        self._left = size
        self._owned = owned
        self.size = size

    def __enter__(self) -> "Blob":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._owned:
            os.close(self._fd)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end."""
        data = os.pread(self._fd, min(size, self._left), self._next)
        self._next += len(data)
        self._left -= len(data)
        return data


class Reader(Protocol):
    """What a file is read with."""

    size: int

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end."""


class Files(Protocol):
    """Files by name."""

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def open(self, name: str) -> AbstractContextManager[Reader]:
        """The file; ``NotFoundError`` where there is none."""

    def close(self) -> None:
        """Let go of what is open."""


class DirectoryFiles:
    """The files below a directory."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def has(self, name: str) -> bool:
        """Whether there is something of that name."""
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def open(self, name: str) -> Blob:
        """The regular file ``name``."""
        try:
            fd = openat2(
                name,
                os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY,
                dir_fd=self._fd,
                resolve=ResolveFlag.BENEATH | ResolveFlag.NO_MAGICLINKS,
            )
        except FileNotFoundError:
            raise _missing(self._path, name) from None
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
                raise InvalidInputError(f"'{self._path}/{name}' is no file inside it") from None
            raise
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise InvalidInputError(f"'{self._path}/{name}' is no regular file")
        return Blob(fd, offset=0, size=found.st_size, owned=True)

    def close(self) -> None:
        """Close the directory."""
        os.close(self._fd)


class _Place(NamedTuple):
    """Where in the archive a file lies; ``link`` instead where it is another name of one."""

    offset: int
    size: int
    link: str


class ArchiveFiles:
    """The files in a tar archive; a compressed one is first unpacked to a file without a name.

    ``scratch`` is a directory for that file, which is gone with the process.
    """

    def __init__(self, path: str, *, scratch: str, limits: Limits) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            self._fd = _plain_file(self._fd, scratch, limits)
            self._places = self._index()
        except InvalidInputError as error:
            os.close(self._fd)
            raise InvalidInputError(f"'{path}': {error}", hint=error.hint) from None
        except BaseException:
            os.close(self._fd)
            raise

    def has(self, name: str) -> bool:
        """Whether the archive has an entry of that name."""
        return name in self._places

    def open(self, name: str) -> Blob:
        """The file ``name``; links to other files of the archive are followed, as Docker does."""
        wanted = name
        for _ in range(_MAX_HOPS):
            place = self._places.get(wanted)
            if place is None:
                raise _missing(self._path, name)
            if not place.link:
                return Blob(self._fd, offset=place.offset, size=place.size, owned=False)
            wanted = place.link
        raise InvalidInputError(f"'{self._path}': '{name}' is a link that leads in a circle")

    def close(self) -> None:
        """Close the archive."""
        os.close(self._fd)

    def _index(self) -> dict[str, _Place]:
        size = os.fstat(self._fd).st_size
        reader = tar.TarReader(tar.FileSource(self._fd, offset=0, size=size))
        found: dict[str, _Place] = {}
        while entry := reader.next_entry():
            name = clean(entry.name)
            link = b""
            if entry.kind == tar.SYMLINK:
                link = clean(os.path.join(os.path.dirname(name), entry.link))
            elif entry.kind == tar.HARDLINK:
                link = clean(entry.link)
            elif entry.kind != tar.FILE:
                continue
            if entry.segments is not None:
                raise InvalidInputError(f"{tar.show(name)} is a sparse file")
            place = _Place(reader.offset, entry.size, os.fsdecode(link))
            found[os.fsdecode(name)] = place
            if len(found) > _MAX_FILES:
                raise InvalidInputError(f"it holds more than {_MAX_FILES} files")
        return found


def _plain_file(fd: int, scratch: str, limits: Limits) -> int:
    """``fd`` itself, or a decompressed copy that replaces it."""
    size = os.fstat(fd).st_size
    if not compress.kind_of(os.pread(fd, 6, 0)):
        return fd
    copy = os.open(scratch, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        total = 0
        with open(copy, "wb", closefd=False) as file:
            for piece in compress.plain(Blob(fd, offset=0, size=size, owned=False)):
                total += len(piece)
                if total > limits.stream:
                    raise InvalidInputError(
                        f"the archive is longer than {limits.stream} bytes",
                        hint="it looks made to fill the disk",
                    )
                file.write(piece)
    except BaseException:
        os.close(copy)
        raise
    os.close(fd)
    return copy


def _missing(path: str, name: str) -> NotFoundError:
    return NotFoundError(
        f"'{path}' lacks '{name}'", hint="the image is not whole: fetch or save it again"
    )
