"""Descriptors: which stay open in a fork."""

from __future__ import annotations

import errno
import os
import stat

from toolkit.linux.process import close_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LAST = 0x7FFFFFFF
_NOT_REOPENED = (errno.ENXIO, errno.EACCES, errno.EPERM, errno.ENOENT)  # sockets are ENXIO


def keep_only(fds: Iterable[int]) -> None:
    """Close every descriptor but these and stdio; no later open may take the place of stdio."""
    following = 3
    for fd in sorted(set(fds)):
        if fd > following:
            close_range(following, fd - 1)
        following = max(following, fd + 1)
    close_range(following, _LAST)


def set_nonblocking(fd: int) -> None:
    """For descriptors whose description is ours alone: the flag is shared with every duplicate."""
    os.set_blocking(fd, False)


def nonblocking_copy(fd: int) -> int:
    """A descriptor to write to without ever waiting, leaving the flags of ``fd`` alone.

    A pipe or terminal is opened anew through ``/proc``; what cannot be opened so is duplicated.
    """
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            return os.open(f"/proc/self/fd/{fd}", flags)
        except OSError as error:
            if error.errno not in _NOT_REOPENED:
                raise
    return os.dup(fd)


def shared_pipe() -> tuple[int, int]:
    """A pipe's read end, and an end that can both read and write.

    Whoever holds the second end never gets EPIPE, because it is a reader too: so a container
    outlives the process that reads its output.
    """
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    both = os.open(f"/proc/self/fd/{write}", os.O_RDWR | os.O_CLOEXEC)
    os.close(write)
    return read, both
