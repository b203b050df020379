"""The networks that there are: rows of ``state.db``, the default one as the settings name it.

Whoever changes them does so inside a transaction of its own.
"""

import time

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean
from toolkit.engine.addresses import Pool
from toolkit.net.ipv4 import parse_bridge_address
from toolkit.net.ipv6 import parse_bridge_address6
from toolkit.net.wiring import Bridge, check_link_name
from toolkit.runtime.messages import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.database import Database
    from toolkit.engine.settings import Settings

DEFAULT = "bridge"
BUILT_IN = ("bridge", "host", "none")
_COLUMNS = "name, id, link, address, mtu, internal, created, next, more"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@record
class Network:
    """One bridge network; ``created`` is in seconds since 1970, ``after`` the next to try.

    Addresses are given out from ``ip_range`` (first, last) where it is not empty. ``options`` and
    ``labels`` hold ``NAME=VALUE``.
    """

    name: str
    id: str
    bridge: Bridge
    created: float
    after: int = 0
    ip_range: tuple[int, ...] = ()
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def names(self) -> bool:
        """Whether its containers find each other by name; on the default one they do not."""
        return self.name != DEFAULT


class NetworkTable:
    """The rows."""

    def __init__(self, settings: "Settings", database: "Database") -> None:
        self._settings = settings
        self._db = database

    def find(self, name: str) -> Network:
        """The network of that name; the default one as the settings have it."""
        if name == DEFAULT:
            return self._default()
        found = self.all("WHERE name=? OR id=?", name, name)
        if not found:
            known = [*BUILT_IN, *(one.name for one in self.all())]
            raise NotFoundError(
                f"no such network: '{name}'",
                hint=did_you_mean(name, known) or "'dockyard network ls' lists them",
            )
        return found[0]

    def _default(self) -> Network:
        """The default bridge as the settings name it."""
        settings = self._settings
        ipv6 = settings.bridge_ipv6
        bridge = Bridge(
            link=check_link_name(settings.bridge),
            address=parse_bridge_address(settings.bridge_address, what="bridge.address"),
            address6=parse_bridge_address6(ipv6, what="bridge.ipv6") if ipv6 else None,
            mtu=settings.bridge_mtu,
            icc=settings.bridge_icc,
        )
        found = self.all("WHERE name=?", DEFAULT)
        after = found[0].after if found else 0
        known = found[0].id if found else DEFAULT.encode().hex().ljust(64, "0")
        return Network(name=DEFAULT, id=known, bridge=bridge, created=time.time(), after=after)

    def keep_default(self, wanted: Network) -> Network:
        """Have the default one in the database; changed settings count once nobody is on it."""
        found = self.all("WHERE name=?", DEFAULT)
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
        self.insert(wanted)
        return wanted

    def insert(self, network: Network) -> None:
        """Add a network with all of its addresses free."""
        bridge = network.bridge
        self._db.query(
            f"INSERT INTO networks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            network.name,
            network.id,
            bridge.link,
            str(bridge.address),
            bridge.mtu,
            int(bridge.internal),
            network.created,
            0,
            encode(_more(network)),
        )
        pool = Pool(self._db, network.name)
        pool.fill(bridge.address.low + 1, bridge.address.high - 1)
        pool.claim(bridge.address.number)
        if bridge.address6:
            second = self.pool6(network.name)
            second.fill(1, bridge.address6.room)
            second.claim(bridge.address6.number - bridge.address6.low)

    def pool6(self, name: str) -> Pool:
        """The addresses of IPv6, counted from the subnet's first: SQLite knows no 128 bits."""
        return Pool(self._db, f"{name} ipv6")

    def all(self, rest: str = "", *values: "Any") -> list[Network]:
        """Every network that was used or made; ``rest`` of the query narrows it."""
        rows = self._db.query(f"SELECT {_COLUMNS} FROM networks {rest}", *values)  # noqa: S608 - constants
        return [_row(row) for row in rows]

    def next_after(self, name: str, address: int) -> None:
        """Note where the next free address is looked for."""
        self._db.query("UPDATE networks SET next=? WHERE name=?", address, name)

    def remove(self, name: str) -> None:
        """Forget a network and its addresses."""
        self._db.query("DELETE FROM networks WHERE name=?", name)
        Pool(self._db, name).drop()
        self.pool6(name).drop()


def check_network_name(name: str) -> None:
    """Refuse a name that a network cannot have."""
    if not name or not set(name) <= _NAME or name[0] in "_.-":
        raise InvalidInputError(
            f"'{name}' is no name for a network",
            hint="letters, digits, _ . and -, the first a letter or a digit",
        )
    if name in BUILT_IN or name == "container":
        raise InvalidInputError(f"the network '{name}' is built in", hint="choose another name")


def _more(network: Network) -> "dict[str, Any]":
    """What has no column of its own."""
    bridge = network.bridge
    return {
        "address6": str(bridge.address6 or ""),
        "icc": bridge.icc,
        "masquerade": bridge.masquerade,
        "ip_range": list(network.ip_range),
        "options": list(network.options),
        "labels": list(network.labels),
    }


def _row(row: "tuple[Any, ...]") -> Network:
    name, number, link, address, mtu, internal, created, after, text = row
    what = f"network '{name}'"
    more = decode(text)
    second = more.get("address6", "")
    bridge = Bridge(
        link=link,
        address=parse_bridge_address(address, what=what),
        internal=bool(internal),
        mtu=mtu,
        address6=parse_bridge_address6(second, what=what) if second else None,
        icc=more.get("icc", True),
        masquerade=more.get("masquerade", True),
    )
    return Network(
        name=name,
        id=number,
        bridge=bridge,
        created=created,
        after=after,
        ip_range=tuple(more.get("ip_range", ())),
        options=tuple(more.get("options", ())),
        labels=tuple(more.get("labels", ())),
    )
