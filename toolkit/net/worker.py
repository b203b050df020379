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
from toolkit.net.ipv6 import Interface6, parse_interface6
from toolkit.net.rtnetlink import Channel
from toolkit.net.wiring import FORWARDING, FORWARDING6, SYSCTL, forwards, mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

_SOCKET = 3
_REQUEST = 64 << 10  # bytes
_OWN = "/proc/self/ns/net"
_PAIRS = 0x0A010101  # 10.1.1.1
_FLOWS = f"{SYSCTL}/netfilter/nf_conntrack_count"
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - no binding: default routes


class Wirer:
    """The kernel's side of all networks, in the network namespace of this process."""

    def __init__(self) -> None:
        self._host = Channel()
        self._home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)

    def bridge(self, bridge: "dict[str, Any]") -> None:
        """Have a bridge that is up and holds its addresses; ``link address address6 mtu``.

        ``ConflictError`` where a subnet is reached otherwise, or the link is something else.
        """
        link = bridge["link"]
        wanted = parse_interface(bridge["address"], what=f"bridge '{link}'")
        second = bridge["address6"]
        wanted6 = parse_interface6(second, what=f"bridge '{link}'") if second else None
        if not _exists(link):
            _check_free(link, wanted, wanted6)
            try:
                self._host.create_bridge(link, mac=mac_of(wanted.number), mtu=bridge["mtu"])
                if not wanted6:
                    _without_ipv6(link)
            except ConflictError:  # another command was faster; what it makes is the same
                self._host.set_up(link)
        else:
            self._adopt(link, wanted, wanted6)
        _write(f"{SYSCTL}/ipv6/conf/{link}/accept_ra", "0")  # CVE-2020-13401
        self._host.add_address(link, wanted.address, wanted.prefix, dotted(wanted.high))
        if wanted6:
            _write(f"{SYSCTL}/ipv6/conf/{link}/disable_ipv6", "0")
            self._host.add_address(link, wanted6.address, wanted6.prefix)

    def _adopt(self, link: str, wanted: Interface, wanted6: "Interface6 | None") -> None:
        """Use a bridge that somebody made."""
        kind = quick.kind(link)
        if kind != "bridge":
            raise ConflictError(
                f"link '{link}' is no bridge{f' but a {kind}' if kind else ''}",
                hint="name another one in engine.toml, table [bridge]",
            )
        there = quick.addresses(link)
        if there and str(wanted) not in there:
            raise ConflictError(
                f"bridge '{link}' has the address {there[0]}, not {wanted}",
                hint="make the link and engine.toml's [bridge] agree",
            )
        if not there:
            _check_free(link, wanted, wanted6)
        self._host.set_up(link)
        self._host.set_mac(link, quick.hardware_address(link))  # told to keep the one it has

    def connect(self, plug: "dict[str, Any]") -> str:
        """Lead a wire from a bridge into a namespace; the name it has there.

        ``bridge link mac mtu isolated`` say what it is, ``name`` (or any free one) and
        ``namespace`` where it leads; ``address prefix gateway`` and the same with a 6 behind.
        ``loopback``: the host's 127.0.0.1 leads there too. ``forward`` and ``forward6``: the host
        forwards from now on; the rules that bound this are in force by then.
        """
        namespace = self._open(plug["namespace"])
        try:
            self._prepare_host(plug)
            name = plug["name"] or self._within(namespace, _looked)[0]
            peer = {"name": name, "mac": plug["mac"], "namespace": namespace}
            master = _socket.if_nametoindex(plug["bridge"])
            self._host.create_veth(plug["link"], peer, master=master, mtu=plug["mtu"])
            try:
                _without_ipv6(plug["link"])
                isolated = plug["isolated"] and not _bridges_are_filtered()
                if plug["loopback"] or isolated:
                    # By the host's port it may reach itself.
                    self._host.set_port(plug["link"], hairpin=plug["loopback"], isolated=isolated)
                self._within(namespace, lambda: _settle(name, plug))
            except BaseException:
                self._host.delete_link(plug["link"])
                raise
        finally:
            os.close(namespace)
        return name

    def _prepare_host(self, plug: "dict[str, Any]") -> None:
        if plug["forward"] and not forwards():
            _write(FORWARDING, "1")
        if plug["forward6"] and not forwards(FORWARDING6):
            _keep_advertised_routes()
            _write(FORWARDING6, "1")
        if plug["loopback"]:
            _write(f"{SYSCTL}/ipv4/conf/{plug['bridge']}/route_localnet", "1")

    def route(self, namespace: str, link: str, gateways: "tuple[str, str]") -> None:
        """Lead by the link of an address ``link`` to the world; empty gateways are left out."""
        entered = self._open(namespace)
        try:
            self._within(entered, lambda: _default_routes(_holder_of(link), gateways))
        finally:
            os.close(entered)

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

    def forget(self, addresses: "list[str]", ports: "list[tuple[str, int]]") -> None:
        """Forget the flows from and to addresses, and those to (protocol, port) of the host."""
        with open(_FLOWS, encoding="ascii") as file:
            if file.read() == "0\n":
                return
        from toolkit.net.flows import Flows  # noqa: PLC0415 - few containers leave any

        with Flows() as flows:
            for address in addresses:
                flows.forget_address(address)
            for protocol, port in ports:
                flows.forget_port(protocol, port)

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


def _check_free(link: str, wanted: Interface, wanted6: "Interface6 | None") -> None:
    """No other link of the host may lead into the subnets: their traffic would go astray."""
    for route in quick.routes():
        if route.link == link or route.to.endswith("/0"):
            continue
        if ":" not in route.to:
            taken = parse_interface(route.to, what="route").overlaps(wanted)
        else:
            taken = bool(wanted6 and parse_interface6(route.to, what="route").overlaps(wanted6))
        if taken:
            subnet = wanted6.subnet if wanted6 and ":" in route.to else wanted.subnet
            raise ConflictError(
                f"the subnet {subnet} of bridge '{link}' overlaps {route.to}, "
                f"which this host reaches through '{route.link}'",
                hint="choose another subnet",
            )


def _settle(name: str, plug: "dict[str, Any]") -> None:
    """Give the container's end of a wire what it needs; inside its namespace."""
    conf = f"{SYSCTL}/ipv6/conf/{name}"
    if plug["address6"]:
        for key, value in (("disable_ipv6", "0"), ("accept_ra", "0"), ("accept_dad", "0")):
            _write(f"{conf}/{key}", value)
    else:
        _without_ipv6(name)
    with Channel() as inner:
        inner.set_up(name)
        inner.add_address(name, plug["address"], plug["prefix"])
        if plug["address6"]:
            inner.add_address(name, plug["address6"], plug["prefix6"])
    _default_routes(name, (plug["gateway"], plug["gateway6"]))


def _default_routes(name: str, gateways: "tuple[str, str]") -> None:
    """A default route in each family that has a gateway, and none yet."""
    there = {route.to for route in quick.routes()}
    with Channel() as inner:
        for everywhere, gateway in zip(_EVERYWHERE, gateways, strict=True):
            if gateway and f"{everywhere}/0" not in there:
                inner.add_route(name, everywhere, 0, gateway)


def _holder_of(address: str) -> str:
    for _, name in _socket.if_nameindex():
        if any(one.partition("/")[0] == address for one in quick.addresses(name)):
            return name
    raise NotFoundError(f"no link of the container has the address {address}")


def _bridges_are_filtered() -> bool:
    """Whether br_netfilter shows our rules what a bridge passes on.

    They then keep neighbours apart; a port that is isolated would stop what was led inward, too.
    """
    return all(
        os.path.exists(path) and forwards(path)
        for path in (f"{SYSCTL}/bridge/bridge-nf-call-{kind}tables" for kind in ("ip", "ip6"))
    )


def _keep_advertised_routes() -> None:
    """A host that forwards listens to no router, unless it is told to (ip-sysctl, accept_ra)."""
    for name in os.listdir(f"{SYSCTL}/ipv6/conf"):
        path = f"{SYSCTL}/ipv6/conf/{name}/accept_ra"
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            if file.read().strip() == "1":
                _write(path, "2")


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
