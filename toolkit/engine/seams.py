"""What the engine needs of the rooms below it, as small protocols; the real ones fit as they are.

``Launcher``, ``Session`` and the functions in ``Kernel`` are those of ``toolkit.runtime.client``,
``Resolver`` is ``toolkit.images.ImageStore.resolve``. Nothing here exists at run time.
"""

from collections.abc import Mapping
from typing import Protocol

from toolkit.cgroup.stats import Stats
from toolkit.oci.image import Healthcheck
from toolkit.oci.spec import Resources
from toolkit.runtime.request import ExecRequest, StartRequest
from toolkit.runtime.states import State

Stdio = tuple[int, int, int]


class Image(Protocol):
    """What an image says of the process that runs from it."""

    @property
    def env(self) -> tuple[str, ...]:
        """``K=V`` texts."""

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """What always runs."""

    @property
    def cmd(self) -> tuple[str, ...]:
        """What follows the entrypoint when nothing was asked."""

    @property
    def workdir(self) -> str:
        """Where the process starts."""


class ImageSays(Image, Protocol):
    """What an image asks of its containers, all of it."""

    @property
    def user(self) -> str:
        """Whom its processes run as."""

    @property
    def stop_signal(self) -> str:
        """What ends it in peace."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What it says of itself."""

    @property
    def volumes(self) -> tuple[str, ...]:
        """Where it wants volumes."""

    @property
    def exposed_ports(self) -> tuple[str, ...]:
        """Where it listens, as in ``80/tcp``."""

    @property
    def healthcheck(self) -> Healthcheck:
        """How to tell whether it is well."""

    @property
    def shell(self) -> tuple[str, ...]:
        """What runs a line of its."""


class RootImage(Protocol):
    """An image ready to run: its layers, topmost first, and read-only trees over them."""

    @property
    def lower(self) -> tuple[str, ...]:
        """Directories of the layers."""

    @property
    def config(self) -> ImageSays:
        """What the image asks of its containers."""

    @property
    def binds(self) -> tuple[tuple[str, str], ...]:
        """(path outside, path inside)."""

    @property
    def digest(self) -> object:
        """Its name by content; empty for one that has none."""


class Resolver(Protocol):
    """Finds an image and makes it ready."""

    def __call__(self, reference: str, /) -> RootImage:
        """The image of that name, or a ``NotFoundError``."""


class Session(Protocol):
    """The line to a process's shim."""

    master: int | None

    def started(self) -> int:
        """Wait until the program runs; its pid."""

    def begin(self) -> None:
        """Let the program of a held container run, and wait until it does."""

    def wait(self) -> int:
        """Wait for the exit status."""

    def hear(self) -> Mapping[str, object] | None:
        """Take the event that is there; the end, once it has come."""

    def signal(self, number: int, /) -> None:
        """Send a signal."""

    def resize(self, rows: int, columns: int, /) -> None:
        """Tell the terminal its size."""

    def attach(self, stdio: Stdio, /) -> None:
        """Hear and speak as well."""

    def detach(self) -> None:
        """No longer hear and speak."""

    def fileno(self) -> int:
        """For poll."""

    def close(self) -> None:
        """Leave it running."""


class Launcher(Protocol):
    """Starts containers."""

    def start(self, request: StartRequest, stdio: Stdio, /) -> Session:
        """Ask for a container."""

    def exec(self, request: ExecRequest, stdio: Stdio, /) -> Session:
        """Ask for a process in one."""

    def close(self) -> None:
        """Let the launcher go."""


class LauncherFactory(Protocol):
    """Makes a launcher, when the first one is needed."""

    def __call__(self) -> Launcher:
        """A launcher."""


class Kernel(Protocol):
    """Looks at containers that run."""

    def connect_shim(self, state_dir: str, /) -> Session:
        """The line to the shim of a running container."""

    def read_state(self, state_dir: str, /) -> State | None:
        """What is known of the container; None where there is none."""

    def kill(self, state_dir: str, number: int, /) -> None:
        """Signal its process."""

    def freeze(self, state_dir: str, /) -> None:
        """Stop all its processes."""

    def thaw(self, state_dir: str, /) -> None:
        """Let them go on."""

    def set_limits(self, state_dir: str, resources: Resources, /) -> None:
        """Give it other limits."""

    def stats(self, state_dir: str, /) -> Stats:
        """What it uses now."""

    def processes(self, state_dir: str, /) -> list[int]:
        """Its processes."""

    def cleanup(self, state_dir: str, /, *, force: bool = False) -> None:
        """Finish what a killed shim left; with ``force`` what runs is killed."""
