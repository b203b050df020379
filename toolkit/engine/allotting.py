"""Gives a container its addresses on a network: those it asks for, or the next that are free."""

import time
from zlib import crc32

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.engine.addresses import Pool
from toolkit.net.ipv4 import dotted, parse_address
from toolkit.net.ipv6 import parse_address6, text_of
from toolkit.net.wiring import mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import Attach
    from toolkit.engine.database import Database
    from toolkit.engine.endpoints import Attachment
    from toolkit.engine.netstore import Network, NetworkTable

_REST = 180.0  # seconds until a flow of UDP is forgotten that was two-way (nf_conntrack-sysctl)


def take(
    database: "Database", table: "NetworkTable", network: "Network", choice: "Attach"
) -> tuple[str, str]:
    """The addresses of IPv4 and IPv6, the latter empty where the network has none."""
    number = _take(database, table, network, choice)
    second = network.bridge.address6
    if second is None:
        if choice.ip6:
            raise InvalidInputError(
                f"ip6: network '{network.name}' has no IPv6",
                hint="make one with 'network create --ipv6'",
            )
        return dotted(number), ""
    pool = table.pool6(network.name)
    if choice.ip6:
        asked = parse_address6(choice.ip6, what="ip6")
        if asked not in second or asked == second.low:
            raise InvalidInputError(
                f"ip6: {choice.ip6} is no address for a container in {second.subnet},"
                f" the subnet of network '{network.name}'"
            )
        if asked - second.low > second.room or not pool.claim(asked - second.low):
            raise ConflictError(
                f"the address {choice.ip6} is taken, or beyond the first {second.room + 1} of its"
                " subnet",
                hint="choose another one",
            )
        return dotted(number), text_of(asked)
    # The same place in both subnets, as far as nobody asked otherwise.
    offset = pool.take(number - network.bridge.address.low)
    if offset is None:
        raise _exhausted(network, second.subnet)
    return dotted(number), text_of(second.low + offset)


def worn(database: "Database", network: str, address: str) -> bool:
    """Whether somebody else had the address a moment ago, and flows may lead to it still."""
    found = database.query(
        "DELETE FROM rests WHERE network=? AND address=? RETURNING until",
        network,
        parse_address(address, what="address"),
    )
    return bool(found) and found[0][0] > time.time()


def give(database: "Database", table: "NetworkTable", attachment: "Attachment") -> None:
    """Take both back."""
    network, endpoint = attachment.network, attachment.endpoint
    number = parse_address(endpoint.address, what="address")
    Pool(database, network.name).give(number)
    now = time.time()
    database.query("DELETE FROM rests WHERE until<?", now)
    database.query(
        "INSERT OR REPLACE INTO rests VALUES (?, ?, ?)", network.name, number, now + _REST
    )
    second = network.bridge.address6
    if endpoint.address6 and second:
        offset = parse_address6(endpoint.address6, what="address") - second.low
        table.pool6(network.name).give(offset)


def link_name(container: str, network: str, *, first: bool) -> str:
    """The host's end of a wire: by the container, and for more networks by both."""
    if first:
        return f"veth{container[:11]}"
    return f"veth{crc32(f'{container} {network}'.encode()):08x}"


def mac(asked: str, address: str) -> str:
    """A hardware address of one station, in lower case; by the address where none is asked for."""
    if not asked:
        return mac_of(parse_address(address, what="address"))
    parts = asked.lower().replace("-", ":").split(":")
    digits = set("0123456789abcdef")
    if len(parts) != 6 or not all(len(part) == 2 and set(part) <= digits for part in parts):
        raise InvalidInputError(
            f"mac-address: '{asked}' is no hardware address", hint="write it as 02:42:ac:11:00:02"
        )
    if int(parts[0], 16) & 1 or set(parts) == {"00"}:
        raise InvalidInputError(
            f"mac-address: '{asked}' is not the address of one station",
            hint="let the first byte be even, as in 02:42:ac:11:00:02",
        )
    return ":".join(parts)


def _take(database: "Database", table: "NetworkTable", network: "Network", choice: "Attach") -> int:
    pool = Pool(database, network.name)
    if choice.ip:
        return _claim(pool, network, choice.ip, database)
    taken = pool.take(network.after, *network.ip_range)
    if taken is None:
        raise _exhausted(network, network.bridge.address.subnet)
    table.next_after(network.name, taken + 1)
    return taken


def _claim(pool: Pool, network: "Network", text: str, database: "Database") -> int:
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


def _exhausted(network: "Network", subnet: str) -> ConflictError:
    return ConflictError(
        f"network '{network.name}' has no free address in {subnet}",
        hint="remove containers from it, or use a network with a wider subnet",
    )
