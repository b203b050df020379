"""A helper process: a fresh interpreter, because its caller may have threads.

What it does inside stands in ``forking``.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.forking import MAX_REQUEST

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from {} import main; main()"


class Helper:
    """The process that runs ``main`` of ``module``; ``close`` returns once it is gone."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_REQUEST)
        boot = _BOOT.format(module)
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-S", "-c", boot, _import_root(), str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the caller, who ends it in order
            )

    def send(self, asked: dict[str, Any], fds: Sequence[int]) -> None:
        """Ask for something; the answer comes to the first of ``fds``."""
        data = json.dumps(asked).encode("utf-8", "surrogateescape")
        socket.send_fds(self._control, [data], list(fds))

    def close(self) -> None:
        """End it, and all its children."""
        self._control.shutdown(socket.SHUT_RDWR)  # whoever else may have inherited it
        self._control.close()
        self._process.wait()


def judge(said: bytes, what: str) -> dict[str, Any]:
    """An answer as a value, or as the error that it is; ``what`` names the process."""
    if not said:
        raise ToolkitError(f"the process that {what} was killed", hint="is memory short?")
    answer: dict[str, Any] = json.loads(said)
    if "done" in answer:
        done: dict[str, Any] = answer["done"]
        return done
    if code := answer.get("errno"):
        raise OSError(code, answer["error"], answer["path"] or None)
    kind = InvalidInputError if answer.get("input") else ToolkitError
    raise kind(answer["error"], hint=answer.get("hint", ""))


def _import_root() -> str:
    """Where ``toolkit`` is imported from: a directory, or the zip archive of the agent."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
