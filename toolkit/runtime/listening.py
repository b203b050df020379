"""A filter's flags, and the agent that answers for the kernel where a filter says "ask".

The maker connects to the agent's socket, whose path is the host's; the init loads the filter and
sends the descriptor there (config-linux.md, "The Container Process State").
"""

from __future__ import annotations

import _socket
import os

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.linux.seccomp import SeccompFlag
from toolkit.runtime.seccomp_rules import NOTIFY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_PLACE = "linux.seccomp"
_FLAGS = {
    f"SECCOMP_FILTER_FLAG_{name}": value
    for name, value in vars(SeccompFlag).items()
    if name in ("TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")
}
FLAGS = tuple(_FLAGS)
_VERSION = "1.2.0"  # of the state that is sent
# Whoever loads the filter needs it to hand the listener over.
_NEEDED = "sendmsg"


def asks(profile: Mapping[str, Any]) -> bool:
    """Whether some call of the profile is to be answered by a listener."""
    return any(entry.get("action") == NOTIFY for entry in profile.get("syscalls") or ())


def check(profile: Mapping[str, Any]) -> None:
    """``InvalidInputError`` for flags that are none, and for a question that nobody would hear."""
    load_flags(profile)
    if profile.get("defaultAction") == NOTIFY:
        raise InvalidInputError(
            f"{_PLACE}.defaultAction: '{NOTIFY}' would ask before there is anybody to answer"
        )
    if not asks(profile):
        return
    if not profile.get("listenerPath"):
        raise InvalidInputError(
            f"{_PLACE}.listenerPath: '{NOTIFY}' needs the socket of a listener",
            hint="name a Unix socket that a seccomp agent serves",
        )
    for index, entry in enumerate(profile.get("syscalls") or ()):
        if entry.get("action") == NOTIFY and _NEEDED in (entry.get("names") or ()):
            raise InvalidInputError(
                f"{_PLACE}.syscalls[{index}].names: '{_NEEDED}' cannot be asked about",
                hint="the listener itself is handed over with it",
            )


def load_flags(profile: Mapping[str, Any]) -> int:
    """The ``flags`` for seccomp(2). ``TSYNC`` is done: who loads the filter has one thread."""
    flags = SeccompFlag.NONE
    for index, name in enumerate(profile.get("flags") or ()):
        if name not in FLAGS:
            raise InvalidInputError(
                f"{_PLACE}.flags[{index}]: unknown flag '{name}'", hint=f"one of {', '.join(FLAGS)}"
            )
        flags |= _FLAGS[name]
    if flags & SeccompFlag.WAIT_KILLABLE_RECV and not asks(profile):
        raise InvalidInputError(
            f"{_PLACE}.flags: WAIT_KILLABLE_RECV is for a filter that asks a listener"
        )
    return flags & ~SeccompFlag.TSYNC


def extend(told: dict[str, Any], profile: Mapping[str, Any], state: Mapping[str, Any]) -> list[int]:
    """Add flags and listener to what an init is told; the descriptors to send with it.

    Whoever sends them closes them.
    """
    told["flags"] = load_flags(profile)
    if not asks(profile):
        return []
    told["listener"] = {"ociVersion": _VERSION, "fds": ["seccompFd"]}
    if profile.get("listenerMetadata"):
        told["listener"]["metadata"] = profile["listenerMetadata"]
    told["state"] = dict(state)
    return [_connect(str(profile["listenerPath"]))]


def _connect(path: str) -> int:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    directory, name = os.path.split(path)
    try:
        fd = os.open(directory or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sock.connect(f"/proc/self/fd/{fd}/{name}")  # a path may be longer than an address
        finally:
            os.close(fd)
    except OSError as error:
        sock.close()
        raise UnavailableError(
            f"{_PLACE}.listenerPath: '{path}': {error.strerror}",
            hint="the agent must serve there before the container is made",
        ) from None
    return sock.detach()
