"""From what a caller has to a request's context and texts: a directory, or a tar stream.

The context may come from anyone: a tar is unpacked by a confined process, and files in it are
opened as if its directory were ``/``.
"""

import os
from contextlib import contextmanager

from toolkit.building.site import folder_below
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.record import record
from toolkit.images import compress
from toolkit.images.limits import Limits, Policy
from toolkit.images.unpack import Unpacker
from toolkit.linux.paths import open_in_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE, IGNORE = "Dockerfile", ".dockerignore"
_MAX_TEXT = 16 << 20
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_POLICY = Policy(owners=False, devices=False, opaque="user.overlay.opaque", whiteouts=False)


@record
class Texts:
    """The Dockerfile, its name in messages, and what is ignored."""

    dockerfile: str
    file: str
    ignore: str


def read_texts(context: str, file: str = DOCKERFILE) -> Texts:
    """The Dockerfile ``file`` of a context directory and its ``.dockerignore``."""
    root = os.open(context, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        text = _read(root, file)
        if text is None:
            raise NotFoundError(
                f"the build context has no '{file}'", hint="name another one with -f"
            )
        return Texts(dockerfile=text, file=file, ignore=_ignored(root, file))
    finally:
        os.close(root)


def read_ignored(context: str, file: str = "") -> str:
    """The ``.dockerignore`` of a context; one named after the Dockerfile comes first."""
    root = os.open(context, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _ignored(root, file)
    finally:
        os.close(root)


def _ignored(root: int, file: str) -> str:
    own = _read(root, f"{file}{IGNORE}") if file else None
    return own if own is not None else _read(root, IGNORE) or ""


def _read(root: int, path: str) -> str | None:
    try:
        fd = open_in_root(root, path, _READ)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(fd, "rb") as file:
        try:
            data = file.read(_MAX_TEXT + 1)
        except IsADirectoryError:
            raise InvalidInputError(f"'{path}' is a directory, no file") from None
    if len(data) > _MAX_TEXT:
        raise InvalidInputError(f"'{path}' is larger than {_MAX_TEXT} bytes")
    return text_of(data, path)


def text_of(data: bytes, name: str) -> str:
    """The text of a Dockerfile."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{name}:{line}: this is no UTF-8 text") from None


def is_archive(start: bytes) -> bool:
    """Whether a stream that begins so is a tar archive, compressed or not."""
    return bool(compress.kind_of(start)) or start[257:262] == b"ustar"


@contextmanager
def unpacked(stream: compress.Source, data_root: str) -> "Iterator[str]":
    """The context in a tar stream, in a directory that is gone afterwards.

    ``InvalidInputError`` for what is no archive or leads out of it.
    """
    with folder_below(data_root) as folder, Unpacker(limits=Limits(), policy=_POLICY) as unpacker:
        directory = os.path.join(folder, "context")
        os.mkdir(directory, 0o700)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            tar = compress.plain(stream)
            unpacker.unpack(tar, directory, lowers=tuple, lock_fd=fd)
        except InvalidInputError as error:
            raise InvalidInputError(f"the build context: {error}", hint=error.hint) from None
        finally:
            os.close(fd)
        yield directory
