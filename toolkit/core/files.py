"""Whole-file writes that a crash cannot tear, and the folders that ship with dockyard.

On the path of a container's start, so it imports nothing but ``os``.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

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
    and little stack. Nobody else may be writing there.
    """
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    try:
        while _empty(top, top, 0):
            pass
    finally:
        os.close(top)
    os.rmdir(path, dir_fd=dir_fd)


def _empty(fd: int, top: int, depth: int) -> bool:
    """Empty the directory ``fd``; whether directories that lie too deep were moved to ``top``."""
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    moved = False
    for name, is_directory in found:
        if not is_directory:
            os.unlink(name, dir_fd=fd)
        elif depth == _DEEP:
            lifted = f".deep.{os.urandom(12).hex()}"  # a name that an enemy cannot have taken
            os.rename(name, lifted, src_dir_fd=fd, dst_dir_fd=top)
            moved = True
        else:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                moved |= _empty(inner, top, depth + 1)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=fd)
    return moved
