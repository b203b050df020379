"""Making and removing networks: rare, so apart from what a container's start loads."""

import os
import sqlite3
import time

from toolkit.core.errors import ConflictError, InvalidInputError, ToolkitError
from toolkit.core.record import record
from toolkit.engine.names import random_id
from toolkit.engine.netstore import DEFAULT, Network, check_network_name
from toolkit.net import quick
from toolkit.net.ipv4 import (
    Interface,
    dotted,
    parse_address,
    parse_bridge_address,
    parse_interface,
)
from toolkit.net.wiring import Bridge, check_link_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolkit.engine.database import Database
    from toolkit.engine.networks import Networks

_MTU = (68, 65535)  # the least of RFC 791, the most of a packet


@record
class NetworkConfig:
    """A network as asked for; what is empty is chosen."""

    name: str
    subnet: str = ""
    gateway: str = ""
    link: str = ""
    internal: bool = False
    mtu: int = 0


def create(networks: "Networks", database: "Database", asked: NetworkConfig) -> Network:
    """Make a network of its own bridge; nothing is left of one that cannot be.

    The row comes first: a bridge without one would be nobody's, one that is missing is made when
    the first container needs it.
    """
    check_network_name(asked.name)
    if asked.mtu and not _MTU[0] <= asked.mtu <= _MTU[1]:
        raise InvalidInputError(f"mtu: {asked.mtu} is outside {_MTU[0]} to {_MTU[1]}")
    link = check_link_name(asked.link) if asked.link else f"br-{os.urandom(6).hex()}"
    with database.transaction():
        others = networks.table.all()
        address = _address(asked, others)
        network = Network(
            name=asked.name,
            id=random_id(),
            bridge=Bridge(link=link, address=address, internal=asked.internal, mtu=asked.mtu),
            created=time.time(),
        )
        _check_new(network, others)
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


def _check_new(network: Network, others: list[Network]) -> None:
    for other in others:
        if other.name == network.name:
            raise ConflictError(f"there is a network '{network.name}' already")
        if other.bridge.address.overlaps(network.bridge.address):
            raise ConflictError(
                f"the subnet {network.bridge.address.subnet} overlaps"
                f" {other.bridge.address.subnet} of network '{other.name}'",
                hint="choose another --subnet",
            )


def _address(asked: NetworkConfig, others: list[Network]) -> Interface:
    if not asked.subnet:
        if asked.gateway:
            raise InvalidInputError("a gateway is given without its subnet", hint="give --subnet")
        return _chosen(others)
    subnet = parse_interface(asked.subnet, what="subnet")
    if subnet.number != subnet.low:
        raise InvalidInputError(
            f"subnet: '{asked.subnet}' has bits beyond its prefix", hint=f"write {subnet.subnet}"
        )
    first = asked.gateway or dotted(subnet.low + 1)
    if parse_address(first, what="gateway") not in subnet:
        raise InvalidInputError(f"gateway: {first} is not in {subnet.subnet}")
    return parse_bridge_address(f"{first}/{subnet.prefix}", what="subnet")


def _chosen(others: list[Network]) -> Interface:
    """The first of Docker's pools that neither a network nor this host uses."""
    used = [other.bridge.address for other in others]
    used += [
        parse_interface(route.to, what="route")
        for route in quick.routes()
        if ":" not in route.to and not route.to.endswith("/0")
    ]
    for pool in _pools():
        if not any(pool.overlaps(other) for other in used):
            return pool
    raise ConflictError("no subnet is free for a new network", hint="choose one with --subnet")


def _pools() -> "Iterator[Interface]":
    for second in range(17, 32):
        yield parse_interface(f"172.{second}.0.1/16", what="pool")
    for third in range(0, 256, 16):
        yield parse_interface(f"192.168.{third}.1/20", what="pool")
