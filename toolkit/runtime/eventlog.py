"""Adds events to the log of what happened; the engine reads it (``engine.events``).

The shim notes a container's end here, because nobody else need be there to see it. A line is
Docker's event as its API sends it. Writers append one line at a time; a log that has grown is set
aside (``.1``) and begun anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from toolkit.runtime.messages import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Event = dict[str, Any]

_LONGEST = 4 << 20  # bytes, then a log is set aside
_NANO = 10**9
_LOST = (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def make(kind: str, action: str, actor: str, attributes: Mapping[str, str]) -> Event:
    """An event of now, in Docker's shape; the old short fields are for containers and images."""
    now = time.time_ns()
    event: Event = {}
    if kind in ("container", "image"):
        event = {"status": action, "id": actor}
    if kind == "container" and "image" in attributes:
        event["from"] = attributes["image"]
    return {
        **event,
        "Type": kind,
        "Action": action,
        "Actor": {"ID": actor, "Attributes": dict(attributes)},
        "scope": "local",
        "time": now // _NANO,
        "timeNano": now,
    }


def append(path: str, event: Event) -> None:
    """Add a line. That nobody can hear of it (a full disk) never fails what happened."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        if error.errno not in _LOST:
            raise
        return
    try:
        os.write(fd, f"{encode(event)}\n".encode())
        if os.fstat(fd).st_size > _LONGEST:
            _set_aside(path, fd)
    except OSError as error:
        if error.errno not in _LOST:
            raise
    finally:
        os.close(fd)


def _set_aside(path: str, fd: int) -> None:
    """Under a lock, and only if the path still leads there: another may have been faster."""
    fcntl.flock(fd, fcntl.LOCK_EX)
    here, there = os.fstat(fd), os.stat(path)
    if here.st_ino == there.st_ino:
        os.rename(path, f"{path}.1")
