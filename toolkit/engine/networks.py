"""Networks and who is on them: names, addresses and ports in ``state.db``, wires by ``net``.

An address is taken in one transaction before anything is made, and given back after the rules that
name it are gone. A wire ends with the container's namespace, and the next command takes what it
left: whatever a killed command forgets is found by looking (``tidy``).
"""

import sqlite3
import time

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean
from toolkit.engine import owner, ports
from toolkit.engine.addresses import Pool
from toolkit.net import rules
from toolkit.net.ipv4 import Interface, dotted, parse_address, parse_bridge_address
from toolkit.net.wires import Wires, present
from toolkit.net.wiring import Bridge, Endpoint, Port, check_link_name, mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.config import ContainerConfig
    from toolkit.engine.database import Database
    from toolkit.engine.lazynet import Look
    from toolkit.engine.settings import Settings
    from toolkit.net.wires import Wire

DEFAULT = "bridge"
BUILT_IN = ("bridge", "host", "none")
_FORWARDING = "forwarding"
_BOOT = "/proc/sys/kernel/random/boot_id"
_COLUMNS = "name, link, address, mtu, internal, created, next"


@record
class Network:
    """One bridge network; ``created`` is in seconds since 1970, ``after`` the next to try."""

    name: str
    bridge: Bridge
    created: float
    after: int = 0


@record
class Attachment:
    """One container's place on a network."""

    network: Network
    endpoint: Endpoint


class Networks:
    """The networks of one engine."""

    def __init__(self, settings: "Settings", database: "Database") -> None:
        self._settings = settings
        self._db = database
        self._wires = Wires(
            f"{settings.run_root}/network.lock",
            ruleset=self._ruleset,
            forwarding=self._note_forwarding,
        )

    def close(self) -> None:
        """Let the helper go."""
        self._wires.close()

    # joining and leaving

    def join(self, container: str, config: "ContainerConfig") -> Attachment:
        """Take an address and ports."""
        network = self.find(config.network)
        with self._db.transaction():
            if network.name == DEFAULT:
                network = self._keep_default(network)
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
        bridges, closed = self._skeleton()
        state = rules.state(bridges, closed=closed)
        return self._wires.begin(attachment.network.bridge, attachment.endpoint, state)

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

    def reload(self) -> None:
        """Write all rules anew, as after somebody flushed them."""
        self._wires.reload()

    def _leave(self, gone: "list[tuple[str, Attachment]]") -> None:
        self._wires.leave(one.endpoint for _, one in gone)
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
        self._db.query("UPDATE networks SET next=? WHERE name=?", taken + 1, network.name)
        return taken

    # networks

    def find(self, name: str) -> Network:
        """The network of that name; the default one as the settings have it."""
        if name == DEFAULT:
            return self._default()
        found = self._networks("WHERE name=?", name)
        if not found:
            known = [*BUILT_IN, *(one.name for one in self._networks())]
            raise NotFoundError(
                f"no such network: '{name}'",
                hint=did_you_mean(name, known) or "'dockyard network ls' lists them",
            )
        return found[0]

    def _default(self) -> Network:
        """The default bridge as the settings name it."""
        settings = self._settings
        what = "bridge.address"
        bridge = Bridge(
            link=check_link_name(settings.bridge),
            address=parse_bridge_address(settings.bridge_address, what=what),
        )
        found = self._networks("WHERE name=?", DEFAULT)
        after = found[0].after if found else 0
        return Network(name=DEFAULT, bridge=bridge, created=time.time(), after=after)

    def _keep_default(self, wanted: Network) -> Network:
        """Have it in the database; a change of the settings counts once nobody is on it."""
        found = self._networks("WHERE name=?", DEFAULT)
        if found and found[0].bridge == wanted.bridge:
            return found[0]
        if found and self._db.query("SELECT 1 FROM endpoints WHERE network=? LIMIT 1", DEFAULT):
            old = found[0].bridge
            raise ConflictError(
                f"the default bridge is '{old.link}' with {old.address} for containers that run,"
                f" and '{wanted.bridge.link}' with {wanted.bridge.address} in engine.toml",
                hint="stop the containers on it first",
            )
        self._db.query("DELETE FROM networks WHERE name=?", DEFAULT)
        self._keep(wanted)
        return wanted

    def _keep(self, network: Network) -> None:
        bridge = network.bridge
        self._db.query(
            f"INSERT INTO networks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            network.name,
            bridge.link,
            str(bridge.address),
            bridge.mtu,
            int(bridge.internal),
            network.created,
            0,
        )
        pool = Pool(self._db, network.name)
        pool.fill(bridge.address.low + 1, bridge.address.high - 1)
        pool.claim(bridge.address.number)

    def _networks(self, rest: str = "", *values: "Any") -> list[Network]:
        rows = self._db.query(f"SELECT {_COLUMNS} FROM networks {rest}", *values)  # noqa: S608 - constants
        return [_row(row) for row in rows]

    # what the rules are made from

    def _attachments(self, rest: str = "", *values: "Any") -> list[Attachment]:
        rows = self._db.query(
            f"SELECT container, network, link, mac, address FROM endpoints {rest}",  # noqa: S608 - constants
            *values,
        )
        networks = {one.name: one for one in self._networks()} if rows else {}
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
        return [one.bridge for one in self._networks()], closed

    def _ruleset(self) -> str:
        bridges, closed = self._skeleton()
        endpoints = [one.endpoint for one in self._attachments()]
        return rules.whole(bridges, endpoints, closed=closed)

    def _note_forwarding(self) -> None:
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


def _row(row: "tuple[Any, ...]") -> Network:
    name, link, address, mtu, internal, created, after = row
    place: Interface = parse_bridge_address(address, what=f"network '{name}'")
    bridge = Bridge(link=link, address=place, internal=bool(internal), mtu=mtu)
    return Network(name=name, bridge=bridge, created=created, after=after)


def _boot() -> str:
    with open(_BOOT, encoding="ascii") as file:
        return file.read().strip()
