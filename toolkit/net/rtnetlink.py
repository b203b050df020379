"""Requests to the kernel's routing netlink, for the helper that wires containers.

pyroute2 writes and reads the messages; a plain socket carries them. Its own sockets bring
``asyncio`` along, and its package imports everything it has: 150 ms, where the message classes
alone take 30 and a whole container takes 60.
"""

import _socket
import contextlib
import errno
import os
import sys
from types import ModuleType

from toolkit.net.faults import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_AF_NETLINK, _ROUTE = 16, 0
_REQUEST, _ACK, _EXCLUSIVE, _CREATE = 0x1, 0x4, 0x200, 0x400  # NLM_F_ of linux/netlink.h
_NEWLINK, _DELLINK, _SETLINK, _NEWADDR, _NEWROUTE = 16, 17, 19, 20, 24  # linux/rtnetlink.h
_MAIN_TABLE, _BOOT, _UNICAST, _UNIVERSE, _LINK_SCOPE = 254, 3, 1, 0, 253
_IFF_UP = 1
_NODAD = 0x02  # IFA_F_NODAD of linux/if_addr.h
_ANSWER = 64 << 10  # bytes


@contextlib.contextmanager
def package() -> "Iterator[None]":
    """Let ``pyroute2.netlink`` be imported without running the package's own ``__init__``."""
    if "pyroute2" in sys.modules:
        yield
        return
    from importlib.machinery import PathFinder  # noqa: PLC0415 - pyroute2 imports it as well

    found = PathFinder.find_spec("pyroute2")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("pyroute2")
    package = ModuleType("pyroute2")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["pyroute2"] = package
    try:
        yield
    finally:
        del sys.modules["pyroute2"]  # whoever imports the package later gets the real one


with package():
    from pyroute2.netlink import nlmsgerr
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg


class Channel:
    """A socket to the kernel in the network namespace it was opened in; a context manager."""

    def __init__(self) -> None:
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        self._socket = _socket.socket(_AF_NETLINK, kind, _ROUTE)
        self._sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_bridge(self, name: str, *, mac: str, mtu: int = 0) -> None:
        """Make a bridge that is up and keeps its hardware address, whatever its ports are."""
        attributes = [
            *_some("IFLA_MTU", mtu),
            ("IFLA_IFNAME", name),
            ("IFLA_ADDRESS", mac),
            _kind("bridge"),
        ]
        self._link(_NEWLINK, attributes, action="create bridge", name=name, up=True)

    def create_veth(self, name: str, peer: "dict[str, Any]", *, master: int, mtu: int) -> None:
        """Make a pair; ``name`` is up, and a port of the link with the index ``master``.

        ``peer`` holds the other end's ``name``, ``mac`` and ``namespace``, a descriptor. It cannot
        be made up: its kernel driver knows no other end yet.
        """
        inner = _message(ifinfmsg, [*_some("IFLA_MTU", mtu), ("IFLA_IFNAME", peer["name"])])
        inner["attrs"].append(("IFLA_NET_NS_FD", peer["namespace"]))
        inner["attrs"] += _some("IFLA_ADDRESS", peer["mac"])
        data = {"attrs": [("VETH_INFO_PEER", inner)]}
        attributes = [*_some("IFLA_MTU", mtu), ("IFLA_IFNAME", name), _kind("veth", data)]
        # A bridge takes the lowest address of its ports for its own: this one is never the lowest.
        attributes += _some("IFLA_ADDRESS", bytes((0xFE, *os.urandom(5))).hex(":"))
        attributes += _some("IFLA_MASTER", master)
        self._link(_NEWLINK, attributes, action="create veth pair", name=name, up=True)

    def set_up(self, name: str) -> None:
        """Bring a link up."""
        self._link(_SETLINK, [], action="bring up", name=name, up=True, index=_index(name))

    def set_mac(self, name: str, mac: str) -> None:
        """Give a link a hardware address, which a bridge then keeps."""
        attributes = [("IFLA_ADDRESS", mac)]
        action = "set the hardware address of"
        self._link(_SETLINK, attributes, action=action, name=name, index=_index(name))

    def set_port(self, name: str, *, hairpin: bool, isolated: bool) -> None:
        """How a bridge treats a port: ``hairpin`` lets a packet go back through it, one that is
        ``isolated`` exchanges none with others that are.
        """
        data = {"attrs": _some("IFLA_BRPORT_MODE", int(hairpin))}
        data["attrs"] += _some("IFLA_BRPORT_ISOLATED", int(isolated))
        info = {"attrs": [("IFLA_INFO_SLAVE_KIND", "bridge"), ("IFLA_INFO_SLAVE_DATA", data)]}
        message = _message(ifinfmsg, [("IFLA_LINKINFO", info)])
        message["index"] = _index(name)
        code = self._ask(message, _NEWLINK, 0)
        if code:
            raise failure(code, "set how the bridge treats", name)

    def delete_link(self, name: str) -> None:
        """Remove a link; the other end of a veth pair goes with it."""
        self._link(_DELLINK, [], action="delete link", name=name, index=_index(name))

    def add_address(self, name: str, address: str, prefix: int, broadcast: str = "") -> None:
        """Give a link an address; nothing if it has it. One of IPv6 is used without a probe."""
        message = _message(ifaddrmsg, [("IFA_LOCAL", address), ("IFA_ADDRESS", address)])
        message["family"], message["prefixlen"] = _family(address), prefix
        message["index"] = _index(name)
        if ":" in address:
            message["flags"] = _NODAD
        if broadcast:
            message["attrs"].append(("IFA_BROADCAST", broadcast))
        code = self._ask(message, _NEWADDR, _CREATE | _EXCLUSIVE)
        if code not in (0, errno.EEXIST):
            raise failure(code, f"add {address}/{prefix} to", name)

    def add_route(self, name: str, to: str, prefix: int, via: str = "") -> None:
        """Add a route out of a link; prefix 0 is the default route."""
        attributes = [("RTA_OIF", _index(name)), *_some("RTA_GATEWAY", via)]
        attributes += _some("RTA_DST", prefix and to)
        message = _message(rtmsg, attributes)
        message["family"], message["dst_len"] = _family(via or to), prefix
        message["table"] = _MAIN_TABLE
        message["proto"], message["type"] = _BOOT, _UNICAST
        message["scope"] = _UNIVERSE if via else _LINK_SCOPE
        code = self._ask(message, _NEWROUTE, _CREATE | _EXCLUSIVE)
        if code:
            raise failure(code, f"add the route to {to}/{prefix} through", name)

    def _link(
        self,
        kind: int,
        attributes: "list[tuple[str, Any]]",
        *,
        action: str,
        name: str,
        up: bool = False,
        index: int = 0,
    ) -> None:
        message = _message(ifinfmsg, attributes)
        message["index"] = index
        if up:
            message["flags"] = message["change"] = _IFF_UP
        code = self._ask(message, kind, _CREATE | _EXCLUSIVE if kind == _NEWLINK else 0)
        if code:
            raise failure(code, action, name)

    def _ask(self, message: "Any", kind: int, flags: int) -> int:
        """Send one request; the errno of its answer, 0 where it was done."""
        self._sequence += 1
        header = message["header"]
        header["type"], header["flags"] = kind, _REQUEST | _ACK | flags
        header["sequence_number"] = self._sequence
        message.encode()
        self._socket.send(message.data)
        answer = nlmsgerr(self._socket.recv(_ANSWER))
        answer.decode()
        return abs(int(answer["error"]))


def _message(kind: "Any", attributes: "list[tuple[str, Any]]") -> "Any":
    message = kind()
    message["attrs"] = list(attributes)
    return message


def _family(address: str) -> int:
    return _socket.AF_INET6 if ":" in address else _socket.AF_INET


def _kind(name: str, data: object = None) -> "tuple[str, Any]":
    info: list[tuple[str, Any]] = [("IFLA_INFO_KIND", name)]
    if data is not None:
        info.append(("IFLA_INFO_DATA", data))
    return "IFLA_LINKINFO", {"attrs": info}


def _some(name: str, value: "Any") -> "list[tuple[str, Any]]":
    """An attribute, unless its value is empty."""
    return [(name, value)] if value else []


def _index(name: str) -> int:
    try:
        return _socket.if_nametoindex(name)
    except OSError:
        raise failure(errno.ENODEV, "find link", name) from None
