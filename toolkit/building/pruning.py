"""``builder prune``: forget what steps made, and empty the caches that commands mounted."""

import fcntl
import os
from contextlib import closing

from toolkit.building.cache import CACHES, Cache
from toolkit.core.files import remove_tree
from toolkit.core.record import record
from toolkit.images.collecting import alone
from toolkit.images.layers import count
from toolkit.images.pruning import disk_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.images.library import Library


@record
class PrunedSteps:
    """The keys of the steps and the names of the caches that went, and the bytes that are free."""

    gone: tuple[str, ...] = ()
    bytes: int = 0


def prune_builds(
    library: "Library", *, everything: bool = False, before: float | None = None
) -> PrunedSteps:
    """Forget steps whose layer is in no image; with ``everything`` all steps, and mounted caches.

    ``before``, in seconds since 1970, spares what was used later. A build at work keeps all caches.
    """
    used = disk_use(library)
    with closing(Cache(library.data_root)) as cache:
        keys = cache.forget(everything=everything, before=before)
    library.collect()
    freed = max(0, used - disk_use(library))
    caches, size = _caches(library.data_root, before) if everything else ((), 0)
    return PrunedSteps(gone=(*keys, *caches), bytes=freed + size)


def _caches(data_root: str, before: float | None) -> tuple[tuple[str, ...], int]:
    """Remove the caches nobody uses; their names, and how many bytes they held."""
    top = os.path.join(data_root, CACHES)
    gone: list[str] = []
    size = 0
    with alone(data_root) as free:
        names = sorted(os.listdir(top)) if free and os.path.isdir(top) else []
        for name in names:
            path = os.path.join(top, name)
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if before is None or os.fstat(fd).st_mtime < before:
                    held = count(path)[1]
                    remove_tree(path)
                    size += held
                    gone.append(name)
            except BlockingIOError:
                continue
            finally:
                os.close(fd)
    return tuple(gone), size
