"""Where an image named on the command line lies: this host, a directory or a file."""

import os
import stat

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

HOST = "host"
_TRANSPORTS = {"oci": "directory", "oci-archive": "file", "docker-archive": "file"}
_ACCEPTED = (
    "accepted: 'host' (this machine's own /usr), what 'dockyard images' lists, the directory of an"
    " OCI layout, or an archive of 'docker save' or OCI; a path holds a '/'"
)


class NotStoredError(NotFoundError):
    """No image of that name is in the store; a registry may have it."""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class Place:
    """An image's path, the tag asked for (``""``: the only one), and what tells a change.

    ``stamp`` belongs to the archive, or to the layout's index, which names all the rest by digest.
    """

    path: str
    tag: str
    directory: bool
    stamp: tuple[int, ...]


def locate(reference: str) -> Place:
    """Find the image ``reference``; ``NotFoundError`` says what is accepted instead."""
    if not reference:
        raise InvalidInputError("the image's name is empty", hint=_ACCEPTED)
    transport, colon, rest = reference.partition(":")
    if colon and transport in _TRANSPORTS:
        place = _at(rest, reference)
        wanted = _TRANSPORTS[transport]
        if place.directory != (wanted == "directory"):
            raise InvalidInputError(f"'{place.path}' is no {wanted}, which '{transport}:' expects")
        return place
    if "/" not in reference and reference not in (".", ".."):
        raise _unknown(reference)
    if not reference.startswith(("/", ".")) and not os.path.lexists(
        reference.split(":", maxsplit=1)[0]
    ):
        raise _unknown(reference)
    return _at(reference, reference)


def is_path(reference: str) -> bool:
    """Whether ``reference`` can only mean a file or directory, and no name in the store."""
    start = reference.partition(":")[0]
    return reference.startswith(("/", ".")) or (start in _TRANSPORTS and start != reference)


def stamp_of(found: os.stat_result) -> tuple[int, ...]:
    """Numbers that differ when a file was changed or replaced."""
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _at(text: str, reference: str) -> Place:
    """``PATH`` or ``PATH:TAG``; what exists decides, for both may hold colons."""
    for path, tag in _readings(text):
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"image '{reference}': {_why(error)}") from None
        return _place(os.path.abspath(path), tag, found)
    raise _no_path(text, reference)


def _why(error: Exception) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else str(error)


def _readings(text: str) -> "Iterator[tuple[str, str]]":
    yield text, ""
    at = text.find(":", 1)
    while at >= 0:
        yield text[:at], text[at + 1 :]
        at = text.find(":", at + 1)


def _place(path: str, tag: str, found: os.stat_result) -> Place:
    if stat.S_ISREG(found.st_mode):
        return Place(path=path, tag=tag, directory=False, stamp=stamp_of(found))
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidInputError(f"image '{path}' is neither a directory nor a file")
    try:
        index = os.stat(os.path.join(path, "index.json"))
    except (FileNotFoundError, NotADirectoryError):
        raise _no_layout(path) from None
    return Place(path=path, tag=tag, directory=True, stamp=stamp_of(index))


def _no_layout(path: str) -> ToolkitError:
    inside = set(os.listdir(path))
    if inside & {"bin", "usr"} and inside & {"etc", "lib", "sbin"}:
        hint = f"it looks like a root file system: use '--rootfs {path}'"
    else:
        hint = "an OCI layout has 'index.json', 'oci-layout' and 'blobs'"
    what = "is empty" if not inside else "is no OCI layout: it lacks 'index.json'"
    return InvalidInputError(f"'{path}' {what}", hint=hint)


def _no_path(text: str, reference: str) -> NotFoundError:
    directory, name = os.path.split(text.rstrip("/"))
    try:
        known = os.listdir(directory or ".")
    except OSError:
        return NotFoundError(f"no image '{reference}': no directory '{directory}'", hint=_ACCEPTED)
    near = did_you_mean(name, known)
    if near:
        near = did_you_mean(text, [os.path.join(directory, item) for item in known]) or near
    return NotFoundError(f"no image '{reference}'", hint=near or _ACCEPTED)


def _unknown(reference: str) -> NotStoredError:
    here = reference.partition(":")[0]
    if os.path.lexists(here):
        hint = f"for the image in this directory write './{reference}'"
    else:
        hint = did_you_mean(reference, (HOST,)) or _ACCEPTED
    return NotStoredError(f"no image '{reference}'", hint=hint)
