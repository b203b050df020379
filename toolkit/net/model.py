"""What the kernel's network looks like, as values."""

from toolkit.core.record import record


@record
class Link:
    """One network interface; ``addresses`` are in CIDR notation, IPv4 first.

    ``kind`` is what the kernel calls it (``bridge``, ``veth``, …) and ``""`` for hardware;
    ``master`` is the name of the bridge or bond that it is a port of. ``mtu`` is in bytes.
    """

    name: str
    index: int = 0
    kind: str = ""
    up: bool = False
    mtu: int = 1500
    mac: str = ""
    master: str = ""
    stp: bool = False
    addresses: tuple[str, ...] = ()


@record
class Route:
    """One route of the main table; ``to`` is ``0.0.0.0/0`` or ``::/0`` for the default."""

    to: str
    link: str
    via: str = ""
    metric: int = 0
