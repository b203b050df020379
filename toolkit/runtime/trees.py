"""Small files written in one piece, and directories removed whole, without ``shutil``."""

from __future__ import annotations

import os

from toolkit.core.undo import Forgiven

_GONE = ".gone-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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


def remove_tree(path: str) -> None:
    """Remove a directory and all below it; links are not followed, mounts are ``EBUSY``.

    What is not there counts as removed, as does what another process removes meanwhile.
    """
    parent, name = os.path.split(path.rstrip("/"))
    try:
        fd = os.open(parent or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _remove(fd, name)
    finally:
        os.close(fd)


def _remove(parent: int, name: str) -> None:
    try:
        fd = os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        os.unlink(name, dir_fd=parent)
        return
    try:
        with os.scandir(fd) as entries:
            inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for entry, is_directory in inside:
            if is_directory:
                _remove(fd, entry)
            else:
                with Forgiven(FileNotFoundError):
                    os.unlink(entry, dir_fd=fd)
    finally:
        os.close(fd)
    with Forgiven(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)
