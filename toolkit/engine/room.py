"""``system df``: how much room images, containers and volumes take, and what could be had back."""

import os

from toolkit.core.record import record
from toolkit.engine.sizes import written_size
from toolkit.images.layers import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.images.library import Library

_ACTIVE = ("running", "paused", "restarting")


@record
class Room:
    """One kind of thing: how many there are and are in use, bytes of all and of those unused."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


def room(engine: "Engine", library: "Library") -> list[Room]:
    """The kinds in Docker's order."""
    return [_images(library), _containers(engine), _volumes(engine), _cache()]


def _images(library: "Library") -> Room:
    """Layers that images share count once."""
    images = library.all()
    used = [image for image in images if library.users(image)]
    every = {chain for image in images for chain in image.chains}
    held = {chain for image in used for chain in image.chains}
    sizes = {chain: library.layers.bytes_of(chain) for chain in every}
    return Room(
        kind="Images",
        total=len(images),
        active=len(used),
        size=sum(sizes.values()),
        reclaimable=sum(sizes[chain] for chain in every - held),
    )


def _containers(engine: "Engine") -> Room:
    sizes = [
        (view.status in _ACTIVE, written_size(engine.settings, view.id))
        for view in engine.list(all=True)
    ]
    return _sum("Containers", sizes)


def _volumes(engine: "Engine") -> Room:
    sizes = [
        (bool(one.users), count(one.path)[1] if os.path.isdir(one.path) else 0)
        for one in engine.volumes.select()
    ]
    return _sum("Local Volumes", sizes)


def _sum(kind: str, sizes: list[tuple[bool, int]]) -> Room:
    return Room(
        kind=kind,
        total=len(sizes),
        active=sum(1 for used, _ in sizes if used),
        size=sum(size for _, size in sizes),
        reclaimable=sum(size for used, size in sizes if not used),
    )


def _cache() -> Room:
    """Steps of builds are images here; nothing else is kept of them."""
    return Room(kind="Build Cache", total=0, active=0, size=0, reclaimable=0)
