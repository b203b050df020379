"""How other rooms start, enter and watch a container: a launcher to ask, a session to follow."""

from __future__ import annotations

from toolkit.core.errors import ToolkitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from toolkit.runtime.request import ExecRequest, StartRequest
    from toolkit.runtime.states import State

    Stdio = tuple[int, int, int]


class StartError(ToolkitError):
    """A container or an exec that did not come to run its program.

    ``exit_status`` is 127 where the program does not exist, 126 where it cannot be executed and
    125 for every other reason.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 125) -> None:
        super().__init__(message, hint=hint)
        self.exit_status = status


class Launcher:
    """A process that forks containers on request; a context manager that closes the connection."""

    @classmethod
    def spawn(cls) -> Self:
        """A launcher of one's own, which ends when this object is closed; containers live on."""
        raise NotImplementedError

    @classmethod
    def connect(cls, path: str) -> Self:
        """The launcher that serves on ``path``."""
        raise NotImplementedError

    def start(self, request: StartRequest, stdio: Stdio) -> Session:
        """Ask for a container; ``Session.started`` tells how it went."""
        raise NotImplementedError

    def exec(self, request: ExecRequest, stdio: Stdio) -> Session:
        """Ask for one more process in a running container."""
        raise NotImplementedError

    def close(self) -> None:
        """Let the launcher go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Session:
    """The line to one process's shim; closing it leaves the container running."""

    master: int | None = None

    def started(self) -> int:
        """Wait until the program runs (or is held); its pid in the host, or ``StartError``."""
        raise NotImplementedError

    def wait(self) -> int:
        """Wait for the exit status: the program's, or 128+n for signal n."""
        raise NotImplementedError

    def exited(self) -> Mapping[str, Any]:
        """How it ended, after ``wait``: ``status``, ``signal``, ``oom`` and ``finished``."""
        raise NotImplementedError

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        raise NotImplementedError

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal its size."""
        raise NotImplementedError

    def begin(self) -> None:
        """Run the program of a held container."""
        raise NotImplementedError

    def fileno(self) -> int:
        """For poll: readable when ``wait`` would not block for long."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave; the container goes on."""


def spawn_early() -> None:
    """Start a private launcher now; the next ``Launcher.spawn`` takes it."""
    raise NotImplementedError


def connect_shim(state_dir: str) -> Session:
    """The shim of a running container."""
    raise NotImplementedError


def read_state(state_dir: str) -> State | None:
    """What is known of the container there; ``None`` where there is none."""
    raise NotImplementedError


def kill(state_dir: str, number: int, *, all: bool = False) -> None:
    """Signal the container's process, or every process of its cgroup."""
    raise NotImplementedError


def cleanup(state_dir: str) -> None:
    """Finish what a killed shim left: its cgroup, its exit file, its directories."""
    raise NotImplementedError
