"""Whole-file writes that a crash cannot tear, and the folders that ship with dockyard.

On the path of a container's start, so it imports nothing but ``os``.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike


def write_atomic(path: "str | PathLike[str]", data: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data``: readers see the old content or the new, never a part.

    The temporary file lies beside ``path`` and is removed if anything fails.
    """
    path = os.fspath(path)
    temporary = f"{path}.{os.getpid()}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def shipped(name: str) -> str:
    """The folder ``checks`` or ``playbooks``: inside the wheel, or in the source tree."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "share", name)
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), name)
