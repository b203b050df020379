"""The process that touches files of stages: started once a build, it forks a child for each step.

Each child has a mount namespace of its own, mounts the stage's layers there and is gone with it,
whatever happens.
"""

import os
import stat
from collections.abc import Sequence
from typing import Any

from toolkit.building.copying import Copier, Manner, make_directories
from toolkit.building.ignoring import Ignore
from toolkit.building.selecting import Filter, select
from toolkit.core.errors import InvalidInputError
from toolkit.images import compress, tar
from toolkit.images.extract import Extractor
from toolkit.images.files import Blob
from toolkit.images.forking import serve
from toolkit.images.limits import Limits, Policy
from toolkit.linux.mounts import MountFlag, mount
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.linux.paths import open_in_root
from toolkit.runtime.request import Overlay
from toolkit.runtime.root import mount_overlay

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_POLICY = Policy(owners=True, devices=True, opaque="trusted.overlay.opaque", whiteouts=False)


def main() -> None:
    """Serve until nobody asks any more."""
    serve(_perform)


def _perform(asked: dict[str, Any], _fds: Sequence[int]) -> dict[str, Any]:
    os.umask(0)
    unshare(NamespaceFlag.MOUNT)
    mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    root = _stage(asked["root"])
    directory = False
    if asked["kind"] == "mkdir":
        owner = tuple(asked["owner"])
        os.close(make_directories(root, asked["path"], owner=(owner[0], owner[1])))
    else:
        for source in asked["sources"]:
            directory = _copy(source, root, asked)
    return {"directory": directory}


def _stage(place: dict[str, Any]) -> int:
    """The root of a stage: its layers mounted, or where there are none below, a plain directory."""
    lower = tuple(place["lower"])
    if not lower:
        return os.open(place["upper"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    overlay = Overlay(lower=lower, upper=place["upper"], work=place["work"], volatile=True)
    return mount_overlay(overlay, place["at"])


def _source(source: dict[str, Any]) -> int:
    """The root that files are taken from."""
    if "path" in source:
        return os.open(source["path"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return _stage(source["stage"])


def _copy(source: dict[str, Any], root: int, asked: dict[str, Any]) -> bool:
    """Copy what one source means; whether the last of it was a directory."""
    fd = _source(source)
    hidden = Filter(
        Ignore(tuple(one) for one in source["ignore"]),
        Ignore(tuple(one) for one in asked["exclude"]),
    )
    owner = asked["owner"]
    manner = Manner(None if owner is None else (owner[0], owner[1]), asked["mode"])
    copier = Copier(fd, root, hidden=hidden, manner=manner)
    found: list[str] = []
    for pattern in source["paths"]:
        found += select(fd, pattern, hidden, where=source["name"])
    destination = asked["destination"]
    if len(found) > 1 and not destination.endswith("/"):
        raise InvalidInputError(
            f"{len(found)} files go to '{destination}', which does not end in '/'",
            hint="a destination of several sources is a directory",
        )
    directory = False
    for path in found:
        unpacks = asked["unpack"] and not source.get("fetched")
        if not (unpacks and _unpack(fd, path, root, destination)):
            directory = copier.copy(path, destination)
    return directory


def _unpack(source: int, path: str, root: int, destination: str) -> bool:
    """Unpack an archive; False for anything else."""
    fd = open_in_root(source, path, _READ)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or not _is_archive(fd, found.st_size):
            return False
        target = make_directories(root, destination, owner=(0, 0))
        blob = Blob(fd, offset=0, size=found.st_size, owned=False)
        reader = tar.TarReader(_Plain(blob))
        try:
            _Onto(target, lowers=tuple, policy=_POLICY, limits=Limits()).run(reader)
        except InvalidInputError as error:
            raise InvalidInputError(f"'{path}': {error}", hint=error.hint) from None
        return True
    finally:
        os.close(fd)


def _is_archive(fd: int, size: int) -> bool:
    """Whether it is a tar archive, also behind a compression."""
    start = os.pread(fd, tar.BLOCK, 0)
    if compress.kind_of(start):
        try:
            pieces = compress.plain(Blob(fd, offset=0, size=size, owned=False))
            start = b""
            while len(start) < tar.BLOCK and (piece := next(pieces, b"")):
                start += piece
        except InvalidInputError:
            return False
    return start[257:262] == b"ustar"


class _Plain:
    """A decompressed stream as the source of a reader."""

    def __init__(self, blob: Blob) -> None:
        self._pieces = compress.plain(blob)
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if not self._held:
            self._held = next(self._pieces, b"")
        data, self._held = self._held[:size], self._held[size:]
        return data

    def skip(self, size: int, /) -> None:
        """Read them away."""
        while size:
            data = self.read(min(size, tar.CHUNK))
            if not data:
                raise tar.truncated()
            size -= len(data)


class _Onto(Extractor):
    """Unpacks over what is there: the top keeps its mode unless the archive names it."""

    def _as_below(self, path: bytes) -> Any:
        made = super()._as_below(path)
        if path:
            return made
        found = os.fstat(self._root)
        return made._replace(
            mode=stat.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            mtime_ns=found.st_mtime_ns,
        )
