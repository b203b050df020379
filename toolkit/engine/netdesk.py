"""Networks as people and programs ask for them: make, show, connect, disconnect, remove."""

import os

from toolkit.core.errors import ConflictError
from toolkit.core.record import replace
from toolkit.engine import netadmin
from toolkit.engine.choices import connected, disconnected
from toolkit.engine.netstore import DEFAULT, Network
from toolkit.engine.stored import dump, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import Attach, ContainerConfig
    from toolkit.engine.database import Database, Row
    from toolkit.engine.endpoints import Attachment
    from toolkit.engine.events import EventLog
    from toolkit.engine.netadmin import NetworkConfig
    from toolkit.engine.networks import Networks
    from toolkit.engine.watch import Watch

EXPOSED = "/run/netns"
_NOTE = "exposed "


class NetworkDesk:
    """What ``dockyard network`` and Docker's API do; ``Engine.network_desk`` is one."""

    def __init__(
        self, networks: "Networks", database: "Database", watch: "Watch", events: "EventLog"
    ) -> None:
        self._events = events
        self._networks = networks
        self._db = database
        self._watch = watch

    def create(self, asked: "NetworkConfig") -> Network:
        """Make a network."""
        network = netadmin.create(self._networks, self._db, asked)
        self._note("create", network)
        return network

    def _note(self, action: str, network: Network, **more: str) -> None:
        said = {"name": network.name, "type": "bridge", **more}
        self._events.emit("network", action, network.id, said)

    def remove(self, reference: str) -> str:
        """Remove a network that no container is on; its name."""
        network = self._networks.table.find(reference)
        name = netadmin.remove(self._networks, self._db, network.name)
        self._note("destroy", network)
        return name

    def prune(self) -> list[str]:
        """Remove all networks that no container is on; their names."""
        known = {one.name: one for one in self.networks()}
        gone = netadmin.prune(self._networks, self._db)
        for name in gone:
            self._note("destroy", known[name])
        return gone

    def networks(self) -> list[Network]:
        """All bridges, the default one even where no container was on it yet, by name."""
        stored = self._networks.table.all()
        if not any(one.name == DEFAULT for one in stored):
            stored.append(self._networks.table.find(DEFAULT))
        return sorted(stored, key=lambda one: one.name)

    def inspect(self, reference: str) -> tuple[Network, list[tuple[str, str, "Attachment"]]]:
        """A network, and (id, name, place) of each container on it."""
        network = self._networks.table.find(reference)
        return network, [
            (container, self._db.find(container).name, one)
            for container, one in self._networks.members(network.name)
        ]

    def connect(self, reference: str, container: str, choice: "Attach") -> None:
        """Put a container on one more network, at once where it runs.

        ``choice`` says who it is there; its ``network`` is filled in.
        """
        network = self._networks.table.find(reference)
        choice = replace(choice, network=network.name)
        row = self._db.find(container)
        config = connected(load(row.config).config, choice)
        state = self._watch.state(row.id)
        if state is not None and state.pid:
            self._networks.attach(row.id, choice, state.pid)
        self._store(row, config)
        if state is not None:
            self._networks.naming.moved(row.id)
        self._note("connect", network, container=row.id)

    def disconnect(self, reference: str, container: str) -> None:
        """Take a container off a network, at once where it runs."""
        network = self._networks.table.find(reference)
        row = self._db.find(container)
        config = disconnected(load(row.config).config, network.name)
        state = self._watch.state(row.id)
        if any(one.network.name == network.name for one in self._networks.of(row.id)):
            pid = state.pid if state is not None else 0
            self._networks.detach(row.id, network.name, pid)
        self._store(row, config)
        if state is not None:
            self._networks.naming.moved(row.id)
        self._note("disconnect", network, container=row.id)

    def _store(self, row: "Row", config: "ContainerConfig") -> None:
        stored = replace(load(row.config), config=config)
        self._db.query("UPDATE containers SET config=? WHERE id=?", dump(stored), row.id)

    def expose(self, container: str) -> str:
        """Name the network namespace of a running container for ``ip netns``; the path.

        The name goes when the container does, or with the next command after that.
        """
        row = self._db.find(container)
        state = self._watch.state(row.id)
        if state is None or not state.pid:
            raise ConflictError(f"container '{row.name}' is not running")
        os.makedirs(EXPOSED, mode=0o755, exist_ok=True)
        path = f"{EXPOSED}/{row.name}"
        target = f"/proc/{state.pid}/ns/net"
        self._db.query(
            "INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", _NOTE + row.id, row.name
        )
        if os.path.lexists(path):
            if not os.path.islink(path) or os.path.exists(path):
                if os.path.islink(path) and os.readlink(path) == target:
                    return path
                raise ConflictError(f"there is a '{path}' already", hint="'ip netns' lists them")
            os.unlink(path)  # of a container that is over
        os.symlink(target, path)
        return path


def hide_ended(database: "Database", watch: "Watch") -> None:
    """Take the names of those away that are over."""
    for key, name in database.query("SELECT key, value FROM notes WHERE key LIKE 'exposed %'"):
        if watch.state(key.removeprefix(_NOTE)) is None:
            path = f"{EXPOSED}/{name}"
            if os.path.islink(path):
                os.unlink(path)
            database.query("DELETE FROM notes WHERE key=?", key)
