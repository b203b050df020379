"""Links and addresses through netlink: one method a step, our values and errors around it.

``Netlink()`` opens a socket for every call, half a millisecond each; inside ``with Netlink() as
net`` all calls share one. A socket belongs to the network namespace it was opened in. Not for
use inside a running event loop: pyroute2's synchronous socket refuses that, so hand the call to
a thread.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

from toolkit.core.errors import (
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from toolkit.net import quick
from toolkit.net.faults import failure
from toolkit.net.model import Link, Route
from toolkit.net.wiring import MAX_NAME

_UP = 1  # IFF_UP of linux/if.h


class Netlink:
    """The kernel's links in the network namespace of the caller."""

    def __init__(self) -> None:
        self._shared: Any = None

    def __enter__(self) -> Self:
        self._shared = _open()
        return self

    def __exit__(self, *_: object) -> None:
        self._shared.close()
        self._shared = None

    def links(self) -> tuple[Link, ...]:
        """Every link, in the kernel's order."""
        return quick.links() or self.links_by_netlink()

    def routes(self) -> tuple[Route, ...]:
        """The main tables of IPv4 and IPv6."""
        return quick.routes()

    def links_by_netlink(self) -> tuple[Link, ...]:
        """The same as ``links``, always asked of netlink."""
        with self._socket("read the links", "") as ip:
            found = list(ip.get_links())
            addresses = _addresses(ip.get_addr())
        names = {message["index"]: message.get("IFLA_IFNAME") for message in found}
        return tuple(_link(message, names, addresses) for message in found)

    def link(self, name: str) -> Link:
        """One link; ``NotFoundError`` if there is none of that name."""
        for link in self.links():
            if link.name == name:
                return link
        raise NotFoundError(f"there is no link '{name}'", hint="'ip link' lists them")

    def create_bridge(self, name: str) -> None:
        """Make a bridge, down and without an address."""
        check_name(name)
        with self._socket("create bridge", name) as ip:
            ip.link("add", ifname=name, kind="bridge")

    def create_veth(self, name: str, peer: str) -> None:
        """Make a pair of links, down, that hand each other every packet."""
        check_name(name)
        check_name(peer)
        with self._socket("create veth pair", name) as ip:
            ip.link("add", ifname=name, kind="veth", peer={"ifname": peer})

    def delete_link(self, name: str) -> None:
        """Remove a link of any kind; the other end of a veth pair goes with it."""
        with self._socket("delete link", name) as ip:
            ip.link("del", index=_index(ip, name))

    def add_address(self, name: str, address: str) -> None:
        """Add an address in CIDR notation; IPv4 gets the subnet's broadcast address."""
        with self._socket(f"add {address} to", name) as ip:
            ip.addr("add", **_address(ip, name, address))

    def remove_address(self, name: str, address: str) -> None:
        """Remove an address in CIDR notation."""
        with self._socket(f"remove {address} from", name) as ip:
            ip.addr("del", **_address(ip, name, address))

    def set_up(self, name: str) -> None:
        """Bring a link up."""
        self._set(name, "bring up", state="up")

    def set_down(self, name: str) -> None:
        """Take a link down."""
        self._set(name, "take down", state="down")

    def set_mtu(self, name: str, mtu: int) -> None:
        """Set the largest packet, in bytes."""
        self._set(name, f"set mtu {mtu} on", mtu=mtu)

    def set_stp(self, name: str, *, on: bool) -> None:
        """Turn a bridge's spanning tree protocol on or off."""
        self._set(name, "set stp of", kind="bridge", br_stp_state=int(on))

    def set_master(self, name: str, bridge: str) -> None:
        """Make a link a port of a bridge; ``""`` takes it off the one it is in."""
        with self._socket("set the bridge of", name) as ip:
            master = _index(ip, bridge) if bridge else 0
            ip.link("set", index=_index(ip, name), master=master)

    def move_to_namespace(self, name: str, pid: int) -> None:
        """Give a link to the network namespace of a process; it arrives down."""
        self._set(name, f"move to the namespace of process {pid}: link", net_ns_pid=pid)

    def _set(self, name: str, action: str, **what: Any) -> None:
        with self._socket(action, name) as ip:
            ip.link("set", index=_index(ip, name), **what)

    @contextmanager
    def _socket(self, action: str, name: str) -> Iterator[Any]:
        from pyroute2.netlink.exceptions import NetlinkError  # noqa: PLC0415 - costs 130 ms

        _refuse_event_loop()
        opened: AbstractContextManager[Any] = nullcontext(self._shared) if self._shared else _open()
        try:
            with opened as ip:
                yield ip
        except NetlinkError as error:
            raise failure(error.code, action, name) from None


def check_name(name: str) -> None:
    """Refuse a name that the kernel would refuse, and say why."""
    bad = not name or name in (".", "..") or "/" in name or any(c.isspace() for c in name)
    if bad or len(os.fsencode(name)) > MAX_NAME:
        raise InvalidInputError(
            f"'{name}' is no name for a link",
            hint=f"at most {MAX_NAME} bytes, without slashes and spaces",
        )


def _refuse_event_loop() -> None:
    running = sys.modules.get("asyncio.events")
    if running is not None and running._get_running_loop() is not None:
        raise UnsupportedError(
            "links cannot be changed inside a running event loop",
            hint="hand the call to a thread: asyncio.to_thread(...)",
        )


def _open() -> Any:
    from pyroute2 import IPRoute  # noqa: PLC0415 - costs 130 ms, so only where a link is changed

    return IPRoute()


def _index(ip: Any, name: str) -> int:
    found = ip.link_lookup(ifname=name)
    if not found:
        raise NotFoundError(f"there is no link '{name}'", hint="'ip link' lists them")
    return int(found[0])


def _address(ip: Any, name: str, address: str) -> dict[str, Any]:
    try:
        given = ipaddress.ip_interface(address)
    except ValueError as error:
        raise InvalidInputError(
            f"'{address}' is no address: {error}", hint="write it as 192.168.5.1/24"
        ) from None
    wanted: dict[str, Any] = {
        "index": _index(ip, name),
        "address": str(given.ip),
        "prefixlen": given.network.prefixlen,
    }
    if given.version == 4 and given.network.prefixlen < 31:
        wanted["broadcast"] = str(given.network.broadcast_address)
    return wanted


def _addresses(messages: Any) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for message in messages:
        # IFA_LOCAL is the address itself; on a point-to-point link IFA_ADDRESS is the peer's.
        address = message.get("IFA_LOCAL") or message.get("IFA_ADDRESS")
        found.setdefault(message["index"], []).append(f"{address}/{message['prefixlen']}")
    return {index: tuple(sorted(values, key=_v4_first)) for index, values in found.items()}


def _v4_first(address: str) -> bool:
    return ":" in address


def _link(
    message: Any, names: dict[int, str | None], addresses: dict[int, tuple[str, ...]]
) -> Link:
    info = message.get("IFLA_LINKINFO")
    kind = str((info and info.get("IFLA_INFO_KIND")) or "")
    data = info.get("IFLA_INFO_DATA") if kind == "bridge" else None
    return Link(
        name=message.get("IFLA_IFNAME"),
        index=message["index"],
        kind=kind,
        up=bool(message["flags"] & _UP),
        mtu=message.get("IFLA_MTU"),
        mac=message.get("IFLA_ADDRESS") or "",
        master=names.get(message.get("IFLA_MASTER")) or "",
        stp=bool(data and data.get("IFLA_BR_STP_STATE")),
        addresses=addresses.get(message["index"], ()),
    )
