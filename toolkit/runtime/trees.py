"""Small files written in one piece, and directories set aside to be removed later."""

from __future__ import annotations

import os

from toolkit.core.files import remove_tree

_GONE = ".gone-"


def put(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file that nobody needs after a crash of the machine: no fsync, which costs 5 ms."""
    new = f"{path}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
    os.rename(new, path)


def set_aside(path: str) -> str:
    """Rename a directory out of sight, to be removed later; its new path, ``""`` if it is gone.

    The name begins with a dot, as no container's does, and says what it is.
    """
    parent, name = os.path.split(path.rstrip("/"))
    aside = f"{parent}/{_GONE}{name}-{os.getpid()}"
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return ""
    return aside


def sweep(folder: str) -> None:
    """Remove what was set aside in ``folder`` by processes that were killed before they did it."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        owner = name.rpartition("-")[2]
        if name.startswith(_GONE) and not os.path.exists(f"/proc/{owner}"):
            remove_tree(f"{folder}/{name}")
