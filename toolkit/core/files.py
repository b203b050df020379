"""Whole-file writes that a crash cannot tear, and the folders that ship with dockyard.

On the path of a container's start, so it imports nothing but ``os``.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_DEEP = 100  # levels that are walked with open descriptors; what lies deeper is moved up first


def write_atomic(
    path: "str | PathLike[str]", data: bytes, *, mode: int = 0o644, sync: bool = True
) -> None:
    """Replace ``path`` by ``data``: readers see the old content or the new, never a part.

    Without ``sync`` that holds for a killed process only, not for a crash of the machine.
    The temporary file lies beside ``path`` and is removed if anything fails.
    """
    path = os.fspath(path)
    temporary = f"{path}.{os.urandom(6).hex()}.new"  # threads and killed processes share a pid
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def shipped(name: str) -> str:
    """A folder that ships (checks, playbooks, vagrant): inside the wheel, or in the source tree."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "share", name)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), name)


def remove_tree(path: "str | bytes | PathLike[str]", *, dir_fd: int | None = None) -> None:
    """Remove a directory and all below it; nothing where ``path`` does not exist.

    For trees that an enemy filled: links are never followed, and any depth takes few descriptors
    and little stack. A file or a link is removed as such; a mount is ``EBUSY``. Nobody may be
    writing there, but others may be removing it, too.
    """
    try:
        top = os.open(path, _DIRECTORY, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    except NotADirectoryError:  # also a link (open(2), O_DIRECTORY with O_NOFOLLOW)
        _forgiving(os.unlink, path, dir_fd)
        return
    try:
        while _empty(top, top, 0):
            pass
    finally:
        os.close(top)
    _forgiving(os.rmdir, path, dir_fd)


def _forgiving(
    remove: "Callable[..., None]", path: "str | bytes | PathLike[str]", dir_fd: int | None
) -> None:
    """What somebody else has just removed is removed."""
    try:
        remove(path, dir_fd=dir_fd)
    except FileNotFoundError:
        return


def _empty(fd: int, top: int, depth: int) -> bool:
    """Empty the directory ``fd``; whether directories that lie too deep were moved to ``top``."""
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    moved = False
    for name, is_directory in found:
        if not is_directory:
            _forgiving(os.unlink, name, fd)
        elif depth == _DEEP:
            _lift(name, fd, top)
            moved = True
        else:
            moved |= _remove_inner(name, fd, top, depth + 1)
    return moved


def _remove_inner(name: str, fd: int, top: int, depth: int) -> bool:
    try:
        inner = os.open(name, _DIRECTORY, dir_fd=fd)
    except FileNotFoundError:
        return False
    try:
        moved = _empty(inner, top, depth)
    finally:
        os.close(inner)
    _forgiving(os.rmdir, name, fd)
    return moved


def _lift(name: str, fd: int, top: int) -> None:
    lifted = f".deep.{os.urandom(12).hex()}"  # a name that an enemy cannot have taken
    try:
        os.rename(name, lifted, src_dir_fd=fd, dst_dir_fd=top)
    except FileNotFoundError:
        return
