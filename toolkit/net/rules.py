"""The firewall of containers as text for ``nft``: pure functions of bridges and endpoints.

Two tables named ``dockyard``. ``inet dockyard`` decides what is forwarded, masquerades what leaves
and leads published ports inward. ``bridge dockyard`` lets a container speak in its own name only:
whatever comes out of its wire with another hardware address, another source, in ARP, IP or
neighbour discovery, or in another protocol (router advertisements, VLAN tags, spanning tree, and
all of IPv6 where its network has none) is dropped (CVE-2020-10749, CVE-2020-13401).

The skeleton depends on the bridges alone; a container adds and removes elements of sets, which
takes one short transaction however many others there are. Rules of others stay as they are.
"""

from zlib import crc32

from toolkit.net.ipv6 import link_local
from toolkit.net.wiring import Bridge, Closed, Endpoint, Port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TABLES = ("inet dockyard", "bridge dockyard")

_SETS = """\
table inet dockyard {{
  chain {state} {{ }}
  set bridges {{ type ifname; {bridges} }}
  set gateways {{ type ifname . ipv4_addr; {gateways} }}
  set gateway_addresses {{ type ipv4_addr; {addresses} }}
  set gateways6 {{ type ifname . ipv6_addr; {gateways6} }}
  set gateway_addresses6 {{ type ipv6_addr; {addresses6} }}
  map published {{ type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }}
  map published_everywhere {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map published6 {{ type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }}
  map published6_everywhere {{ type inet_proto . inet_service : ipv6_addr . inet_service; }}
"""

# 127.0.0.0/8 never comes over a wire; route_localnet would let a neighbour reach what listens
# there (CVE-2020-8558), and a port published there is led inward for the host's own only, which
# pass ``own``. The kernel holds ::1 to that by itself, and so strictly that nothing from there can
# be led inward: the keeper carries it. A bridge's address is for its own containers: another one's
# way to it would be a way round the isolation, and from outside nobody asks it for names.
_CHAINS = """\
  chain loopback {{ type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }}
  chain input {{ type filter hook input priority filter; policy accept;
    iifname @bridges ip daddr @gateway_addresses iifname . ip daddr != @gateways drop
    iifname @bridges ip6 daddr @gateway_addresses6 iifname . ip6 daddr != @gateways6 drop
    iifname @bridges accept
    iifname "lo" accept
    ip daddr @gateway_addresses meta l4proto {{ tcp, udp }} th dport 53 drop
    ip6 daddr @gateway_addresses6 meta l4proto {{ tcp, udp }} th dport 53 drop
  }}
  chain forward {{ type filter hook forward priority filter; policy accept;
    iifname @bridges goto containers
    oifname @bridges goto containers
    {foreign}
  }}
  chain containers {{
    ct state established,related accept
    ct status dnat accept
{same}
    oifname @bridges drop
{internal}
  }}
  chain publish {{
    dnat ip to meta l4proto . ip daddr . th dport map @published
    dnat ip to meta l4proto . th dport map @published_everywhere
    dnat ip6 to meta l4proto . ip6 daddr . th dport map @published6
    dnat ip6 to meta l4proto . th dport map @published6_everywhere
  }}
  chain incoming {{ type nat hook prerouting priority dstnat; policy accept;
    ip daddr 127.0.0.0/8 return
    fib daddr type local jump publish
  }}
  chain own {{ type nat hook output priority -100; policy accept;
    ip6 daddr ::1 return
    fib daddr type local jump publish
  }}
  chain leaving {{ type nat hook postrouting priority srcnat; policy accept;
{leaving}
  }}
}}
"""

# The target of neighbour discovery stands 8 bytes into the message (RFC 4861, section 4.3).
_SPOOFING = """\
table bridge dockyard {
  set endpoints { type ifname . ether_addr . ipv4_addr; }
  set endpoints6 { type ifname . ether_addr . ipv6_addr; }
  set targets6 { typeof iifname . @th,64,128; }
  map wires { type ifname : verdict; }
  chain incoming { type filter hook prerouting priority -300; policy accept;
    iifname vmap @wires
  }
  chain own_name {
    ether type ip iifname . ether saddr . ip saddr @endpoints accept
    ether type arp iifname . ether saddr . arp saddr ip @endpoints goto own_arp
    drop
  }
  chain own_names {
    ether type ip6 goto own_ipv6
    goto own_name
  }
  chain own_arp {
    iifname . arp saddr ether . arp saddr ip @endpoints accept
    drop
  }
  chain own_ipv6 {
    icmpv6 type { nd-router-advert, nd-redirect } drop
    icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 drop
    iifname . ether saddr . ip6 saddr @endpoints6 accept
    ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @targets6 accept
    drop
  }
}
"""


_OPEN = Closed()
_SKELETON = _SETS + _CHAINS + _SPOOFING  # another version of dockyard makes its own


def whole(
    bridges: "Iterable[Bridge]", endpoints: "Iterable[Endpoint]" = (), *, closed: Closed = _OPEN
) -> str:
    """Both tables anew, in one transaction; between ``closed`` links nothing is forwarded.

    Forwarding that dockyard turned on shall not make a router of a host that was none.
    """
    bridges = tuple(bridges)
    with6 = [(one.link, one.address6.address) for one in bridges if one.address6]
    chains = _CHAINS.format(
        foreign="\n    ".join(_closed("ipv4", closed.ipv4) + _closed("ipv6", closed.ipv6)),
        same="\n".join(_same(one.link) for one in bridges if one.icc),
        internal="\n".join(f'    iifname "{one.link}" drop' for one in bridges if one.internal),
        leaving="\n".join(_leaving(bridge) for bridge in bridges),
    )
    sets = _SETS.format(
        state=state(bridges, closed=closed),
        bridges=_elements([f'"{one.link}"' for one in bridges]),
        gateways=_elements([f'"{one.link}" . {one.address.address}' for one in bridges]),
        addresses=_elements([one.address.address for one in bridges]),
        gateways6=_elements([f'"{link}" . {address}' for link, address in with6]),
        addresses6=_elements([address for _, address in with6]),
    )
    anew = "".join(f"add table {table}\ndelete table {table}\n" for table in TABLES)
    return anew + sets + chains + _SPOOFING + "".join(joining(one) for one in endpoints)


def state(bridges: "Iterable[Bridge]", *, closed: Closed = _OPEN) -> str:
    """The name of an empty chain, by which a skeleton of exactly these bridges is known."""
    said = [
        f"{one.link} {one.address} {one.address6} {one.internal} {one.icc} {one.masquerade}"
        for one in bridges
    ]
    return f"state_{crc32(repr((sorted(said), closed, _SKELETON)).encode()):08x}"


def checking(skeleton: str) -> str:
    """Refused by nft, as something missing, where the tables have another ``skeleton``."""
    return f"flush chain inet dockyard {skeleton}\n"


def joining(endpoint: Endpoint) -> str:
    """Let one container in; to be in force before its wire is up."""
    return "".join(f"add element {line}\n" for line in _lines(endpoint))


def leaving(endpoint: Endpoint) -> str:
    """Forget one container; right even where some of it is gone."""
    return "".join(f"add element {line}\ndelete element {line}\n" for line in _lines(endpoint))


def _lines(endpoint: Endpoint) -> list[str]:
    wire, chain = f'"{endpoint.link}"', "own_names" if endpoint.address6 else "own_name"
    lines = [
        f"bridge dockyard endpoints {{ {wire} . {endpoint.mac} . {endpoint.address} }}",
        f"bridge dockyard wires {{ {wire} : goto {chain} }}",
    ]
    if endpoint.address6:
        for address in (endpoint.address6, link_local(endpoint.mac)):
            target = int.from_bytes(_packed(address), "big")
            lines += [
                f"bridge dockyard endpoints6 {{ {wire} . {endpoint.mac} . {address} }}",
                f"bridge dockyard targets6 {{ {wire} . 0x{target:032x} }}",
            ]
    lines += [line for port in endpoint.ports for line in _published(port, endpoint)]
    return lines


def _packed(address: str) -> bytes:
    import _socket  # noqa: PLC0415 - text alone needs it not

    return _socket.inet_pton(_socket.AF_INET6, address)


def _published(port: Port, endpoint: Endpoint) -> list[str]:
    """A port leads inward in each family that both it and the container have."""
    lines = []
    for family, address in (("", endpoint.address), ("6", endpoint.address6)):
        if not address or not port.speaks(6 if family else 4):
            continue
        target = f"{address} . {port.inner}"
        if port.is_everywhere:
            key = f"{port.protocol} . {port.outer}"
            lines.append(f"inet dockyard published{family}_everywhere {{ {key} : {target} }}")
        else:
            key = f"{port.protocol} . {port.host} . {port.outer}"
            lines.append(f"inet dockyard published{family} {{ {key} : {target} }}")
    return lines


def _same(link: str) -> str:
    return f'    iifname "{link}" oifname "{link}" accept'


def _leaving(bridge: Bridge) -> str:
    """Masquerade what leaves, and what comes back to its own bridge by a published port.

    A container that reaches a neighbour, or itself, by the host's port must get its answers by
    the same way, and the host's 127.0.0.1 is nobody's address inside.
    """
    name, subnet = f'"{bridge.link}"', bridge.address.subnet
    lines = [
        f"    oifname {name} ct status dnat ip saddr {{ {subnet}, 127.0.0.0/8 }} masquerade",
    ]
    outward = bridge.masquerade and not bridge.internal
    if outward:
        lines.append(f"    oifname != {name} ip saddr {subnet} masquerade")
    if bridge.address6:
        subnet = bridge.address6.subnet
        lines.append(f"    oifname {name} ct status dnat ip6 saddr {subnet} masquerade")
        if outward:
            lines.append(f"    oifname != {name} ip6 saddr {subnet} masquerade")
    return "\n".join(lines)


def _closed(family: str, links: tuple[str, ...]) -> list[str]:
    if not links:
        return []
    there = ", ".join(f'"{name}"' for name in links)
    return [f"meta nfproto {family} iifname {{ {there} }} oifname {{ {there} }} drop"]


def _elements(items: list[str]) -> str:
    return f"elements = {{ {', '.join(items)} }};" if items else ""
