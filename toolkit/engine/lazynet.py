"""The engine's door to networks: what a container without a bridge never opens stays unloaded."""

from toolkit.core.record import record
from toolkit.engine.netfiles import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from toolkit.core.undo import Undo
    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.networks import Attachment, Networks
    from toolkit.engine.settings import Settings
    from toolkit.runtime.states import State

    class Look(Protocol):
        """What tidying has to know of containers; ``Watch`` does."""

        def state(self, container: str, /) -> "State | None":
            """Where a container stands."""

        def clean(self, container: str, /) -> None:
            """End what is left of one."""

        def shared_stack(self, container: str, /) -> str:
            """The network namespace that others share with it."""

    NetworksFactory = Callable[["Settings", "Database"], "Networks"]


@record
class Joining:
    """A container on its way to a network: ``connect`` when it is held, ``done`` when it runs.

    Neither for one that returns to its place, which others kept.
    """

    place: Place
    connect: "Callable[[str], None] | None" = None
    done: "Callable[[], None]"


class LazyNetworks:
    """``Networks``, loaded when the first container needs one."""

    def __init__(
        self, settings: "Settings", database: "Database", make: "NetworksFactory | None" = None
    ) -> None:
        self._settings = settings
        self._db = database
        self._make = make
        self._loaded: Networks | None = None

    def close(self) -> None:
        """Let go of what was loaded."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def load(self) -> "Networks":
        """The real ones."""
        if self._loaded is None:
            from toolkit.engine.networks import Networks  # noqa: PLC0415 - the point of this file

            self._loaded = (self._make or Networks)(self._settings, self._db)
        return self._loaded

    def check(self, name: str) -> None:
        """Refuse a network that does not exist."""
        if not is_apart(name) and name != "bridge":
            self.load().table.find(name)

    def join(
        self, container: str, config: "ContainerConfig", undo: "Undo", *, returns: bool
    ) -> "Joining | None":
        """Take an address and ask for the wire; None for a container without a bridge.

        One that ``returns`` joins a namespace in which its wire may still be.
        """
        if is_apart(config.network):
            return None
        networks = self.load()
        old = self.of(container)
        if old and returns:
            return Joining(place=_place(old[0]), done=lambda: None)
        if old:  # it was killed, and what it had is not yet given back
            networks.leave(container)
        attachment = networks.join(container, config)
        undo.callback(networks.leave, container)
        wire = networks.begin(attachment)
        undo.callback(wire.abandon)
        return Joining(
            place=_place(attachment),
            connect=wire.connect,
            done=lambda: networks.joined(container),
        )

    def left(self, container: str, config: "ContainerConfig", look: "Look") -> None:
        """A container is over: give back what it had, unless others use it still."""
        if not is_apart(config.network) and not look.shared_stack(container):
            self.load().leave(container)

    def discard(self, container: str) -> None:
        """A container is removed, whatever it was."""
        if self._db.query("SELECT 1 FROM endpoints WHERE container=? LIMIT 1", container):
            self.load().leave(container)

    def tidy(self, look: "Look") -> None:
        """Take back what containers had that ended while nobody looked."""
        if self._db.query("SELECT 1 FROM endpoints LIMIT 1"):
            self.load().tidy(look)

    def of(self, container: str) -> "list[Attachment]":
        """Where a container is attached now."""
        if not self._db.query("SELECT 1 FROM endpoints WHERE container=? LIMIT 1", container):
            return []
        return self.load().of(container)


def is_apart(network: str) -> bool:
    """Whether a mode needs no bridge."""
    return network in ("none", "host") or network.startswith("container:")


def _place(attachment: "Attachment") -> Place:
    return Place(
        address=attachment.endpoint.address,
        gateway=attachment.network.bridge.address.address,
    )
