"""Making and removing networks: rare, so apart from what a container's start loads."""

import os
import time

from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError
from toolkit.core.record import record
from toolkit.core.sqlite import sqlite3
from toolkit.engine import subnets
from toolkit.engine.names import random_id
from toolkit.engine.netstore import DEFAULT, Network, check_network_name
from toolkit.net.wiring import Bridge, check_link_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.database import Database
    from toolkit.engine.networks import Networks

_MTU = (68, 65535)  # the least of RFC 791, the most of a packet
_MTU6 = 1280  # the least of RFC 8200


@record
class NetworkConfig:
    """A network as asked for; what is empty is chosen.

    ``subnets``, ``gateways`` and ``ranges`` hold at most one of each family. ``options`` are
    Docker's for its bridges, as they were given: ``mtu``, ``icc`` and the others are what they
    mean. ``labels`` hold ``NAME=VALUE``.
    """

    name: str
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    link: str = ""
    internal: bool = False
    ipv6: bool = False
    mtu: int = 0
    icc: bool = True
    masquerade: bool = True
    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def create(networks: "Networks", database: "Database", asked: NetworkConfig) -> Network:
    """Make a network of its own bridge; nothing is left of one that cannot be.

    The row comes first: a bridge without one would be nobody's, one that is missing is made when
    the first container needs it.
    """
    check_network_name(asked.name)
    link = check_link_name(asked.link) if asked.link else f"br-{os.urandom(6).hex()}"
    with database.transaction():
        others = networks.table.all()
        if any(other.name == asked.name for other in others):
            raise ConflictError(f"there is a network '{asked.name}' already")
        network = _network(asked, link, others)
        try:
            networks.table.insert(network)
        except sqlite3.IntegrityError:
            raise ConflictError(f"the bridge '{link}' is another network's") from None
    try:
        networks.wires.make_bridge(network.bridge)
        networks.reload()
    except ToolkitError:
        remove(networks, database, asked.name)
        raise
    return network


def _network(asked: NetworkConfig, link: str, others: list[Network]) -> Network:
    address = subnets.choose(asked.subnets, asked.gateways, others)
    address6 = subnets.choose6(asked.subnets, asked.gateways, others, wanted=asked.ipv6)
    least = _MTU6 if address6 else _MTU[0]
    if asked.mtu and not least <= asked.mtu <= _MTU[1]:
        raise InvalidInputError(f"mtu: {asked.mtu} is outside {least} to {_MTU[1]}")
    return Network(
        name=asked.name,
        id=random_id(),
        bridge=Bridge(
            link=link,
            address=address,
            internal=asked.internal,
            mtu=asked.mtu,
            address6=address6,
            icc=asked.icc,
            masquerade=asked.masquerade,
        ),
        created=time.time(),
        ip_range=subnets.span(asked.ranges, address),
        options=asked.options,
        labels=asked.labels,
    )


def remove(networks: "Networks", database: "Database", name: str) -> str:
    """Remove a network that no container is on; its name."""
    network = networks.table.find(name)
    if network.name == DEFAULT:
        raise ConflictError(f"the network '{DEFAULT}' is built in and stays")
    with database.transaction():
        held = networks.members(network.name)
        if held:
            raise ConflictError(
                f"network '{network.name}' has {len(held)} containers",
                hint=f"stop container {held[0][0][:12]} first",
            )
        networks.wires.remove_bridge(network.bridge.link)
        networks.table.remove(network.name)
    networks.reload()
    return network.name


def prune(networks: "Networks", database: "Database") -> list[str]:
    """Remove all networks that no container is on; their names."""
    unused = [
        one.name
        for one in networks.table.all()
        if one.name != DEFAULT and not networks.members(one.name)
    ]
    return [remove(networks, database, name) for name in unused]
