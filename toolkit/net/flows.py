"""Makes the kernel forget flows that lead to a container which is over.

A flow of UDP has no end: for as long as its client sends, packets go where the first one went,
which may be an address that nobody has any more, or that somebody else has now. The same goes for
an address that is used again before the flows of its last owner have aged out.
"""

import _socket

from toolkit.net.holding import PROTOCOLS
from toolkit.net.rtnetlink import package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

with package():
    from pyroute2.netlink import nla, nlmsg
    from pyroute2.netlink.nfnetlink import nfgen_msg

_AF_NETLINK, _NETFILTER = 16, 12
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2  # IPCTNL_MSG_CT_ of linux/netfilter/nfnetlink_conntrack.h
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300  # NLM_F_ of linux/netlink.h
_ERROR, _DONE = 2, 3  # NLMSG_
_BY_SOURCE, _BY_PROTOCOL, _BY_PORT = 1 << 0, 1 << 3, 1 << 5  # CTA_FILTER_F_, Linux 5.8
_ANSWER = 1 << 20  # bytes


class _Tuple(nla):  # type: ignore[misc] # pyroute2 has no types
    prefix = "CTA_TUPLE_"
    nla_map = ((1, "CTA_TUPLE_IP", "addresses"), (2, "CTA_TUPLE_PROTO", "protocol"))

    class addresses(nla):  # type: ignore[misc] # noqa: N801 - named by nla_map
        prefix = "CTA_IP_"
        nla_map = (
            (1, "CTA_IP_V4_SRC", "ip4addr"),
            (2, "CTA_IP_V4_DST", "ip4addr"),
            (3, "CTA_IP_V6_SRC", "ip6addr"),
            (4, "CTA_IP_V6_DST", "ip6addr"),
        )

    class protocol(nla):  # type: ignore[misc] # noqa: N801 - named by nla_map
        prefix = "CTA_PROTO_"
        nla_map = (
            (1, "CTA_PROTO_NUM", "uint8"),
            (2, "CTA_PROTO_SRC_PORT", "be16"),
            (3, "CTA_PROTO_DST_PORT", "be16"),
            (4, "CTA_PROTO_ICMP_ID", "be16"),
            (5, "CTA_PROTO_ICMP_TYPE", "uint8"),
            (6, "CTA_PROTO_ICMP_CODE", "uint8"),
            (7, "CTA_PROTO_ICMPV6_ID", "be16"),
            (8, "CTA_PROTO_ICMPV6_TYPE", "uint8"),
            (9, "CTA_PROTO_ICMPV6_CODE", "uint8"),
        )


class _Flow(nfgen_msg):  # type: ignore[misc] # pyroute2 has no types
    """What of a flow tells it from all others, and what one is looked for by."""

    prefix = "CTA_"
    nla_map = (
        (1, "CTA_TUPLE_ORIG", "tuple"),
        (2, "CTA_TUPLE_REPLY", "tuple"),
        (18, "CTA_ZONE", "be16"),
        (25, "CTA_FILTER", "sieve"),
    )
    tuple = _Tuple

    class sieve(nla):  # type: ignore[misc] # noqa: N801 - named by nla_map
        nla_flags = 1 << 15  # NLA_F_NESTED
        prefix = "CTA_FILTER_"
        nla_map = ((1, "CTA_FILTER_ORIG_FLAGS", "uint32"), (2, "CTA_FILTER_REPLY_FLAGS", "uint32"))


class Flows:
    """The flows of the network namespace that it was opened in; a context manager."""

    def __init__(self) -> None:
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        self._socket = _socket.socket(_AF_NETLINK, kind, _NETFILTER)
        self._sequence = 0

    def __enter__(self) -> "Flows":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def forget_address(self, address: str) -> None:
        """Those that come from an address or lead to it, translated or not."""
        version = 6 if ":" in address else 4
        source = (f"CTA_IP_V{version}_SRC", address)
        wanted = {"attrs": [("CTA_TUPLE_IP", {"attrs": [source]})]}
        # Of IPv6 kernels show all but those with the address (Linux 6.18 does).
        flags = _BY_SOURCE if version == 4 else 0
        for way in ("ORIG", "REPLY"):
            self._forget(version, way, wanted, flags)

    def forget_port(self, protocol: str, port: int) -> None:
        """Those that were sent to a port, whoever has it."""
        words = [("CTA_PROTO_NUM", PROTOCOLS[protocol][1]), ("CTA_PROTO_DST_PORT", port)]
        wanted = {"attrs": [("CTA_TUPLE_PROTO", {"attrs": words})]}
        for version in (4, 6):
            self._forget(version, "ORIG", wanted, _BY_PROTOCOL | _BY_PORT)

    def _forget(self, version: int, way: str, wanted: "dict[str, Any]", flags: int) -> None:
        filtered = [("CTA_FILTER", {"attrs": [(f"CTA_FILTER_{way}_FLAGS", flags)]})]
        attributes = [(f"CTA_TUPLE_{way}", wanted), *filtered] if flags else []
        self._ask(_message(version, attributes), _GET, _DUMP)
        found = [flow for flow in self._answers() if _matches(flow, f"CTA_TUPLE_{way}", wanted)]
        for flow in found:  # an older kernel has shown all there are
            same = [("CTA_TUPLE_ORIG", flow.get_attr("CTA_TUPLE_ORIG"))]
            zone = flow.get_attr("CTA_ZONE")
            same += [("CTA_ZONE", zone)] if zone else []
            self._ask(_message(version, same), _DELETE, _ACK)
            list(self._answers())  # one that has ended meanwhile is gone as well

    def _ask(self, message: "Any", kind: int, flags: int) -> None:
        self._sequence += 1
        header = message["header"]
        header["type"], header["flags"] = kind, _REQUEST | flags
        header["sequence_number"] = self._sequence
        message.encode()
        self._socket.send(message.data)

    def _answers(self) -> "Iterator[Any]":
        """The flows that the kernel tells of, to the last one or its error."""
        while True:
            data = self._socket.recv(_ANSWER)
            place = 0
            while place < len(data):
                one = nlmsg(data, offset=place)
                one.decode()
                kind, length = one["header"]["type"], one["header"]["length"]
                if kind in (_ERROR, _DONE):
                    return
                flow = _Flow(data, offset=place)
                flow.decode()
                yield flow
                place += length + -length % 4


def _message(version: int, attributes: "list[tuple[str, Any]]") -> "Any":
    message = _Flow()
    message["nfgen_family"] = _socket.AF_INET6 if version == 6 else _socket.AF_INET
    message["attrs"] = attributes
    return message


def _matches(found: "Any", name: str, wanted: "dict[str, Any]") -> bool:
    """Whether an attribute has all that is wanted of it."""
    there = found.get_attr(name)
    return there is not None and all(
        _matches(there, key, value) if isinstance(value, dict) else there.get_attr(key) == value
        for key, value in wanted["attrs"]
    )
