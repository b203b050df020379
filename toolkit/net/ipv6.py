"""IPv6 addresses as numbers, without ``ipaddress``, as ``ipv4`` has those of IPv4."""

import _socket

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.net.ipv4 import split_prefix

_ALL = (1 << 128) - 1
_MAX_POOL = 1 << 32  # as many addresses as anybody gives out, of the 2^64 of a usual subnet


@record
class Interface6:
    """An address and the subnet that it is in: ``fd00:5::1/64``."""

    number: int
    prefix: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"

    @property
    def address(self) -> str:
        """The address alone."""
        return text_of(self.number)

    @property
    def low(self) -> int:
        """The subnet's first address, which names it."""
        return self.number & (_ALL << (128 - self.prefix)) & _ALL

    @property
    def high(self) -> int:
        """The subnet's last address."""
        return self.low | (_ALL >> self.prefix)

    @property
    def subnet(self) -> str:
        """The subnet: ``fd00:5::/64``."""
        return f"{text_of(self.low)}/{self.prefix}"

    @property
    def room(self) -> int:
        """How far from ``low`` the addresses go that are given out."""
        return min(self.high - self.low, _MAX_POOL)

    def __contains__(self, number: int) -> bool:
        return self.low <= number <= self.high

    def overlaps(self, other: "Interface6") -> bool:
        """Whether an address is in both subnets."""
        return self.low <= other.high and other.low <= self.high


def text_of(number: int) -> str:
    """A number as ``fd00:5::1``."""
    return _socket.inet_ntop(_socket.AF_INET6, number.to_bytes(16, "big"))


def parse_address6(text: str, *, what: str) -> int:
    """The number of ``fd00:5::1``; ``what`` names it in the refusal."""
    try:
        return int.from_bytes(_socket.inet_pton(_socket.AF_INET6, text), "big")
    except OSError:
        raise InvalidInputError(
            f"{what}: '{text}' is no IPv6 address", hint="write it as fd00:5::2"
        ) from None


def parse_interface6(text: str, *, what: str) -> Interface6:
    """The address and subnet of ``fd00:5::1/64``."""
    address, prefix = split_prefix(text, 128, what=what, example="fd00:5::1/64")
    return Interface6(number=parse_address6(address, what=what), prefix=prefix)


def parse_bridge_address6(text: str, *, what: str) -> Interface6:
    """The same for a bridge: the subnet has room for a container, the address is one of it."""
    found = parse_interface6(text, what=what)
    if found.prefix > 126:
        raise InvalidInputError(
            f"{what}: '{text}' leaves no address for containers",
            hint="use a /126 or a wider subnet",
        )
    first = found.number >> 118
    if found.number == found.low or first == 0x3FA or found.number >> 120 in (0, 0xFF):
        raise InvalidInputError(
            f"{what}: '{text}' is no address for a bridge",
            hint="use one of fd00::/8, as in fd00:5::1/64",
        )
    return found


def link_local(mac: str) -> str:
    """The address that the kernel gives a link of this hardware address (RFC 4291, appendix A)."""
    raw = bytes.fromhex(mac.replace(":", ""))
    number = bytes((raw[0] ^ 2, *raw[1:3], 0xFF, 0xFE, *raw[3:]))
    return text_of((0xFE80 << 112) | int.from_bytes(number, "big"))


def exists() -> bool:
    """Whether this host has IPv6 at all."""
    try:
        _socket.socket(_socket.AF_INET6, _socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True
