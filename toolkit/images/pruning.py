"""Removes what nobody needs: images without a name or without a user, and leavings."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.images.collecting import alone, locked
from toolkit.images.describing import labels_of, seconds, truth
from toolkit.images.library import Library
from toolkit.images.stored import StoredImage
from toolkit.images.tables import ImageState

PRUNE_KEYS = ("dangling", "label", "label!", "until")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "ms": 0.001}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """The names taken away, the ids of images deleted, and the bytes that became free."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    bytes: int = 0


def prune(
    library: Library,
    *,
    everything: bool = False,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Pruned:
    """Remove images without a name (with ``everything`` all) that no container uses.

    Parts of pulls that ended early and layers of images that lie elsewhere go as well, unless
    somebody is busy with them.
    """
    asked = filters or {}
    if "dangling" in asked:
        everything = not truth("dangling", asked["dangling"][-1])
    before = disk_use(library)
    untagged: list[str] = []
    deleted: list[str] = []
    for image in library.all():
        if (image.names and not everything) or not _meets(library, image, asked):
            continue
        if library.users(image):
            continue
        with suppress(ConflictError):  # a container took it just now
            done = library.remove(str(image.id), force=bool(len(image.names) > 1))
            untagged += done.untagged
            deleted += done.deleted
    if not asked:
        _leavings(library)
    freed = max(before - disk_use(library), 0)
    return Pruned(untagged=tuple(untagged), deleted=tuple(deleted), bytes=freed)


def _meets(library: Library, image: StoredImage, filters: Mapping[str, Sequence[str]]) -> bool:
    if any(seconds(image.created) >= _moment(text) for text in filters.get("until", ())):
        return False
    labels = labels_of(library, image)
    wanted = [text.partition("=") for text in filters.get("label", ())]
    refused = [text.partition("=") for text in filters.get("label!", ())]
    return all(_has(labels, *pair) for pair in wanted) and not any(
        _has(labels, *pair) for pair in refused
    )


def _has(labels: Mapping[str, str], name: str, equals: str, value: str) -> bool:
    return name in labels and (not equals or labels[name] == value)


def _moment(text: str) -> float:
    """``until``: a time, seconds since 1970, or how long ago as Go writes it."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    if found := seconds(text if "T" in text else f"{text}T00:00:00"):
        return found
    total, number = 0.0, ""
    rest = text
    while rest:
        unit = next((one for one in ("ms", "h", "m", "s") if rest.startswith(one)), "")
        if unit and number:
            total, number, rest = total + float(number) * _UNITS[unit], "", rest[len(unit) :]
        elif rest[0].isdigit() or rest[0] == ".":
            number, rest = number + rest[0], rest[1:]
        else:
            break
    if rest or number or not text:
        raise InvalidInputError(
            f"invalid filter 'until={text}'", hint="for example 24h, 90m or 2024-05-06"
        )
    return time.time() - total


def _leavings(library: Library) -> None:
    """Parts nobody fetches, blobs nobody names, layers nobody stands on."""
    with alone(library.data_root) as free:
        if not free:
            return
        with ImageState(os.path.join(library.data_root, "state.db")) as state, state.transaction():
            named = {row[0] for row in state.query("SELECT DISTINCT blob FROM image_blobs")}
            held = {row[0] for row in state.query("SELECT DISTINCT chain FROM layer_uses")}
            for digest in library.blobs.all():
                if str(digest) not in named:
                    library.blobs.remove(digest)
            orphans = [name for name in _names(library, "layers") if name not in held]
            for name in orphans:
                state.query("INSERT OR IGNORE INTO image_orphans VALUES (?)", f"layers/{name}")
        for name in _names(library, "images/.parts", hidden=True):
            _remove_part(os.path.join(library.data_root, "images/.parts", name))
    library.collect()


def _names(library: Library, folder: str, *, hidden: bool = False) -> list[str]:
    try:
        found = os.listdir(os.path.join(library.data_root, folder))
    except FileNotFoundError:
        return []
    return [name for name in found if hidden or not name.startswith(".")]


def _remove_part(path: str) -> None:
    """Remove a part that nobody has locked."""
    with locked(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)) as free:
        if free:
            os.unlink(path)


def disk_use(library: Library) -> int:
    """Bytes of blobs and of unpacked layers, as they were counted."""
    total = 0
    for digest in library.blobs.all():
        with suppress(FileNotFoundError):
            total += os.stat(library.blobs.path(digest)).st_size
    return total + sum(library.layers.bytes_of(name) for name in _names(library, "layers"))
