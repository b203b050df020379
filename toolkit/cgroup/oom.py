"""Hearing of it when the kernel kills a process of a group for want of memory."""

import os
import select

from toolkit.cgroup import files
from toolkit.cgroup.layout import UNIFIED
from toolkit.core.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

_EVENTS = "memory.events"
_CONTROL = "memory.oom_control"


class OomWatch:
    """A descriptor to poll for ``events``; then ``take`` says how often it has happened since.

    v1 tells through an eventfd that is registered in ``cgroup.event_control`` (memory.rst, "OOM
    Control"), v2 by a change of ``memory.events`` (cgroup-v2.rst).
    """

    def __init__(self, paths: "Mapping[str, str]") -> None:
        if "memory" in paths:
            self._directory, self._old = paths["memory"], True
            self.events = select.POLLIN
            self._fd = _register(self._directory)
        elif os.path.exists(f"{paths.get(UNIFIED, '')}/{_EVENTS}"):
            self._directory, self._old = paths[UNIFIED], False
            self.events = select.POLLPRI
            self._fd = os.open(f"{self._directory}/{_EVENTS}", os.O_RDONLY | os.O_CLOEXEC)
            self._seen = self._count()
        else:
            raise UnsupportedError(
                "nobody tells here when memory runs out: the container has no memory controller",
                hint="'events --stats' prints what there is",
            )

    def fileno(self) -> int:
        """For poll."""
        return self._fd

    def take(self) -> int:
        """How many kills there were since the last time; a group that is gone has none."""
        if self._old:
            try:
                told = int.from_bytes(os.read(self._fd, 8), "little")
            except BlockingIOError:
                return 0
            # The removal of the group is told in the same way.
            return told if os.path.exists(f"{self._directory}/{_CONTROL}") else 0
        before, self._seen = self._seen, self._count()
        return max(0, self._seen - before)

    def close(self) -> None:
        """Hear of nothing any more."""
        os.close(self._fd)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self) -> int:
        try:
            text = os.pread(self._fd, 4096, 0).decode()
        except OSError:  # ENODEV: the group is gone
            return 0
        return files.flat(text).get("oom_kill", 0)


def _register(directory: str) -> int:
    fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        control = os.open(f"{directory}/{_CONTROL}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            files.write(directory, "cgroup.event_control", f"{fd} {control}")
        finally:
            os.close(control)  # the kernel holds what it needs
    except BaseException:
        os.close(fd)
        raise
    return fd
