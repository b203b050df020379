"""The same links and routes without netlink: 1 ms where loading pyroute2 takes 130.

Names, flags, addresses and routes come from ioctls (netdevice(7)) and ``/proc/thread-self/net``,
which always speak of the caller's own network namespace. ``/sys/class/net`` speaks of the
namespace that mounted it, so it is believed only where index and hardware address agree.
"""

import array
import fcntl
import os
import socket
import struct

from toolkit.net.model import Link, Route

SYS = "/sys/class/net"
PROC = "/proc/thread-self/net"

_GET_CONF = 0x8912  # SIOCGIFCONF, netdevice(7)
_GET_FLAGS = 0x8913
_GET_NETMASK = 0x891B
_GET_MTU = 0x8921
_GET_HWADDR = 0x8927
_ETHTOOL, _GET_DRIVER = 0x8946, 3  # SIOCETHTOOL, ETHTOOL_GDRVINFO of linux/ethtool.h
_REQUEST = struct.Struct("16s24s")  # struct ifreq on 64-bit machines
_IFF_UP = 1
_RTF_UP, _RTF_REJECT, _RTF_LOCAL = 0x1, 0x200, 0x80000000


def links() -> tuple[Link, ...]:
    """Every link, in the order of their index; none where ``/sys`` cannot be believed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        addresses = _ipv4(probe)
        for name, address in _ipv6():
            addresses.setdefault(name, []).append(address)
        found = []
        for index, name in sorted(socket.if_nameindex()):
            link = _link(probe, index, name, tuple(addresses.get(name, ())))
            if link is None:
                return ()
            found.append(link)
    return tuple(found)


def routes() -> tuple[Route, ...]:
    """The main tables: IPv4 first, without the routes to the machine's own addresses."""
    return (*_routes_v4(_text(f"{PROC}/route")), *_routes_v6(_text(f"{PROC}/ipv6_route")))


def addresses(name: str) -> tuple[str, ...]:
    """The IPv4 addresses of one link, in CIDR notation."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return tuple(_ipv4(probe).get(name, ()))


def kind(name: str) -> str:
    """What the kernel calls a virtual link, asked of its driver alone; ``""`` for others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return _driver(probe, name)


def hardware_address(name: str) -> str:
    """The hardware address of a link."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        return _ask(probe, _GET_HWADDR, name)[2:8].hex(":")


def _link(probe: socket.socket, index: int, name: str, addresses: tuple[str, ...]) -> Link | None:
    try:
        (flags,) = struct.unpack_from("H", _ask(probe, _GET_FLAGS, name))
        (mtu,) = struct.unpack_from("i", _ask(probe, _GET_MTU, name))
        mac = _ask(probe, _GET_HWADDR, name)[2:8].hex(":")
    except OSError:
        return None  # the link went away meanwhile
    there = os.path.join(SYS, name)
    seen = _text(f"{there}/address").strip()
    if not seen and not mac.strip("0:"):
        mac = ""  # a tun has no address, which the ioctl tells as zeros
    if (_text(f"{there}/ifindex").strip(), seen[: len(mac)]) != (str(index), mac):
        return None
    return Link(
        name=name,
        index=index,
        kind=_kind(probe, name),
        up=bool(flags & _IFF_UP),
        mtu=mtu,
        mac=mac,
        master=os.path.basename(_target(f"{there}/master")),
        stp=_text(f"{there}/bridge/stp_state").strip() not in ("", "0"),
        addresses=addresses,
    )


def _ask(probe: socket.socket, request: int, name: str, value: bytes = b"") -> bytes:
    answer = fcntl.ioctl(probe, request, _REQUEST.pack(os.fsencode(name), value))
    return bytes(answer[16:])


def _ipv4(probe: socket.socket) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, raw in _configured(probe):
        try:
            mask = _ask(probe, _GET_NETMASK, label, raw)[4:8]
        except OSError:
            continue  # the address went away meanwhile
        prefix = int.from_bytes(mask, "big").bit_count()
        name = label.partition(":")[0]  # an alias of old has a name such as eth0:1
        found.setdefault(name, []).append(f"{socket.inet_ntoa(raw[4:8])}/{prefix}")
    return found


# The kernel fills a buffer that only a pointer names: an array tells its address, bytes do not.


def _configured(probe: socket.socket) -> list[tuple[str, bytes]]:
    """Label and ``sockaddr`` of every IPv4 address."""
    size = 64 * _REQUEST.size
    while True:
        buffer = array.array("B", bytes(size))
        request = struct.pack("iP", size, buffer.buffer_info()[0])
        used: int = struct.unpack_from("i", fcntl.ioctl(probe, _GET_CONF, request))[0]
        if used + _REQUEST.size <= size:
            break
        size *= 2
    filled = buffer.tobytes()[:used]
    return [
        (os.fsdecode(label.rstrip(b"\0").split(b"\0")[0]), value)
        for label, value in _REQUEST.iter_unpack(filled)
    ]


def _ipv6() -> list[tuple[str, str]]:
    """Name and address in CIDR notation; a row is address, index, prefix, scope, flags, name."""
    rows = (line.split() for line in _text(f"{PROC}/if_inet6").splitlines())
    return [(row[5], f"{_v6(row[0])}/{int(row[2], 16)}") for row in rows]


def _routes_v4(table: str) -> list[Route]:
    found = []
    for line in table.splitlines()[1:]:
        link, to, via, flags, _, _, metric, mask, *_ = line.split()
        if int(flags, 16) & _RTF_UP and not int(flags, 16) & _RTF_REJECT:
            prefix = int(mask, 16).bit_count()
            gateway = _v4(via)
            found.append(
                Route(
                    to=f"{_v4(to)}/{prefix}",
                    link=link,
                    via="" if gateway == "0.0.0.0" else gateway,  # noqa: S104 - no binding: "none"
                    metric=int(metric),
                )
            )
    return found


def _routes_v6(table: str) -> list[Route]:
    found = []
    for line in table.splitlines():
        to, prefix, _, _, via, metric, _, _, flags, link = line.split()
        bits = int(flags, 16)
        if not bits & _RTF_UP or bits & (_RTF_REJECT | _RTF_LOCAL) or to.startswith("ff"):
            continue
        found.append(
            Route(
                to=f"{_v6(to)}/{int(prefix, 16)}",
                link=link,
                via=_v6(via) if via.strip("0") else "",
                metric=int(metric, 16),
            )
        )
    return found


def _v4(text: str) -> str:
    # The kernel prints the four bytes as one number of this machine's byte order.
    return socket.inet_ntoa(struct.pack("=I", int(text, 16)))


def _v6(text: str) -> str:
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(text))


def _kind(probe: socket.socket, name: str) -> str:
    there = os.path.join(SYS, name)
    for line in _text(f"{there}/uevent").splitlines():
        if line.startswith("DEVTYPE="):
            return line.removeprefix("DEVTYPE=")
    return "" if os.path.exists(f"{there}/device") else _driver(probe, name)


def _driver(probe: socket.socket, name: str) -> str:
    """The driver of a virtual link, named as its kind: ``veth``, ``dummy``, ``tun``."""
    answer = array.array("B", struct.pack("I", _GET_DRIVER) + bytes(192))
    request = _REQUEST.pack(os.fsencode(name), struct.pack("P", answer.buffer_info()[0]))
    try:
        fcntl.ioctl(probe, _ETHTOOL, request)
    except OSError:
        return ""  # loopback has none
    return answer.tobytes()[4:36].split(b"\0")[0].decode()


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
