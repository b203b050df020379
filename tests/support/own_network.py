"""A network namespace of its own for a test: a child that nothing outside can see."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyroute2  # noqa: F401, TID251 - loaded once here, so that no child loads it again

from support.fork import in_child
from toolkit.linux.mounts import MountFlag, mount
from toolkit.linux.namespaces import NamespaceFlag, unshare

T = TypeVar("T")


def in_own_network(action: Callable[[], T]) -> T:
    """The value of ``action()`` in a child with an empty network and a ``/sys`` that shows it."""

    def enter() -> T:
        unshare(NamespaceFlag.NETWORK | NamespaceFlag.MOUNT)
        mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
        mount("sysfs", "/sys", "sysfs")
        return action()

    return in_child(enter)


def in_own_machine(action: Callable[[], T], scratch: Path) -> T:
    """The same with an ``/etc`` and a ``/var`` whose changes end with the child.

    ``scratch`` is an empty folder for them to lie in.
    """

    def enter() -> T:
        mount("tmpfs", scratch, "tmpfs")
        for number, folder in enumerate(("/etc", "/var")):
            upper, work = scratch / f"upper{number}", scratch / f"work{number}"
            upper.mkdir()
            work.mkdir()
            layers = f"lowerdir={folder},upperdir={upper},workdir={work}"
            mount("overlay", folder, "overlay", data=layers)
        return action()

    return in_own_network(enter)


def ip(*words: str) -> str:
    """What iproute2 does or says: a second source beside the code under test."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
