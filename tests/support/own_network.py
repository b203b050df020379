"""A network namespace of its own for a test: a child that nothing outside can see."""

import subprocess
from collections.abc import Callable
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


def ip(*words: str) -> str:
    """What iproute2 does or says: a second source beside the code under test."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
