"""What the stages of one build share: the request, the store, a place for files, each other."""

import fcntl
import os
from _thread import allocate_lock
from contextlib import contextmanager
from threading import Event as Flag

from toolkit.building.context import Context
from toolkit.building.events import Event
from toolkit.building.workshop import Bench, Workshop
from toolkit.core.errors import ToolkitError
from toolkit.core.files import remove_tree
from toolkit.core.record import record
from toolkit.images.library import Library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from toolkit.building.draft import Draft
    from toolkit.building.planning import Plan
    from toolkit.building.request import BuildRequest
    from toolkit.engine.model import Running
    from toolkit.engine.seams import Launcher, LauncherFactory
    from toolkit.engine.settings import Settings

    class Puller(Protocol):
        """Fetches an image into the store."""

        def __call__(self, reference: str, /) -> object:
            """Fetch it, or fail."""


class CancelledError(ToolkitError):
    """Another stage failed, so this one gave up."""


@record
class Services:
    """What a build needs of others; without ``pull`` an image must be in the store."""

    settings: "Settings"
    launcher: "LauncherFactory"
    pull: "Puller | None" = None


class Site:
    """One build at work; stages call it from threads of their own."""

    def __init__(
        self,
        request: "BuildRequest",
        services: Services,
        plan: "Plan",
        *,
        folder: str,
        emit: "Callable[[Event], None]",
    ) -> None:
        self.request = request
        self.services = services
        self.plan = plan
        self.folder = folder
        self.library = Library(services.settings.data_root)
        self.workshop = Workshop()
        self.context = Context(request, folder)
        self.arguments = dict(request.arguments)
        self._emit = emit
        self._lock = allocate_lock()
        self._drafts: dict[int, Draft] = {}
        self._done = {planned.stage.index: Flag() for planned in plan.stages}
        self._cancelled = False
        self._running: set[Running] = set()
        self._launcher: Launcher | None = None
        self._benches = 0
        self._pulled: set[str] = set()

    def close(self) -> None:
        """End what helped."""
        self.workshop.__exit__()
        if self._launcher is not None:
            self._launcher.close()

    def emit(self, event: Event) -> None:
        """Tell the listener; one event at a time."""
        with self._lock:
            self._emit(event)

    def launcher(self) -> "Launcher":
        """The launcher of all stages, started with the first command."""
        with self._lock:
            if self._launcher is None:
                self._launcher = self.services.launcher()
            return _Shared(self._launcher)

    def bench(self) -> Bench:
        """Fresh directories for one step."""
        with self._lock:
            self._benches += 1
            path = f"{self.folder}/{self._benches}"
        os.mkdir(path, 0o700)
        return Bench(path=path)

    def finish(self, stage: int, draft: "Draft") -> None:
        """A stage is over: others may build upon it."""
        self._drafts[stage] = draft
        self._done[stage].set()

    def draft(self, stage: int) -> "Draft":
        """The image of another stage, once it is there."""
        self._done[stage].wait()
        self.check()
        return self._drafts[stage]

    def pull(self, name: str) -> bool:
        """Fetch an image, once a build; False where nobody can."""
        if self.services.pull is None:
            return False
        with self._lock:
            if name in self._pulled:
                return True
            self.services.pull(name)
            self._pulled.add(name)
        return True

    def check(self) -> None:
        """Give up where another stage has failed."""
        if self._cancelled:
            raise CancelledError("the build was given up")

    @contextmanager
    def running(self, running: "Running") -> "Iterator[None]":
        """A command that ends when the build is given up."""
        with self._lock:
            self._running.add(running)
        if self._cancelled:
            running.signal(9)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(running)

    def cancel(self) -> None:
        """Have every stage give up; what runs is killed."""
        self._cancelled = True
        for running in list(self._running):
            running.signal(9)
        for flag in self._done.values():
            flag.set()


class _Shared:
    """A launcher that one of its users cannot close for the others."""

    def __init__(self, launcher: "Launcher") -> None:
        self.start = launcher.start
        self.exec = launcher.exec

    def close(self) -> None:
        """Leave it to whoever made it."""


@contextmanager
def folder_below(data_root: str) -> "Iterator[str]":
    """A directory for one build, gone afterwards; those of killed builds go now."""
    top = os.path.join(data_root, "building")
    os.makedirs(top, mode=0o700, exist_ok=True)
    _sweep(top)
    path = os.path.join(top, os.urandom(8).hex())
    os.mkdir(path, 0o700)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield path
    finally:
        remove_tree(path)
        os.close(fd)


def _sweep(top: str) -> None:
    """Remove what nobody holds: a lock is gone with its holder."""
    for name in os.listdir(top):
        path = os.path.join(top, name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # its maker removed it
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path)
        except BlockingIOError:
            continue
        finally:
            os.close(fd)
