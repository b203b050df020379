"""The helper process that wires containers: it may wait for imports and enter namespaces.

``python -I -S`` with one socket at descriptor 3 (``toolkit.net.helper`` starts it). A request is a
packet with the name of a function here and its arguments; the answer is what came of it. Both ends
are this very program, so they speak ``marshal``. It ends when the socket is closed.
"""

import _socket
import contextlib
import errno
import marshal
import os

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError
from toolkit.linux.namespaces import NamespaceFlag, setns
from toolkit.linux.process import set_name
from toolkit.net import quick
from toolkit.net.ipv4 import Interface, dotted, parse_interface
from toolkit.net.rtnetlink import Channel
from toolkit.net.wiring import FORWARDING, SYSCTL, forwards, mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

_SOCKET = 3
_REQUEST = 64 << 10  # bytes
_OWN = "/proc/self/ns/net"
_PAIRS = 0x0A010101  # 10.1.1.1


class Wirer:
    """The kernel's side of all networks, in the network namespace of this process."""

    def __init__(self) -> None:
        self._host = Channel()
        self._home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)

    def bridge(self, link: str, address: str, mtu: int) -> None:
        """Have a bridge that is up and holds the address.

        ``ConflictError`` where its subnet is reached otherwise, or the link is something else.
        """
        wanted = parse_interface(address, what=f"bridge '{link}'")
        mac = mac_of(wanted.number)
        if not _exists(link):
            _check_free(wanted, link)
            try:
                self._host.create_bridge(link, mac=mac, mtu=mtu)
            except ConflictError:  # another command was faster; what it makes is the same
                self._host.set_up(link)
        else:
            self._adopt(link, wanted)
        self._host.add_address(link, wanted.address, wanted.prefix, dotted(wanted.high))

    def _adopt(self, link: str, wanted: Interface) -> None:
        """Use a bridge that somebody made."""
        kind = quick.kind(link)
        if kind != "bridge":
            raise ConflictError(
                f"link '{link}' is no bridge{f' but a {kind}' if kind else ''}",
                hint="name another one in engine.toml, table [bridge]",
            )
        there = [one for one in quick.addresses(link) if ":" not in one]
        if there and str(wanted) not in there:
            raise ConflictError(
                f"bridge '{link}' has the address {there[0]}, not {wanted}",
                hint="make the link and engine.toml's [bridge] agree",
            )
        if not there:
            _check_free(wanted, link)
        self._host.set_up(link)
        self._host.set_mac(link, quick.hardware_address(link))  # told to keep the one it has

    def connect(self, wire: "dict[str, Any]") -> None:
        """Lead a wire from a bridge into a namespace, with address and default route.

        ``wire`` holds ``bridge link mac address prefix gateway mtu namespace name`` and
        ``loopback``: whether the host's 127.0.0.1 leads there too. With ``forward`` the host
        forwards from now on; the rules that bound this are in force by then.
        """
        namespace = self._open(wire["namespace"])
        try:
            if wire["forward"]:
                _turn_forwarding_on()
            if wire["loopback"]:
                _write(f"{SYSCTL}/ipv4/conf/{wire['bridge']}/route_localnet", "1")
            peer = {"name": wire["name"], "mac": wire["mac"], "namespace": namespace}
            master = _socket.if_nametoindex(wire["bridge"])
            self._host.create_veth(wire["link"], peer, master=master, mtu=wire["mtu"])
            try:
                if wire["loopback"]:  # it may reach itself by the host's port
                    self._host.set_hairpin(wire["link"])
                self._inside(namespace, wire)
            except BaseException:
                self._host.delete_link(wire["link"])
                raise
        finally:
            os.close(namespace)

    def link(self, one: str, two: str, addresses: "tuple[str, str]") -> "tuple[str, str]":
        """Join two namespaces by one wire with an address of its own at each end, and routes.

        Empty addresses are chosen. The two names inside. The wire goes with either namespace.
        """
        with contextlib.ExitStack() as stack:
            ends = []
            for path in (one, two):
                ends.append(self._open(path))
                stack.callback(os.close, ends[-1])
            if os.path.samestat(os.fstat(ends[0]), os.fstat(ends[1])):
                raise ConflictError("the two containers share one network already")
            names, used = zip(*(self._within(end, _looked) for end in ends), strict=True)
            first, second = _pair(addresses, used[0] | used[1])
            peer = {"name": names[1], "mac": "", "namespace": ends[1]}
            self._within(ends[0], lambda: _made(names[0], peer))
            self._within(ends[0], lambda: _addressed(names[0], first, second))
            self._within(ends[1], lambda: _addressed(names[1], second, first))
            return names

    def _within(self, namespace: int, action: "Callable[[], T]") -> "T":
        setns(namespace, NamespaceFlag.NETWORK)
        try:
            return action()
        finally:
            setns(self._home, NamespaceFlag.NETWORK)

    def _open(self, path: str) -> int:
        """The namespace file; never this process's own, which is the host's."""
        namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if os.path.samestat(os.fstat(namespace), os.fstat(self._home)):
            os.close(namespace)
            raise InvalidInputError(f"'{path}' is the host's own network namespace")
        return namespace

    def _inside(self, namespace: int, wire: "dict[str, Any]") -> None:
        name = wire["name"]

        def settle() -> None:
            _without_ipv6(name)
            with Channel() as inner:
                inner.set_up(name)
                inner.add_address(name, wire["address"], wire["prefix"])
                if wire["gateway"]:
                    inner.add_route(name, "0.0.0.0", 0, wire["gateway"])  # noqa: S104 - no binding

        self._within(namespace, settle)

    def remove(self, link: str) -> None:
        """Remove a link; nothing if it is gone, or goes meanwhile with its namespace."""
        with contextlib.suppress(NotFoundError):
            self._host.delete_link(link)


def _without_ipv6(name: str) -> None:
    """Let a link have no address of IPv6, which the kernel gives to every one that is up.

    Its network has none, so the container shall have none either (CVE-2024-32473).
    """
    _write(f"{SYSCTL}/ipv6/conf/{name}/disable_ipv6", "1")


def _looked() -> "tuple[str, set[str]]":
    """A free name for a link of this namespace, and the addresses that are in use."""
    there = {name for _, name in _socket.if_nameindex()}
    name = next(f"eth{number}" for number in range(len(there) + 1) if f"eth{number}" not in there)
    used = {one.partition("/")[0] for link in there for one in quick.addresses(link)}
    return name, used


def _pair(asked: "tuple[str, str]", used: "set[str]") -> "tuple[str, str]":
    """Two addresses that nobody at either end has: those asked for, or the first of a few."""
    for text in filter(None, asked):
        if text in used or asked[0] == asked[1]:
            raise ConflictError(f"the address {text} is taken", hint="choose another one")
    free = (one for one in map(dotted, range(_PAIRS, _PAIRS + 254)) if one not in {*used, *asked})
    first = asked[0] or next(free, "")
    second = asked[1] or next(free, "")
    if not second:
        raise ConflictError("no address is free for another link", hint="give --a and --b")
    return first, second


def _made(name: str, peer: "dict[str, Any]") -> None:
    with Channel() as inner:
        inner.create_veth(name, peer, master=0, mtu=0)


def _addressed(name: str, own: str, other: str) -> None:
    _without_ipv6(name)
    with Channel() as inner:
        inner.set_up(name)
        inner.add_address(name, own, 32)
        inner.add_route(name, other, 32)


def _exists(link: str) -> bool:
    try:
        return _socket.if_nametoindex(link) > 0
    except OSError:
        return False


def _check_free(wanted: Interface, link: str) -> None:
    """No other link of the host may lead into the subnet: its traffic would go astray."""
    for route in quick.routes():
        if ":" in route.to or route.link == link or route.to.endswith("/0"):
            continue
        if parse_interface(route.to, what="route").overlaps(wanted):
            raise ConflictError(
                f"the subnet {wanted.subnet} of bridge '{link}' overlaps {route.to}, "
                f"which this host reaches through '{route.link}'",
                hint="choose another subnet",
            )


def _turn_forwarding_on() -> None:
    if not forwards():
        _write(FORWARDING, "1")


def _write(path: str, value: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except FileNotFoundError:
        return  # a kernel without IPv6 has none of its parameters
    except OSError as error:
        raise ToolkitError(
            f"cannot set '{path}' to {value}: {error.strerror}", hint="is /proc/sys read-only?"
        ) from None


def answer(wirer: Wirer, request: "tuple[str, tuple[Any, ...], dict[str, Any]]") -> "Any":
    """What came of a request: ``(True, value)`` or ``(False, (class, message, hint))``."""
    name, args, options = request
    try:
        return True, getattr(wirer, name)(*args, **options)
    except ToolkitError as error:
        return False, (type(error).__name__, error.message, error.hint)
    except OSError as error:
        text = f"{name}: {error.strerror}"
        if error.errno in (errno.ENOENT, errno.ESRCH):
            text = f"{name}: the container has ended"
        return False, ("ToolkitError", text, "")


def main() -> None:
    """Serve until the other end is closed."""
    set_name("dockyard-net")
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, _SOCKET)
    wirer = Wirer()
    while data := sock.recv(_REQUEST):
        sock.send(marshal.dumps(answer(wirer, marshal.loads(data))))  # noqa: S302 - our own process
