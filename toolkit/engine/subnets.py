"""Which subnets a new network gets: those asked for, or the first that nobody uses."""

import os

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.net import quick
from toolkit.net.ipv4 import (
    Interface,
    dotted,
    parse_address,
    parse_bridge_address,
    parse_interface,
)
from toolkit.net.ipv6 import (
    Interface6,
    parse_address6,
    parse_bridge_address6,
    parse_interface6,
    text_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolkit.engine.netstore import Network


def choose(
    subnets: tuple[str, ...], gateways: tuple[str, ...], others: "list[Network]"
) -> Interface:
    """The bridge's address of IPv4."""
    subnet, gateway = _asked(subnets, gateways, version=4)
    if not subnet:
        return _chosen(others)
    wanted = parse_interface(subnet, what="subnet")
    if wanted.number != wanted.low:
        raise _bits(subnet, wanted.subnet)
    first = gateway or dotted(wanted.low + 1)
    if parse_address(first, what="gateway") not in wanted:
        raise InvalidInputError(f"gateway: {first} is not in {wanted.subnet}")
    address = parse_bridge_address(f"{first}/{wanted.prefix}", what="subnet")
    for other in others:
        if other.bridge.address.overlaps(address):
            raise _overlap(address.subnet, other.bridge.address.subnet, other.name)
    return address


def choose6(
    subnets: tuple[str, ...],
    gateways: tuple[str, ...],
    others: "list[Network]",
    *,
    wanted: bool,
) -> Interface6 | None:
    """The bridge's address of IPv6, where one is asked for or ``wanted``.

    One that is chosen is local and unique, as likely as 40 random bits make it (RFC 4193).
    """
    subnet, gateway = _asked(subnets, gateways, version=6)
    if not subnet:
        if not wanted:
            return None
        number = 0xFD << 120 | int.from_bytes(os.urandom(5), "big") << 80 | 1
        return Interface6(number=number, prefix=64)
    found = parse_interface6(subnet, what="subnet")
    if found.number != found.low:
        raise _bits(subnet, found.subnet)
    first = gateway or text_of(found.low + 1)
    if parse_address6(first, what="gateway") not in found:
        raise InvalidInputError(f"gateway: {first} is not in {found.subnet}")
    address = parse_bridge_address6(f"{first}/{found.prefix}", what="subnet")
    for other in others:
        if other.bridge.address6 and other.bridge.address6.overlaps(address):
            raise _overlap(address.subnet, other.bridge.address6.subnet, other.name)
    return address


def span(ranges: tuple[str, ...], address: Interface) -> tuple[int, ...]:
    """The first and the last address that are given out; nothing for all of them."""
    if not ranges:
        return ()
    if len(ranges) > 1 or ":" in ranges[0]:
        raise InvalidInputError("ip-range: one of IPv4 can be given, and no more")
    found = parse_interface(ranges[0], what="ip-range")
    if found.low not in address or found.high not in address:
        raise InvalidInputError(f"ip-range: {found.subnet} is not in {address.subnet}")
    return found.low, found.high


def _asked(subnets: tuple[str, ...], gateways: tuple[str, ...], *, version: int) -> tuple[str, str]:
    """The subnet and the gateway of one family."""
    for name, texts in (("subnet", subnets), ("gateway", gateways)):
        if "" in texts:
            raise InvalidInputError(f"{name}: it is empty")
    of_it = [
        [text for text in texts if (":" in text) == (version == 6)] for texts in (subnets, gateways)
    ]
    for name, found in zip(("subnet", "gateway"), of_it, strict=True):
        if len(found) > 1:
            raise InvalidInputError(f"{name}: a network has one of IPv{version}, not {len(found)}")
    if of_it[1] and not of_it[0]:
        raise InvalidInputError("a gateway is given without its subnet", hint="give --subnet")
    return "".join(of_it[0]), "".join(of_it[1])


def _chosen(others: "list[Network]") -> Interface:
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


def _bits(subnet: str, plain: str) -> InvalidInputError:
    return InvalidInputError(
        f"subnet: '{subnet}' has bits beyond its prefix", hint=f"write {plain}"
    )


def _overlap(subnet: str, other: str, name: str) -> ConflictError:
    return ConflictError(
        f"the subnet {subnet} overlaps {other} of network '{name}'", hint="choose another --subnet"
    )
