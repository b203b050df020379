"""What a container's wires are made from, as values: bridges, ends of wires, published ports."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.net.ipv4 import Interface

MAX_NAME = 15  # IFNAMSIZ of linux/if.h, without the final NUL
SYSCTL = "/proc/sys/net"
FORWARDING = f"{SYSCTL}/ipv4/ip_forward"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@record
class Bridge:
    """A bridge of containers: its link, and the address by which they reach the world.

    An ``internal`` one leads nowhere else. ``mtu`` 0 is the kernel's own.
    """

    link: str
    address: Interface
    internal: bool = False
    mtu: int = 0


@record
class Port:
    """A port of the host that leads to one of a container; ``host`` empty is every address."""

    protocol: str
    host: str
    outer: int
    inner: int


@record
class Endpoint:
    """One container on one bridge: ``link`` is the host's end of its wire."""

    bridge: str
    link: str
    mac: str
    address: str
    ports: tuple[Port, ...] = ()


def check_link_name(name: str) -> str:
    """Refuse a name that is none for a link, or that a rule could not quote; the name."""
    if not 0 < len(name) <= MAX_NAME or not set(name) <= _PLAIN or name in (".", ".."):
        raise InvalidInputError(
            f"'{name}' is no name for a bridge",
            hint=f"at most {MAX_NAME} of letters, digits, _ . and -",
        )
    return name


def forwards() -> bool:
    """Whether this host passes packets on between its links."""
    try:
        with open(FORWARDING, encoding="ascii") as file:
            return file.read().strip() != "0"
    except FileNotFoundError:
        return True  # nothing there that could be turned on


def mac_of(address: int) -> str:
    """A hardware address made from an IPv4 address, as Docker does.

    It moves with the address, so no neighbour's table is ever out of date.
    """
    return bytes((0x02, 0x42, *address.to_bytes(4, "big"))).hex(":")
