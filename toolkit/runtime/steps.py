"""The named steps of a start: which one is at work, and which one a test makes fail.

A failure before exec reports its stage by name. Every step has a name here so that the test of
fault injection can walk all of them.
"""

from __future__ import annotations

import errno

SHIM_STEPS = ("request", "state", "stdio", "fork", "cgroup", "join", "listen", "record", "relay")
ALONE_STEPS = (
    "request",
    "state",
    "gate",
    "fork",
    "cgroup",
    "join",
    "record",
    "listen",
    "made",
    "pid file",
    "leave",
)
"""Of who makes a container without a shim."""
INIT_STEPS = (
    "privacy",
    "namespaces",
    "sources",
    "root",
    "mounts",
    "cgroup namespace",
    "devices",
    "terminal",
    "sysctl",
    "protect",
    "host name",
    "process",
    "hooks",
    "pivot",
    "start hooks",
    "stdio",
    "identity",
    "exec",
)


class Steps:
    """``enter`` each step in turn; ``now`` is the last one entered."""

    def __init__(self, fault: str = "") -> None:
        self.now = ""
        self._fault = fault

    def enter(self, name: str) -> None:
        """Begin a step, or fail as a test asked for."""
        self.now = name
        if name == self._fault:
            raise OSError(errno.EIO, "fault: asked for by a test")
