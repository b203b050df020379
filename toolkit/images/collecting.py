"""Takes away what no image and no container holds any more.

A removed image names its blobs and layers in ``image_orphans``, in the transaction that forgets
it. Each is removed once nobody holds it and nobody is *busy*: whoever fetches or unpacks may have
found a blob in its place and counts on it before any row says so. A layer moves aside inside a
transaction, so a container that is being made either holds it before or does not find it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from toolkit.core.files import remove_tree
from toolkit.images.tables import IMAGE, ImageState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.images.tables import State

_GONE = ".gone"


@contextmanager
def busy(data_root: str) -> Iterator[None]:
    """Hold off every ``collect``; many may be busy at once."""
    fd = os.open(_lock_file(data_root), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


@contextmanager
def alone(data_root: str) -> Iterator[bool]:
    """Whether nobody is busy; then nobody gets busy inside."""
    try:
        fd = os.open(_lock_file(data_root), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        yield False  # there is no store yet
        return
    with locked(fd) as free:
        yield free


@contextmanager
def locked(fd: int) -> Iterator[bool]:
    """Whether nobody else has locked the file; nobody does inside. ``fd`` is closed at the end."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(fd)


def collect(data_root: str) -> None:
    """Remove orphans; nothing happens where somebody is busy, for a later one finds them too."""
    with alone(data_root) as free:
        if free:
            _collect(data_root)


def _collect(data_root: str) -> None:
    aside = os.path.join(data_root, "layers", _GONE)
    with ImageState(os.path.join(data_root, "state.db")) as state, state.transaction():
        for (path,) in state.query("SELECT path FROM image_orphans"):
            if _settle(state, data_root, path):
                state.query("DELETE FROM image_orphans WHERE path=?", path)
    with suppress(FileNotFoundError):
        for name in os.listdir(aside):
            remove_tree(os.path.join(aside, name))


def _settle(state: "State", data_root: str, path: str) -> bool:
    """Remove one orphan if nobody holds it; whether it needs no further look."""
    kind, _, rest = path.partition("/")
    whole = os.path.join(data_root, path)
    if kind == "images":
        _, algorithm, digits = rest.split("/")
        blob = f"{algorithm}:{digits}"
        if not state.query("SELECT 1 FROM image_blobs WHERE blob=? LIMIT 1", blob):
            with suppress(FileNotFoundError):
                os.unlink(whole)
        return True
    asked = "SELECT holder FROM layer_uses WHERE chain=?"
    holders = [row[0] for row in state.query(asked, rest)]
    if holders:
        return any(holder.startswith(IMAGE) for holder in holders)  # a container: look again later
    aside = os.path.join(data_root, "layers", _GONE)
    os.makedirs(aside, mode=0o700, exist_ok=True)
    with suppress(FileNotFoundError):
        os.rename(whole, os.path.join(aside, f"{rest}.{os.urandom(6).hex()}"))
    return True


def _lock_file(data_root: str) -> str:
    return os.path.join(data_root, "images", ".busy")
