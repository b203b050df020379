"""The engine's door to networks: what a container without a bridge never opens stays unloaded."""

import os

from toolkit.core.record import record
from toolkit.engine.choices import choices
from toolkit.engine.netfiles import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from toolkit.core.undo import Undo
    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.endpoints import Attachment
    from toolkit.engine.networks import Networks
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
    """A container on its way to its networks, ``place`` being that on the first.

    ``connect``, given its process, when it is held; None for one that returns to its place, which
    others kept. ``done``, given the same, when it runs.
    """

    place: Place | None
    connect: "Callable[[int], None] | None" = None
    done: "Callable[[int], None]"


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

    def check(self, config: "ContainerConfig") -> None:
        """Refuse networks that do not exist."""
        for choice in choices(config):
            if choice.network != "bridge":
                self.load().table.find(choice.network)

    def join(
        self,
        container: str,
        config: "ContainerConfig",
        undo: "Undo",
        *,
        exposed: "Iterable[str]" = (),
        returns: bool,
    ) -> "Joining | None":
        """Take addresses and ask for the wires; None for a container without a bridge.

        One that ``returns`` joins a namespace in which its wires may still be.
        """
        if not choices(config):
            return None
        networks = self.load()
        old = self.of(container)
        if old and returns:
            joined = networks.hold(container)
            undo.callback(joined.held.close)
            return Joining(
                place=networks.naming.place(container, config, old),
                done=lambda pid: networks.keep(joined, pid),
            )
        if old:  # it was killed, and what it had is not yet given back
            networks.leave(container)
        joined = networks.join(container, config, exposed)
        undo.callback(networks.leave, container)
        undo.callback(joined.held.close)
        wire = networks.begin(joined.attachments)
        undo.callback(wire.abandon)

        def connect(pid: int) -> None:
            wire.connect(f"/proc/{pid}/ns/net")
            networks.naming.changed([one.network.name for one in joined.attachments], but=container)

        def done(pid: int) -> None:
            networks.keep(joined, pid)
            networks.joined(container)  # last: from now on others may find that it is over

        return Joining(
            place=networks.naming.place(container, config, joined.attachments),
            connect=connect,
            done=done,
        )

    def left(self, container: str, config: "ContainerConfig", look: "Look") -> None:
        """A container is over: give back what it had, unless others use it still."""
        if choices(config) and not look.shared_stack(container):
            self.load().leave(container)

    def discard(self, container: str) -> None:
        """A container is removed, whatever it was."""
        if self._has_any(" WHERE container=?", container):
            self.load().leave(container)

    def tidy(self, look: "Look") -> None:
        """Take back what containers had that ended while nobody looked."""
        if self._has_any() or self._serves():
            self.load().tidy(look)

    def _has_any(self, which: str = "", *values: str) -> bool:
        """Whether anybody is on a network, or has ports held."""
        return any(
            self._db.query(f"SELECT 1 FROM {table}{which} LIMIT 1", *values)  # noqa: S608 - constants
            for table in ("endpoints", "keepers")
        )

    def _serves(self) -> bool:
        """Whether a name server is there, or what a killed command left of one."""
        try:
            return bool(os.listdir(self._settings.names))
        except FileNotFoundError:
            return False

    def joined(self) -> set[str]:
        """The containers that are attached to any now."""
        return {str(row[0]) for row in self._db.query("SELECT DISTINCT container FROM endpoints")}

    def of(self, container: str) -> "list[Attachment]":
        """Where a container is attached now."""
        if not self._db.query("SELECT 1 FROM endpoints WHERE container=? LIMIT 1", container):
            return []
        return self.load().of(container)
