"""What the engine hands out and asks for: views of containers, exec requests, running ones."""

import os
import time

from toolkit.core.errors import UnavailableError
from toolkit.core.record import record
from toolkit.oci.image import ImageConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.endpoints import Attachment
    from toolkit.engine.seams import Session

_ATTEMPTS, _PAUSE = 500, 0.01


@record
class ExecConfig:
    """One more process in a running container; empty values are the container's own.

    ``rows`` and ``columns`` are the terminal's size, 0 where unknown.
    """

    command: tuple[str, ...]
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    tty: bool = False
    interactive: bool = False
    privileged: bool = False
    rows: int = 0
    columns: int = 0


@record
class View:
    """A container as it is now.

    ``status`` is ``created``, ``running``, ``paused``, ``exited`` or ``restarting``; times are
    seconds since 1970, 0 where it has not come to that; ``pid`` is the init's in the host; ``log``
    is the path of its log, empty in lists and where none is kept. ``labels`` are the image's and
    its own, as ``K=V``; ``lower`` are the directories of its image's layers; ``health`` is empty,
    ``starting``, ``healthy`` or ``unhealthy``; ``restarts`` counts those that its restart policy
    made, ``error`` is why the last of them failed.
    """

    id: str
    name: str
    image: str
    args: tuple[str, ...]
    config: "ContainerConfig"
    status: str
    created: float
    started: float = 0.0
    finished: float = 0.0
    pid: int = 0
    exit_status: int = 0
    oom_killed: bool = False
    digest: str = ""
    log: str = ""
    networks: "tuple[Attachment, ...]" = ()
    labels: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()
    health: str = ""
    restarts: int = 0
    error: str = ""
    says: ImageConfig = ImageConfig(labels={})


class Running:
    """A started process: wait for it, signal it, size its terminal; ``id`` is its container's.

    ``done`` is called when it is over, ``lost`` before with the status of one whose shim was
    killed.
    """

    def __init__(
        self,
        container: str,
        session: "Session",
        *,
        done: "Callable[[], None] | None" = None,
        lost: "Callable[[int], None] | None" = None,
    ) -> None:
        self.id = container
        self.session = session
        self._done = done
        self._lost = lost
        self._orphan = 0

    @property
    def master(self) -> int | None:
        """The terminal to read from and write to; None without one."""
        return self.session.master

    def wait(self) -> int:
        """The exit status, 128+n for signal n; of an auto-removed container nothing is left.

        A process whose shim is killed becomes the child of an ancestor that asked for such
        (``PR_SET_CHILD_SUBREAPER``): where that is this process, the status is not lost.
        """
        try:
            status = self.session.wait()
        except UnavailableError as error:
            status = self._adopt(error)
        if self._done:
            self._done()
        return status

    def _adopt(self, error: UnavailableError) -> int:
        self._orphan = self.session.started()
        try:
            status = _reap(self._orphan)
        finally:
            self._orphan = 0
        if status is None:
            raise error
        if self._lost:
            self._lost(status)
        return status

    def signal(self, number: int) -> None:
        """Send a signal to the process."""
        if self._orphan:
            os.kill(self._orphan, number)  # not reaped yet, so the number is nobody else's
        else:
            self.session.signal(number)

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal the size."""
        self.session.resize(rows, columns)

    def detach(self) -> None:
        """Leave its input and output; it goes on."""
        self.session.detach()

    def fileno(self) -> int:
        """For poll: readable when ``wait`` will not block."""
        return self.session.fileno()

    def close(self) -> None:
        """Leave it running."""
        self.session.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reap(pid: int) -> int | None:
    """Wait for a process that becomes this one's child; None where it does not.

    Who is killed closes its files first and hands on its children a moment later.
    """
    for _ in range(_ATTEMPTS):
        try:
            _, code = os.waitpid(pid, 0)
        except ChildProcessError:
            time.sleep(_PAUSE)
        else:
            status = os.waitstatus_to_exitcode(code)
            return status if status >= 0 else 128 - status
    return None
