"""What a container wrote: where it lies, and how it differs from the image."""

import os

from toolkit.core.errors import UnsupportedError
from toolkit.core.record import record
from toolkit.engine.prepare import overlay, prepare
from toolkit.engine.stored import load
from toolkit.images.changes import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.engine import Engine
    from toolkit.engine.stored import Stored


@record
class Written:
    """A container's own layer over those of its image; ``places`` are those of its mounts."""

    id: str
    stored: "Stored"
    upper: str
    lowers: tuple[str, ...]
    places: frozenset[bytes]


def written(engine: "Engine", reference: str) -> Written:
    """Where the files of a container lie; ``UnsupportedError`` where they are in memory only."""
    row = engine.database.find(reference)
    stored = load(row.config)
    made = prepare(engine.settings, row.id, stored, name=row.name)
    upper = overlay(engine.settings, made).upper
    if not upper.startswith("/"):
        raise UnsupportedError(
            f"container '{row.name}' writes into memory, which nobody else sees",
            hint="the data root lies on an overlay, or inside the container's own root",
        )
    mounts = (*made.spec.mounts, *made.spec.linux.devices)
    paths = (getattr(one, "destination", "") or getattr(one, "path", "") for one in mounts)
    places = frozenset(os.fsencode(path.strip("/")) for path in paths)
    return Written(id=row.id, stored=stored, upper=upper, lowers=stored.image.lower, places=places)


def differences(found: Written) -> "list[tuple[str, str]]":
    """``A``, ``C`` or ``D`` and the path of each file that differs from the image, by path."""
    walk = changes(found.upper, found.lowers, stubs=found.places)
    seen = [(change.kind, "/" + os.fsdecode(change.path)) for change in walk]
    return sorted(seen, key=lambda one: one[1])
