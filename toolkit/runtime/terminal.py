"""The terminal of a container: a pty of its own devpts, its size, and its console node."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import termios

from toolkit.core.errors import ToolkitError
from toolkit.runtime.root import clone, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.oci.spec import ConsoleSize
    from toolkit.runtime.root import Root

_TIOCGPTPEER = 0x5441
_TIOCSPTLCK = 0x40045431
_PTMX = os.makedev(5, 2)
_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC


def open_pair(root: Root) -> tuple[int, int]:
    """Master and slave of a new terminal of the devpts that is mounted inside.

    The slave comes from the master (TIOCGPTPEER), not from a path that an enemy could swap.
    """
    try:
        master = root.open("/dev/pts/ptmx", _FLAGS)
    except FileNotFoundError:
        raise ToolkitError(
            "a terminal needs a devpts mount at '/dev/pts'", hint="add it to the mounts"
        ) from None
    status = os.fstat(master)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != _PTMX:
        raise ToolkitError("'/dev/pts/ptmx' of the container is no terminal multiplexer")
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    slave: int = fcntl.ioctl(master, _TIOCGPTPEER, _FLAGS)
    return master, slave


def set_size(fd: int, rows: int, columns: int) -> None:
    """Tell the terminal its size; the foreground processes get SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def set_console_size(fd: int, size: ConsoleSize | None) -> None:
    """The size that the specification asks for, if any."""
    if size is not None and size.height and size.width:
        set_size(fd, size.height, size.width)


def make_console(root: Root, slave: int) -> None:
    """Show the terminal as ``/dev/console``."""
    tree = clone(slave)
    put(tree, root.place("/dev/console", like=tree))


def control(slave: int) -> None:
    """Make the terminal the controlling one of this session, whose leader this process is."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
