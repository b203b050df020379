"""Who knows whom by which name.

On a network that a user made, a container is known by its name, its aliases and its short id. It
asks the server of one of its networks; those of its other networks, and those it was linked to,
stand in its ``/etc/hosts``, as all do where there is no server or it was told to ask another.
"""

from toolkit.core.errors import ConflictError, ToolkitError
from toolkit.engine import netfiles
from toolkit.engine.netstore import DEFAULT, NetworkTable
from toolkit.engine.stored import load
from toolkit.net.servers import Servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.endpoints import Attachment, EndpointTable
    from toolkit.engine.netstore import Network
    from toolkit.engine.settings import Settings
    from toolkit.net.servers import Served

    MakeServers = Callable[[str], Servers]


class Naming:
    """The names on all networks of one engine."""

    def __init__(
        self,
        settings: "Settings",
        database: "Database",
        endpoints: "EndpointTable",
        *,
        make_servers: "MakeServers" = Servers,
    ) -> None:
        self._settings = settings
        self._db = database
        self._endpoints = endpoints
        self._table = NetworkTable(settings, database)
        self._servers = make_servers(settings.names)

    def place(
        self, container: str, config: "ContainerConfig", attachments: "Sequence[Attachment]"
    ) -> netfiles.Place:
        """What the container's files say of its networks."""
        ends = [one.endpoint for one in attachments]
        asked = self._asked(config, attachments)
        self._follow(container, config, attachments, asked)
        peers = self._peers(container, config, attachments, asked)
        return netfiles.Place(
            addresses=tuple(
                address for end in ends for address in (end.address, end.address6) if address
            ),
            gateway=attachments[0].network.bridge.address.address if attachments else "",
            server=asked.bridge.address.address if asked else "",
            peers=tuple(peers),
        )

    def _follow(
        self,
        container: str,
        config: "ContainerConfig",
        attachments: "Sequence[Attachment]",
        asked: "Network | None",
    ) -> None:
        """Note on which networks a container is to be told of others by its file."""
        for one in attachments:
            apart = one.network.names and (asked is None or asked.name != one.network.name)
            self._db.query(
                "UPDATE endpoints SET follows=? WHERE container=? AND network=? AND follows!=?",
                *(int(apart or bool(config.links)), container, one.network.name),
                int(apart or bool(config.links)),
            )

    def changed(self, networks: "Iterable[str]", *, but: str = "", strict: bool = True) -> None:
        """Tell everybody who is on these networks now; ``but`` has been told.

        Where not ``strict``, a server that cannot be started is the next start's trouble.
        """
        for network in networks:
            self._update(network, strict=strict)
            for (container,) in self._db.query(
                "SELECT container FROM endpoints WHERE network=? AND follows", network
            ):
                if container != but:
                    self._tell(container)

    def _update(self, network: str, *, strict: bool) -> None:
        if network == DEFAULT or not self._servers.available():
            return
        try:
            self._servers.update(network, lambda: self._served(network))
        except ToolkitError:
            if strict:
                raise

    def _served(self, network: str) -> "Served | None":
        """What the server of a network is to know; None where nobody is there to ask it."""
        lines = [line for _, line in self._endpoints.hosts(network)]
        return (self._table.find(network).bridge, lines) if lines else None

    def _tell(self, container: str) -> None:
        """Write a container's peers anew."""
        config = self._config(container)
        if config is not None:
            attachments = self._endpoints.of(container)
            asked = self._asked(config, attachments)
            peers = self._peers(container, config, attachments, asked, strict=False)
            netfiles.tell(self._settings.container_dir(container), peers)

    def moved(self, container: str) -> None:
        """Write the files of a running container anew that has other networks now."""
        config = self._config(container)
        if config is not None:
            place = self.place(container, config, self._endpoints.of(container))
            netfiles.move(self._settings.container_dir(container), config, place)

    def revive(self) -> None:
        """Start the servers again that somebody ended, and end those of nobody."""
        wanted = {name for (name,) in self._db.query("SELECT DISTINCT network FROM endpoints")}
        for name in {*wanted, *self._servers.known()}:
            if (name in wanted) != self._servers.alive(name):
                self._update(name, strict=False)

    def _asked(
        self, config: "ContainerConfig", attachments: "Sequence[Attachment]"
    ) -> "Network | None":
        """The network whose server a container asks: one that leads outside, if it may choose."""
        if config.dns or not attachments:
            return None
        named = [one.network for one in attachments if one.network.names]
        outward = [one for one in named if not one.bridge.internal]
        if not named or not self._servers.available():
            return None
        return (outward or named)[0]

    def _peers(
        self,
        container: str,
        config: "ContainerConfig",
        attachments: "Sequence[Attachment]",
        asked: "Network | None",
        *,
        strict: bool = True,
    ) -> list[str]:
        lines = [
            line for link in config.links for line in self._linked(link, attachments, strict=strict)
        ]
        for one in attachments:
            if one.network.names and (asked is None or one.network.name != asked.name):
                there = self._endpoints.hosts(one.network.name)
                lines += [line for other, line in there if other != container]
        return lines

    def _linked(self, link: str, attachments: "Sequence[Attachment]", *, strict: bool) -> list[str]:
        """The lines of another container under an alias, as far as the two share a network."""
        name, _, alias = link.partition(":")
        row = self._db.find(name) if strict else self._db.by_name(name)
        shared = {one.network.name for one in attachments}
        found = [
            one for one in (self._endpoints.of(row.id) if row else ()) if one.network.name in shared
        ]
        if not found and strict:
            raise ConflictError(
                f"cannot link to '{name}': it runs on none of the container's networks",
                hint=f"start it first with 'dockyard start {name}'",
            )
        assert row is not None or not found
        return [
            f"{address}\t{alias} {row.id[:12]} {row.name}"
            for one in found[:1]
            for address in (one.endpoint.address, one.endpoint.address6)
            if address and row
        ]

    def _config(self, container: str) -> "ContainerConfig | None":
        rows = self._db.query("SELECT config FROM containers WHERE id=?", container)
        return load(rows[0][0]).config if rows else None
