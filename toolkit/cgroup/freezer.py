"""Stopping every process of a group at once, and letting them go on."""

import time

from toolkit.cgroup import files
from toolkit.core.errors import UnavailableError

NAME = "freezer"
_STATE = "freezer.state"
_PAUSE = 0.001


def freeze_v1(directory: str, *, timeout: float) -> None:
    """Freeze; a group that will not freeze in time is thawed again, so that nothing hangs."""
    deadline = time.monotonic() + timeout
    try:
        while True:
            # A new process may slip in while the state is FREEZING: writing again catches it.
            files.write(directory, _STATE, "FROZEN")
            if files.read(directory, _STATE).strip() == "FROZEN":
                return
            _wait(directory, deadline)
    except BaseException:
        thaw_v1(directory)
        raise


def thaw_v1(directory: str) -> None:
    """Let the group go on; the kernel does it at once."""
    files.write(directory, _STATE, "THAWED")


def freeze_v2(directory: str, *, timeout: float) -> None:
    """Freeze; a group that will not freeze in time is thawed again."""
    deadline = time.monotonic() + timeout
    try:
        files.write(directory, "cgroup.freeze", "1")
        while files.flat(files.read(directory, "cgroup.events")).get("frozen") != 1:
            _wait(directory, deadline)
    except BaseException:
        thaw_v2(directory)
        raise


def thaw_v2(directory: str) -> None:
    """Let the group go on."""
    files.write(directory, "cgroup.freeze", "0")


def _wait(directory: str, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise UnavailableError(
            f"the processes of '{directory}' did not freeze in time",
            hint="one of them waits for a device; try again",
        )
    time.sleep(_PAUSE)
