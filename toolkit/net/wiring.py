"""What a container's wires are made from, as values: bridges, ends of wires, published ports."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.net.ipv4 import Interface, dotted
from toolkit.net.ipv6 import Interface6

MAX_NAME = 15  # IFNAMSIZ of linux/if.h, without the final NUL
SYSCTL = "/proc/sys/net"
FORWARDING = f"{SYSCTL}/ipv4/ip_forward"
FORWARDING6 = f"{SYSCTL}/ipv6/conf/all/forwarding"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@record
class Bridge:
    """A bridge of containers: its link, and the address by which they reach the world.

    An ``internal`` one leads nowhere else. ``mtu`` 0 is the kernel's own. Without ``icc`` its
    containers do not reach each other. Without ``masquerade`` they leave in their own name.
    """

    link: str
    address: Interface
    internal: bool = False
    mtu: int = 0
    address6: "Interface6 | None" = None
    icc: bool = True
    masquerade: bool = True


@record
class Port:
    """A port of the host that leads to one of a container.

    ``host`` empty is every address, ``0.0.0.0`` every one of IPv4 and ``::`` every one of IPv6.
    ``outer`` 0 is any port, and one with a ``last`` any from ``outer`` to there.
    """

    protocol: str
    host: str
    outer: int
    inner: int
    last: int = 0

    @property
    def is_everywhere(self) -> bool:
        """Whether it is one of all addresses of its families."""
        return self.host in ("", "::") or self.host == dotted(0)

    def speaks(self, version: int) -> bool:
        """Whether it is a port of IPv4 (4), of IPv6 (6)."""
        return not self.host or (":" in self.host) == (version == 6)


@record
class Endpoint:
    """One container on one bridge: ``link`` is the host's end of its wire.

    It is ``worn`` where another had its address a moment ago.
    """

    bridge: str
    link: str
    mac: str
    address: str
    ports: tuple[Port, ...] = ()
    address6: str = ""
    worn: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those that it has."""
        return tuple(filter(None, (self.address, self.address6)))

    @property
    def flows(self) -> tuple[tuple[str, int], ...]:
        """The protocols and ports whose flows have no end of their own."""
        return tuple((port.protocol, port.outer) for port in self.ports if port.protocol == "udp")


@record
class Plug:
    """One end of a wire on its way: ``name`` is what it is called inside, or any free one."""

    bridge: Bridge
    endpoint: Endpoint
    name: str = ""


@record
class Closed:
    """Links between which a host does not forward, for all that dockyard made it forward at all.

    Of each family; what came later, such as other people's bridges, is theirs to guard.
    """

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


def check_link_name(name: str) -> str:
    """Refuse a name that is none for a link, or that a rule could not quote; the name."""
    if not 0 < len(name) <= MAX_NAME or not set(name) <= _PLAIN or name in (".", ".."):
        raise InvalidInputError(
            f"'{name}' is no name for a bridge",
            hint=f"at most {MAX_NAME} of letters, digits, _ . and -",
        )
    return name


def forwards(path: str = FORWARDING) -> bool:
    """Whether this host passes packets on between its links, of IPv4 if not told otherwise."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() != "0"
    except FileNotFoundError:
        return True  # nothing there that could be turned on


def mac_of(address: int) -> str:
    """A hardware address made from an IPv4 address, as Docker does.

    It moves with the address, so no neighbour's table is ever out of date.
    """
    return bytes((0x02, 0x42, *address.to_bytes(4, "big"))).hex(":")
