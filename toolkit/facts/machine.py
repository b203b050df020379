"""The reading half of a machine: what a probe may ask for."""

from collections.abc import Iterable
from typing import Protocol

from toolkit.core.process import Completed
from toolkit.core.record import record
from toolkit.net.model import Link, Route


@record
class Stat:
    """What ``lstat`` tells: ``mode`` holds the permission bits only, times are in seconds.

    ``kind`` is one of ``file directory link fifo socket block char``; ``inode`` is the device and
    the number on it, ``links`` the number of names that it has; ``device`` is the number of the
    device that a node stands for, ``blocks`` counts 512 bytes.
    """

    kind: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: float = 0.0
    inode: tuple[int, int] = (0, 0)
    links: int = 1
    atime: float = 0.0
    ctime: float = 0.0
    device: int = 0
    blocks: int = 0
    block_size: int = 4096


class ReadableFiles(Protocol):
    """Files by absolute path; a missing path is ``FileNotFoundError`` except for ``stat``."""

    def read(self, path: str) -> bytes:
        """The whole content; links are followed."""

    def stat(self, path: str, *, follow: bool = True) -> Stat | None:
        """What lies there; ``None`` where nothing does, dangling links included."""

    def listdir(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""

    def readlink(self, path: str) -> str:
        """The target of a symbolic link, as written."""

    def space(self, path: str) -> tuple[int, int] | None:
        """Bytes of the file system there: all, and what is left for users; ``None`` if unknown."""


class ReadableNetwork(Protocol):
    """The network namespace that the machine's services live in."""

    def links(self) -> tuple[Link, ...]:
        """Every link, in the kernel's order."""

    def routes(self) -> tuple[Route, ...]:
        """The main tables of IPv4 and IPv6."""


class Machine(Protocol):
    """What a probe reads: files, the network, and programs that only tell."""

    @property
    def files(self) -> ReadableFiles:
        """The root file system."""

    @property
    def net(self) -> ReadableNetwork:
        """Links and routes."""

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        """Run a program that changes nothing; any status is accepted.

        Status 127 stands for a program that is not installed.
        """


def text(machine: Machine, path: str) -> str:
    """The content of a text file, ``""`` where there is none; broken UTF-8 is replaced."""
    try:
        return machine.files.read(path).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def names(machine: Machine, path: str) -> tuple[str, ...]:
    """The names in a directory, none where it does not exist."""
    try:
        return machine.files.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()


def first(lines: Iterable[str], start: str) -> str:
    """What follows ``start`` in the first line that begins with it, stripped; else ``""``."""
    for line in lines:
        if line.startswith(start):
            return line[len(start) :].strip()
    return ""
