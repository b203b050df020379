"""Networks and who is on them: names, addresses and ports in ``state.db``, wires by ``net``.

An address is taken in one transaction before anything is made, and given back after the rules that
name it are gone. A wire ends with the container's namespace, and the next command takes what it
left: whatever a killed command forgets is found by looking (``tidy``).
"""

import sqlite3

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.core.record import record
from toolkit.engine import owner, ports
from toolkit.engine.addresses import Pool
from toolkit.engine.netstore import DEFAULT, Network, NetworkTable
from toolkit.net import rules
from toolkit.net.ipv4 import dotted, parse_address
from toolkit.net.wires import Wires, present
from toolkit.net.wiring import Bridge, Endpoint, Port, forwards, mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.lazynet import Look
    from toolkit.engine.settings import Settings
    from toolkit.net.wires import Wire

    MakeWires = Callable[[str, Callable[[], str]], Wires]

_FORWARDING = "forwarding"
_BOOT = "/proc/sys/kernel/random/boot_id"


@record
class Attachment:
    """One container's place on a network."""

    network: Network
    endpoint: Endpoint


class Networks:
    """The networks of one engine; ``make_wires`` makes what lays the wires."""

    def __init__(
        self, settings: "Settings", database: "Database", *, make_wires: "MakeWires" = Wires
    ) -> None:
        self.table = NetworkTable(settings, database)
        self._db = database
        self.wires = make_wires(f"{settings.run_root}/network.lock", self._ruleset)

    def close(self) -> None:
        """Let the helper go."""
        self.wires.close()

    # joining and leaving

    def join(self, container: str, config: "ContainerConfig") -> Attachment:
        """Take an address and ports."""
        network = self.table.find(config.network)
        with self._db.transaction():
            if network.name == DEFAULT:
                network = self.table.keep_default(network)
            address = self._take_address(network, config)
            mac = _mac(config.mac_address) if config.mac_address else mac_of(address)
            taken = ports.take(self._db, container, config.ports)
            endpoint = Endpoint(
                bridge=network.bridge.link,
                link=f"veth{container[:11]}",
                mac=mac,
                address=dotted(address),
                ports=taken,
            )
            self._insert(container, network, endpoint, address)
        return Attachment(network=network, endpoint=endpoint)

    def begin(self, attachment: Attachment) -> "Wire":
        """Ask for the bridge and the rules; the wire is to be connected, or abandoned."""
        if not attachment.network.bridge.internal and not forwards():
            self._note_forwarding()
        bridges, closed = self._skeleton()
        state = rules.state(bridges, closed=closed)
        return self.wires.begin(attachment.network.bridge, attachment.endpoint, state)

    def joined(self, container: str) -> None:
        """Note that its wire is there: from now on it counts for as long as it is."""
        self._db.query("UPDATE endpoints SET owner='' WHERE container=?", container)

    def leave(self, container: str) -> None:
        """Give back what a container has: rules, wire, then address and ports."""
        held = self._attachments("WHERE container=?", container)
        if held:
            self._leave([(container, one) for one in held])

    def tidy(self, look: "Look") -> None:
        """Take what containers left that ended while nobody looked.

        One without an owner was joined: it is over when its wire is. One whose owner was killed
        before that either runs, or is held for ever and ended now.
        """
        there = present()
        gone = []
        for container, link, who in self._db.query("SELECT container, link, owner FROM endpoints"):
            if owner.alive(who) or (not who and link in there):
                continue
            state = look.state(container)
            if state is not None and state.status in ("creating", "created"):
                look.clean(container)
                state = None
            if state is None:
                gone.append(container)
            elif who:
                self.joined(container)
        found = [(name, one) for name in gone for one in self.of(name)]
        if found:
            self._leave(found)

    def of(self, container: str) -> list[Attachment]:
        """Where a container is attached now."""
        return self._attachments("WHERE container=?", container)

    def members(self, network: str) -> list[tuple[str, Attachment]]:
        """The containers on a network, by id."""
        rows = self._db.query("SELECT container FROM endpoints WHERE network=?", network)
        return [
            (container, one)
            for (container,) in rows
            for one in self.of(container)
            if one.network.name == network
        ]

    def reload(self) -> None:
        """Write all rules anew, as after somebody flushed them."""
        self.wires.reload()

    def _leave(self, gone: "list[tuple[str, Attachment]]") -> None:
        self.wires.leave(one.endpoint for _, one in gone)
        with self._db.transaction():
            for container, one in gone:
                name = one.network.name
                # Another command may have been faster: only who removes the row gives back.
                removed = self._db.query(
                    "DELETE FROM endpoints WHERE container=? AND network=? RETURNING address",
                    container,
                    name,
                )
                self._db.query("DELETE FROM ports WHERE container=?", container)
                for (address,) in removed:
                    Pool(self._db, name).give(address)

    def _insert(self, container: str, network: Network, endpoint: Endpoint, address: int) -> None:
        try:
            self._db.query(
                "INSERT INTO endpoints (container, network, link, mac, address, owner)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                container,
                network.name,
                endpoint.link,
                endpoint.mac,
                address,
                owner.me(),
            )
        except sqlite3.IntegrityError:
            raise ConflictError(
                f"the hardware address {endpoint.mac} is taken on network '{network.name}'",
                hint="choose another --mac-address",
            ) from None

    def _take_address(self, network: Network, config: "ContainerConfig") -> int:
        pool = Pool(self._db, network.name)
        if config.ip:
            return _claim(pool, network, config.ip, self._db)
        taken = pool.take(network.after)
        if taken is None:
            raise ConflictError(
                f"network '{network.name}' has no free address in {network.bridge.address.subnet}",
                hint="remove containers from it, or use a network with a wider subnet",
            )
        self.table.next_after(network.name, taken + 1)
        return taken

    # what the rules are made from

    def _attachments(self, rest: str = "", *values: "Any") -> list[Attachment]:
        rows = self._db.query(
            f"SELECT container, network, link, mac, address FROM endpoints {rest}",  # noqa: S608 - constants
            *values,
        )
        networks = {one.name: one for one in self.table.all()} if rows else {}
        return [
            Attachment(
                network=networks[network],
                endpoint=Endpoint(
                    bridge=networks[network].bridge.link,
                    link=link,
                    mac=mac,
                    address=dotted(address),
                    ports=self._ports(container),
                ),
            )
            for container, network, link, mac, address in rows
        ]

    def _ports(self, container: str) -> tuple[Port, ...]:
        rows = self._db.query(
            'SELECT protocol, host, "outer", "inner" FROM ports WHERE container=?'
            ' ORDER BY "inner", protocol, "outer"',
            container,
        )
        return tuple(
            Port(protocol=protocol, host=host, outer=outer, inner=inner)
            for protocol, host, outer, inner in rows
        )

    def _skeleton(self) -> tuple[list[Bridge], bool]:
        noted = self._db.query("SELECT value FROM notes WHERE key=?", _FORWARDING)
        closed = bool(noted) and noted[0][0] == _boot()
        return [one.bridge for one in self.table.all()], closed

    def _ruleset(self) -> str:
        bridges, closed = self._skeleton()
        endpoints = [one.endpoint for one in self._attachments()]
        return rules.whole(bridges, endpoints, closed=closed)

    def _note_forwarding(self) -> None:
        """This host is about to be made to forward: the rules keep that to containers."""
        self._db.query(
            "INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)", _FORWARDING, _boot()
        )


def _claim(pool: Pool, network: Network, text: str, database: "Database") -> int:
    """Take an address that was asked for."""
    subnet = network.bridge.address
    asked = parse_address(text, what="ip")
    if asked not in subnet or asked in (subnet.low, subnet.high):
        raise InvalidInputError(
            f"ip: {text} is no address for a container in {subnet.subnet}, the subnet of network"
            f" '{network.name}'"
        )
    if not pool.claim(asked):
        rows = database.query(
            "SELECT container FROM endpoints WHERE network=? AND address=?", network.name, asked
        )
        who = f"container {rows[0][0][:12]}" if rows else "the bridge itself"
        raise ConflictError(f"the address {text} is taken by {who}", hint="choose another one")
    return asked


def _mac(text: str) -> str:
    """A hardware address of one station, in lower case."""
    parts = text.lower().replace("-", ":").split(":")
    digits = "0123456789abcdef"
    if len(parts) != 6 or not all(len(part) == 2 and set(part) <= set(digits) for part in parts):
        raise InvalidInputError(
            f"mac-address: '{text}' is no hardware address", hint="write it as 02:42:ac:11:00:02"
        )
    if int(parts[0], 16) & 1 or set(parts) == {"00"}:
        raise InvalidInputError(
            f"mac-address: '{text}' is not the address of one station",
            hint="let the first byte be even, as in 02:42:ac:11:00:02",
        )
    return ":".join(parts)


def _boot() -> str:
    with open(_BOOT, encoding="ascii") as file:
        return file.read().strip()
