"""Namespaces that are made before anybody asks for them.

A network namespace takes half a millisecond to make. A launcher with nothing to do goes into new
namespaces, keeps their descriptors and goes back; the next init joins them instead of making its
own. Each set serves one container.
"""

from __future__ import annotations

import os

from toolkit.linux.namespaces import BY_OCI_NAME, NamespaceFlag, setns
from toolkit.runtime import joins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.oci.spec import Spec

_FILES = {"network": "net", "ipc": "ipc", "uts": "uts"}
_FLAGS = NamespaceFlag.NETWORK | NamespaceFlag.IPC | NamespaceFlag.UTS


class Spaces:
    """A set of namespaces by descriptor; empty until ``prepare``."""

    def __init__(self, fds: dict[str, int] | None = None) -> None:
        self._fds = fds or {}

    def prepare(self) -> None:
        """Make a set, if there is none. For a process with one thread."""
        if self._fds:
            return
        home = _open_all()
        try:
            joins.make_namespaces(_FLAGS)
            self._fds = _open_all()
        finally:
            for name, fd in home.items():
                setns(fd, BY_OCI_NAME[name])
                os.close(fd)

    def take(self) -> Spaces:
        """The set, which is the caller's from now on."""
        taken, self._fds = Spaces(self._fds), {}
        return taken

    def fds(self) -> tuple[int, ...]:
        """The descriptors, for whoever closes all others."""
        return tuple(self._fds.values())

    def enter(self, spec: Spec) -> int:
        """Join those that ``spec`` wants to be new; their flags."""
        listed, entered = joins.wanted(spec), 0
        for name, fd in self._fds.items():
            if listed.get(name) == "":
                setns(fd, BY_OCI_NAME[name])
                entered |= BY_OCI_NAME[name]
        self.close()
        return entered

    def close(self) -> None:
        """Let go of the set."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds = {}


def _open_all() -> dict[str, int]:
    flags = os.O_RDONLY | os.O_CLOEXEC
    return {name: os.open(f"/proc/self/ns/{file}", flags) for name, file in _FILES.items()}
