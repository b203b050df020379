"""Where a created container waits to be started, when no shim stands beside it.

The init listens on a socket in its state directory. Whoever starts the container renames the
socket first, which only one can, and calls there; the line then carries what became of the start:
``final``, an ``error``, and the end of file that means the program runs.
"""

from __future__ import annotations

import _socket
import os

from toolkit.core.errors import ConflictError, ToolkitError, UnavailableError
from toolkit.core.record import record
from toolkit.linux.process import set_pdeathsig
from toolkit.linux.signals import signal
from toolkit.runtime import messages
from toolkit.runtime.failures import DIED_EARLY, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import Any

    from toolkit.runtime.messages import Socket

_CLOSED, _OPEN = "start.sock", "started.sock"
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class StartFailedError(ToolkitError):
    """A program that did not come to run; ``status`` is 126, 127 or 125, as a shell has it."""

    def __init__(self, failing: str, failure: Mapping[str, Any]) -> None:
        super().__init__(f"{failing}: {sentence(dict(failure))}", hint=str(failure["hint"]))
        self.status = int(failure["status"])


@record
class Caller:
    """What a process gets of its caller.

    ``preserve`` counts the caller's descriptors from 3 on that the program inherits;
    ``take_terminal`` gets the terminal's master, and owns it.
    """

    stdio: tuple[int, int, int] = (0, 1, 2)
    preserve: int = 0
    take_terminal: Callable[[int], None] = os.close


def build(state_dir: str) -> Socket:
    """The gate of a container that is being made."""
    return messages.listen(f"{state_dir}/{_CLOSED}")


def wait(link: Socket, listener: Socket) -> None:
    """For the init: let the maker end, and wait for whoever starts: ``link`` then leads there.

    A process that is the first of its pid namespace dies of a signal only if it handles it.
    """
    set_pdeathsig(0)
    for number in _ENDING:
        signal.signal(number, _end)
    link.shutdown(_socket.SHUT_RDWR)
    while True:
        fd, _ = listener._accept()  # type: ignore[attr-defined] # typeshed leaves the C half out
        os.dup2(fd, link.fileno(), inheritable=False)
        os.close(fd)
        message, _ = messages.receive(link)
        if message is not None and "begin" in message:
            break  # otherwise it was killed before it had asked
    listener.close()
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def open_for(name: str, state_dir: str) -> dict[str, Any]:
    """Start the container behind the gate; the failure as ``failures`` has it, empty for none.

    ``ConflictError`` where somebody has started it before.
    """
    try:
        os.rename(f"{state_dir}/{_CLOSED}", f"{state_dir}/{_OPEN}")
    except FileNotFoundError:
        raise ConflictError(f"container '{name}' is started already") from None
    try:
        link = messages.connect(f"{state_dir}/{_OPEN}")
        messages.send(link, {"begin": True})
    except OSError as error:
        raise UnavailableError(f"container '{name}' does not answer: {error.strerror}") from None
    return outcome(link)


def outcome(
    link: Socket,
    *,
    take_terminal: Callable[[int], None] = os.close,
    run_hooks: Callable[[], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """Listen to an init until it waits or its program runs (``{}``), or it has told why not.

    ``take_terminal`` gets the master of its terminal; ``run_hooks`` runs what is to run before it
    goes on, and gives the state for its own hooks.
    """
    final = False
    while True:
        message, fds = messages.receive(link)
        if message is None:
            return {} if final else dict(DIED_EARLY)
        if "error" in message:
            failure: dict[str, Any] = message["error"]
            return failure
        if "ready" in message:
            return {}
        if "terminal" in message:
            take_terminal(fds.pop())
        elif "hooks" in message:
            messages.send(link, {"state": run_hooks()})
        final = final or "final" in message
