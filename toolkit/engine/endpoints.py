"""Who is on which network, and with which ports: rows of ``state.db``.

Whoever changes them does so inside a transaction of its own.
"""

from toolkit.core.errors import ConflictError
from toolkit.core.record import record
from toolkit.core.sqlite import sqlite3
from toolkit.engine import owner
from toolkit.engine.netstore import Network, NetworkTable
from toolkit.net.ipv4 import dotted, parse_address
from toolkit.net.wiring import Endpoint, Port
from toolkit.runtime.messages import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.database import Database

_COLUMNS = "container, network, link, mac, address, address6, aliases, worn"


@record
class Attachment:
    """One container's place on a network; ``aliases`` are more names that it has there."""

    network: Network
    endpoint: Endpoint
    aliases: tuple[str, ...] = ()


class EndpointTable:
    """The rows."""

    def __init__(self, database: "Database", networks: NetworkTable) -> None:
        self._db = database
        self._networks = networks

    def insert(self, container: str, attachment: Attachment, *, place: int) -> None:
        """Put a container on a network; ``place`` orders its networks."""
        endpoint, network = attachment.endpoint, attachment.network.name
        try:
            self._db.query(
                f"INSERT INTO endpoints ({_COLUMNS}, owner, place)"  # noqa: S608 - constants
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                container,
                network,
                endpoint.link,
                endpoint.mac,
                parse_address(endpoint.address, what="address"),
                endpoint.address6,
                encode(list(attachment.aliases)),
                int(endpoint.worn),
                owner.me(),
                place,
            )
        except sqlite3.IntegrityError:
            raise ConflictError(
                f"the hardware address {endpoint.mac} is taken on network '{network}'",
                hint="choose another --mac-address",
            ) from None

    def joined(self, container: str) -> None:
        """Note that its wires are there: from now on it counts for as long as they are."""
        self._db.query("UPDATE endpoints SET owner='' WHERE container=?", container)

    def delete(self, container: str, network: str) -> bool:
        """Take a container off a network; whether it was on it still."""
        return bool(
            self._db.query(
                "DELETE FROM endpoints WHERE container=? AND network=? RETURNING link",
                container,
                network,
            )
        )

    def of(self, container: str) -> list[Attachment]:
        """Where a container is attached now, the first first."""
        return [one for _, one in self.select("WHERE container=?", container)]

    def members(self, network: str) -> list[tuple[str, Attachment]]:
        """The containers on a network, by id."""
        return self.select("WHERE network=?", network)

    def hosts(self, network: str) -> list[tuple[str, str]]:
        """(id, line of hosts(5)) of all containers on a network, two lines for two addresses."""
        rows = self._db.query(
            "SELECT container, name, address, address6, aliases FROM endpoints"
            " LEFT JOIN containers ON id=container WHERE network=? ORDER BY container",
            network,
        )
        found = []
        for container, name, address, address6, aliases in rows:
            names = [*((name,) if name else ()), *decode(aliases)]
            both = [form for one in names for form in (one, f"{one}.{network}")]
            known = " ".join(dict.fromkeys((*both, container[:12])))
            found += [(container, f"{one}\t{known}") for one in (dotted(address), address6) if one]
        return found

    def select(self, rest: str = "", *values: "Any") -> list[tuple[str, Attachment]]:
        """All attachments that the ``rest`` of a query leaves, with the id of the container."""
        rows = self._db.query(
            f"SELECT {_COLUMNS} FROM endpoints {rest} ORDER BY container, place",  # noqa: S608 - constants
            *values,
        )
        networks = {one.name: one for one in self._networks.all()} if rows else {}
        return [
            (
                container,
                Attachment(
                    network=networks[network],
                    endpoint=Endpoint(
                        bridge=networks[network].bridge.link,
                        link=link,
                        mac=mac,
                        address=dotted(address),
                        address6=address6,
                        ports=self._ports(container, network),
                        worn=bool(worn),
                    ),
                    aliases=tuple(decode(aliases)),
                ),
            )
            for container, network, link, mac, address, address6, aliases, worn in rows
        ]

    def _ports(self, container: str, network: str) -> tuple[Port, ...]:
        """Its ports, where this is the network that they lead to: the first that leads outside."""
        rows = self._db.query(
            'SELECT protocol, host, "outer", "inner" FROM ports WHERE container=?'
            ' ORDER BY "inner", protocol, "outer"',
            container,
        )
        if not rows or self.outward(container) != network:
            return ()
        return tuple(
            Port(protocol=protocol, host=host, outer=outer, inner=inner)
            for protocol, host, outer, inner in rows
        )

    def outward(self, container: str) -> str:
        """The network by which a container reaches the world; empty where it does not."""
        found = self._db.query(
            "SELECT network FROM endpoints JOIN networks ON networks.name=network"
            " WHERE container=? AND NOT internal ORDER BY place LIMIT 1",
            container,
        )
        return str(found[0][0]) if found else ""
