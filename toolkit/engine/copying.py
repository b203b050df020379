"""Files in and out of containers, running or not, and whole containers as a tar."""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import closing

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.record import record, replace
from toolkit.core.undo import Undo
from toolkit.engine.merged import open_merged
from toolkit.engine.mounting import with_binds
from toolkit.engine.packing import Packer, Pieces, look, resolved
from toolkit.engine.placing import Placer
from toolkit.engine.written import written
from toolkit.images.tar import Source, TarReader
from toolkit.linux.paths import open_in_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from toolkit.engine.engine import Engine
    from toolkit.engine.model import View

_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_HERE = "."
_ALIVE = ("running", "paused")


@record
class Found:
    """What is at a path; ``link`` is what a symbolic link says."""

    name: str
    status: os.stat_result
    link: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.status.st_mode)


@record
class Spot:
    """A path below a root; ``name`` is what its asker called it."""

    root: int
    path: str
    name: str


class Files:
    """The files below ``root``, where ``mounts`` show other directories of the host.

    A context manager, which closes what it was given.
    """

    def __init__(self, root: int, mounts: dict[str, str] | None = None) -> None:
        self._root = root
        self._mounts = mounts or {}
        self._undo = Undo()
        self._undo.callback(os.close, root)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def spot(self, path: str, *, follow: bool = False) -> Spot:
        """Where ``path`` lies; a link at its end is followed before a slash, and if ``follow``."""
        whole = "/" + os.path.normpath(f"/{path}").lstrip("/")
        found = Spot(root=self._root, path=whole, name=os.path.basename(whole))
        for place in sorted(self._mounts, key=len, reverse=True):
            if whole == place or whole.startswith(f"{place}/"):
                fd = os.open(self._mounts[place], os.O_PATH | os.O_CLOEXEC)
                self._undo.callback(os.close, fd)
                found = replace(found, root=fd, path=whole.removeprefix(place) or "/")
                break
        if follow or path.endswith(("/", "/.")):
            found = replace(found, path=resolved(found.root, found.path))
        return found

    def find(self, path: str, *, follow: bool = False) -> Found | None:
        """What is at ``path``; None where nothing is."""
        spot = self.spot(path, follow=follow)
        status = look(spot.root, spot.path)
        if status is None:
            return None
        return Found(name=spot.name or "/", status=status, link=_link(spot, status))


def _link(spot: Spot, status: os.stat_result) -> str:
    if not stat.S_ISLNK(status.st_mode):
        return ""
    head, name = os.path.split(spot.path)
    parent = open_in_root(spot.root, head, _PLACE)
    try:
        return os.readlink(name, dir_fd=parent)
    finally:
        os.close(parent)


def pack(spot: Spot, name: bytes) -> Generator[bytes, None, None]:
    """A tar of what is there, called ``name``; without one of what is inside it."""
    packer = Packer(spot.root)
    yield from packer.pack(spot.path, name)
    yield packer.end()


def place(source: Source, spot: Spot, *, owner: tuple[int, int] | None) -> int:
    """Put a tar into a directory; the bytes of content. ``owner``: see ``Placer``."""
    try:
        into = open_in_root(spot.root, spot.path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise NotFoundError(f"there is no directory '{spot.path}'", hint="make it first") from None
    except NotADirectoryError:
        raise InvalidInputError(f"'{spot.path}' is no directory") from None
    try:
        placer = Placer(into, owner=owner)
        placer.run(TarReader(source))
    finally:
        os.close(into)
    return placer.bytes


def host_files() -> Files:
    """Those of this machine."""
    return Files(os.open("/", _PLACE))


def files_of(engine: "Engine", reference: str) -> Files:
    """Those of a container as it shows them now, or would if it ran."""
    view = engine.inspect(reference)
    if view.status in _ALIVE and view.pid:
        return Files(os.open(f"/proc/{view.pid}/root", _PLACE))
    found = written(engine, view.id)
    root = open_merged(found.lowers, upper=found.upper, work=_work(engine, view))
    return Files(root, _mounts(engine, view))


def _work(engine: "Engine", view: "View") -> str:
    return f"{engine.settings.container_dir(view.id)}/work"


def _mounts(engine: "Engine", view: "View") -> dict[str, str]:
    """What a container that does not run would show in place of its own directories."""
    image = written(engine, view.id).stored.image.binds
    config = with_binds(view.config, engine.settings)
    asked = [(bind.source, bind.target) for bind in config.binds]
    return {os.path.normpath(inside): outside for outside, inside in (*image, *asked)}


@record
class How:
    """``follow`` a link that is to be copied; who owns what is made, None for who owned it."""

    follow: bool = False
    owner: tuple[int, int] | None = None


def copy(source: Files, path: str, target: Files, into: str, *, how: How) -> int:
    """``cp``: what is at ``path`` of one to ``into`` of the other, by Docker's rules; the bytes."""
    found = source.find(path, follow=how.follow)
    if found is None:
        raise NotFoundError(f"there is no '{path}'")
    if path.endswith("/") and not found.is_folder:
        raise InvalidInputError(f"'{path}' is no directory")
    folder, name = _goal(found, path, target, into)
    with closing(pack(source.spot(path, follow=how.follow), os.fsencode(name))) as pieces:
        return place(Pieces(pieces), folder, owner=how.owner)


def _goal(found: Found, path: str, target: Files, into: str) -> tuple[Spot, str]:
    """The directory that takes it, and the name there; an empty one for its contents."""
    spot = target.spot(into, follow=True)
    there = look(spot.root, spot.path)
    if there is not None and stat.S_ISDIR(there.st_mode):
        only_contents = found.is_folder and os.path.basename(path) == _HERE
        return spot, "" if only_contents or found.name == "/" else found.name
    head, name = os.path.split(spot.path)
    outer = replace(spot, path=head)
    if there is None:
        if not found.is_folder and into.endswith("/"):
            raise NotFoundError(f"there is no directory '{into}'", hint="make it first")
        return outer, name
    if found.is_folder:
        raise InvalidInputError(f"a directory cannot be copied to the file '{into}'")
    if into.endswith("/"):
        raise InvalidInputError(f"'{into}' is no directory")
    return outer, name


def export(engine: "Engine", reference: str) -> Iterator[bytes]:
    """A tar of all files of a container, without what is mounted there."""
    view = engine.inspect(reference)
    found = written(engine, view.id)
    alive = view.status in _ALIVE and view.pid
    if alive:
        root = os.open(f"/proc/{view.pid}/root", _PLACE)
    else:
        root = open_merged(found.lowers, upper=found.upper, work=_work(engine, view))
    images = {inside.strip("/"): outside for outside, inside in found.stored.image.binds}
    try:
        packer = Packer(root, emptied=found.places, one_mount=bool(alive))
        yield from packer.pack("/", b"")
        for inside, outside in images.items():
            yield from _shown(outside, os.fsencode(inside))
        yield packer.end()
    finally:
        os.close(root)


def _shown(outside: str, name: bytes) -> Iterator[bytes]:
    """A tree of the host that an image shows."""
    fd = os.open(outside, _PLACE)
    try:
        yield from Packer(fd).pack("/", name)
    finally:
        os.close(fd)
