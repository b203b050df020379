"""Reads a file of lines that grows, and that may be set aside for a new one meanwhile."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

PAUSE = 0.05  # seconds between two looks at a file that is followed


def open_lines(path: str) -> "BinaryIO | None":
    """The file, ``None`` where there is none."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return None


def whole(file: "BinaryIO") -> "Iterator[bytes]":
    """The lines from here on; one that is being written is left for the next look."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), os.SEEK_CUR)
            return
        yield line


def is_aside(file: "BinaryIO", path: str, *, if_gone: bool) -> bool:
    """Whether another file stands at ``path`` now; ``if_gone`` where none does."""
    try:
        return os.stat(path).st_ino != os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return if_gone
