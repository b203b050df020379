"""IPv4 addresses as numbers, without ``ipaddress``: it costs 5 ms and a start needs three lines."""

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record


@record
class Interface:
    """An address and the subnet that it is in: ``192.168.5.1/24``."""

    number: int
    prefix: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"

    @property
    def address(self) -> str:
        """The address alone."""
        return dotted(self.number)

    @property
    def low(self) -> int:
        """The subnet's first address, which names it."""
        return self.number & (0xFFFFFFFF << (32 - self.prefix))

    @property
    def high(self) -> int:
        """The subnet's last address, which is everybody's."""
        return self.low | (0xFFFFFFFF >> self.prefix)

    @property
    def subnet(self) -> str:
        """The subnet: ``192.168.5.0/24``."""
        return f"{dotted(self.low)}/{self.prefix}"

    def __contains__(self, number: int) -> bool:
        return self.low <= number <= self.high

    def overlaps(self, other: "Interface") -> bool:
        """Whether an address is in both subnets."""
        return self.low <= other.high and other.low <= self.high


def dotted(number: int) -> str:
    """A number as ``192.168.5.1``."""
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))


def parse_address(text: str, *, what: str) -> int:
    """The number of ``192.168.5.1``; ``what`` names it in the refusal."""
    parts = text.split(".")
    plain = len(parts) == 4 and all(part.isascii() and part.isdecimal() for part in parts)
    if not plain or any(int(part) > 255 or part != str(int(part)) for part in parts):
        raise InvalidInputError(
            f"{what}: '{text}' is no IPv4 address", hint="write it as 192.168.5.2"
        )
    return int.from_bytes(bytes(int(part) for part in parts), "big")


def parse_interface(text: str, *, what: str) -> Interface:
    """The address and subnet of ``192.168.5.1/24``."""
    address, prefix = split_prefix(text, 32, what=what, example="192.168.5.1/24")
    return Interface(number=parse_address(address, what=what), prefix=prefix)


def split_prefix(text: str, bits: int, *, what: str, example: str) -> tuple[str, int]:
    """The part before the slash and the length behind it, of at most ``bits``."""
    address, _, prefix = text.partition("/")
    if not (prefix.isascii() and prefix.isdecimal() and int(prefix) <= bits):
        raise InvalidInputError(
            f"{what}: '{text}' is no address with a subnet", hint=f"write it as {example}"
        )
    return address, int(prefix)


def parse_bridge_address(text: str, *, what: str) -> Interface:
    """The same for a bridge: the subnet has room for a container, the address is one of it."""
    found = parse_interface(text, what=what)
    if found.prefix > 30:
        raise InvalidInputError(
            f"{what}: '{text}' leaves no address for containers", hint="use a /30 or a wider subnet"
        )
    if found.number in (found.low, found.high):
        raise InvalidInputError(
            f"{what}: '{text}' is the subnet's own or its broadcast address",
            hint=f"use {dotted(found.low + 1)}/{found.prefix}",
        )
    return found
