"""Processes that clients asked for in running containers: made first, started later, kept a while.

They live in memory, as Docker's do: a process goes on when the server is killed, its record does
not.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import NotFoundError, ToolkitError

if TYPE_CHECKING:
    from toolkit.engine.model import ExecConfig
    from toolkit.engine.seams import Session

_KEPT = 1000  # of those that have ended


@dataclass(slots=True)
class Exec:
    """One process: ``status`` None while it runs or waits; ``body`` is what the client sent."""

    id: str
    container: str
    config: "ExecConfig"
    body: dict[str, Any]
    session: "Session | None" = None
    pid: int = 0
    started: bool = False
    status: int | None = None

    def document(self) -> dict[str, Any]:
        """As ``exec/{id}/json`` shows it."""
        config = self.config
        return {
            "ID": self.id,
            "Running": self.session is not None,
            "ExitCode": self.status,
            "ProcessConfig": {
                "tty": config.tty,
                "entrypoint": config.command[0],
                "arguments": list(config.command[1:]),
                "privileged": config.privileged,
                "user": config.user,
            },
            "OpenStdin": bool(self.body.get("AttachStdin")),
            "OpenStderr": bool(self.body.get("AttachStderr")),
            "OpenStdout": bool(self.body.get("AttachStdout")),
            "CanRemove": False,
            "ContainerID": self.container,
            "DetachKeys": "",
            "Pid": self.pid,
        }


def new_id() -> str:
    """Sixty-four hexadecimal digits."""
    return os.urandom(32).hex()


def find(execs: dict[str, Exec], name: str) -> Exec:
    """The one of that id, or of its unique beginning."""
    if name in execs:
        return execs[name]
    found = [one for key, one in execs.items() if key.startswith(name)]
    if len(found) != 1:
        raise NotFoundError(f"No such exec instance: {name}")
    return found[0]


def prune(execs: dict[str, Exec]) -> None:
    """Forget the oldest that have ended."""
    ended = [key for key, one in execs.items() if one.status is not None]
    for key in ended[: max(0, len(ended) - _KEPT)]:
        del execs[key]


def follow(one: Exec) -> "asyncio.Future[int]":
    """Comes true when the process has ended; its exit status is noted by then."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    session = one.session
    assert session is not None

    def readable() -> None:
        ending: Mapping[str, object] | None
        try:
            ending = session.hear()
        except ToolkitError:
            ending = {"status": 255}  # its shim was killed
        if ending is None:
            return
        loop.remove_reader(session.fileno())
        session.close()
        one.session, one.status = None, int(str(ending["status"]))
        if not ended.done():
            ended.set_result(one.status)

    loop.add_reader(session.fileno(), readable)
    return ended
