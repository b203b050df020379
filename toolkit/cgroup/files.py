"""Reading and writing the kernel's files in a group's directory, and making those directories."""

import errno
import os
import time

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_READ_SIZE = 1 << 16
_BAD_VALUES = (errno.EINVAL, errno.ERANGE, errno.ENODEV)


@record
class Write:
    """One value for one file, and what to say where it fails.

    ``limit`` names what the user asked for; ``missing`` is the hint where the kernel has no such
    file; ``optional`` means that a kernel without the file already does what is asked, ``instead``
    is what a kernel without it may have.
    """

    file: str
    value: str
    limit: str
    missing: str = ""
    optional: bool = False
    instead: "Write | None" = None


def write(directory: str, name: str, value: str) -> None:
    """Write ``value`` into a file that must exist; ``OSError`` names it."""
    path = f"{directory}/{name}"
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    except OSError as error:
        raise OSError(error.errno, f"write '{value}': {error.strerror}", path) from None
    finally:
        os.close(fd)


def read(directory: str, name: str) -> str:
    """The whole text of a file."""
    fd = os.open(f"{directory}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, _READ_SIZE):
            parts.append(part)
        return b"".join(parts).decode()
    finally:
        os.close(fd)


def read_or(directory: str, name: str, default: str) -> str:
    """The text of a file, or ``default`` where this kernel has none."""
    try:
        return read(directory, name)
    except FileNotFoundError:
        return default


def apply(directory: str, steps: tuple[Write, ...]) -> None:
    """Write every step; what the kernel refuses becomes an error in the user's own terms."""
    for step in steps:
        try:
            write(directory, step.file, step.value)
        except FileNotFoundError:
            if step.instead is not None:
                apply(directory, (step.instead,))
            elif not step.optional:
                raise UnsupportedError(
                    f"the limit '{step.limit}' needs '{step.file}', which this kernel lacks",
                    hint=step.missing,
                ) from None
        except OSError as error:
            if error.errno not in _BAD_VALUES:
                raise
            raise InvalidInputError(
                f"the limit '{step.limit}' cannot be '{step.value}': {error.strerror}"
            ) from None


def flat(text: str) -> dict[str, int]:
    """A file of ``key number`` lines."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def descendants(directory: str) -> "Iterator[str]":
    """The groups below ``directory`` and itself, the deepest first; vanishing ones are skipped."""
    try:
        with os.scandir(directory) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    for path in below:
        yield from descendants(path)
    yield directory


def processes(directory: str) -> list[int]:
    """The processes in a group and below; one of another pid namespace (0) is left out."""
    found = []
    for group in descendants(directory):
        text = read_or(group, "cgroup.procs", "")
        found += [int(line) for line in text.splitlines() if line != "0"]
    return found


def rmdir(directory: str, *, deadline: float) -> None:
    """Remove a group and those below; a busy one is tried again until ``deadline`` (monotonic)."""
    if _gone(directory):
        return  # nearly always there are none below, and looking takes longer than removing
    for group in descendants(directory):
        pause = 0.0005
        while not _gone(group):
            if time.monotonic() + pause > deadline:
                raise OSError(errno.EBUSY, "rmdir: processes are still in the group", group)
            time.sleep(pause)
            pause = min(pause * 2, 0.05)


def _gone(group: str) -> bool:
    try:
        os.rmdir(group)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def enter(directories: "Iterable[str]") -> None:
    """Move this process into groups of v1 and v2.

    ``0`` written to v1's ``tasks`` moves the writing thread alone, for which the kernel takes no
    lock over all processes; any write to ``cgroup.procs`` does, and waits 7 to 14 ms for a grace
    period of RCU.
    """
    for directory in directories:
        try:
            write(directory, "tasks", "0")
        except FileNotFoundError:
            write(directory, "cgroup.procs", "0")
