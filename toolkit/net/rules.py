"""The firewall of containers as text for ``nft``: pure functions of bridges and endpoints.

Two tables named ``dockyard``. ``inet dockyard`` decides what is forwarded, masquerades what leaves
and leads published ports inward. ``bridge dockyard`` lets a container speak in its own name only:
whatever comes out of its wire with another hardware address, another source, in ARP or IP, or in
another protocol (IPv6 and its router advertisements, VLAN tags, spanning tree) is dropped
(CVE-2020-10749, CVE-2020-13401).

The skeleton depends on the bridges alone; a container adds and removes elements of sets, which
takes one short transaction however many others there are. Rules of others stay as they are.
"""

from zlib import crc32

from toolkit.net.wiring import Bridge, Endpoint, Port

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
  map published {{ type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }}
  map published_everywhere {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
"""

# 127.0.0.0/8 never comes over a wire; route_localnet would let a neighbour reach what listens
# there (CVE-2020-8558), and a port published there is led inward for the host's own only, which
# pass ``own``. A bridge's address is for its own containers: another one's way to it
# would be a way round the isolation.
_CHAINS = """\
  chain loopback {{ type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }}
  chain input {{ type filter hook input priority filter; policy accept;
    iifname @bridges ip daddr @gateway_addresses iifname . ip daddr != @gateways drop
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
  }}
  chain incoming {{ type nat hook prerouting priority dstnat; policy accept;
    ip daddr 127.0.0.0/8 return
    fib daddr type local jump publish
  }}
  chain own {{ type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }}
  chain leaving {{ type nat hook postrouting priority srcnat; policy accept;
{leaving}
  }}
}}
"""

_SPOOFING = """\
table bridge dockyard {
  set endpoints { type ifname . ether_addr . ipv4_addr; }
  map wires { type ifname : verdict; }
  chain incoming { type filter hook prerouting priority -300; policy accept;
    iifname vmap @wires
  }
  chain own_name {
    ether type ip iifname . ether saddr . ip saddr @endpoints accept
    ether type arp iifname . ether saddr . arp saddr ip @endpoints goto own_arp
    drop
  }
  chain own_arp {
    iifname . arp saddr ether . arp saddr ip @endpoints accept
    drop
  }
}
"""


_SKELETON = _SETS + _CHAINS + _SPOOFING  # another version of dockyard makes its own


def whole(
    bridges: "Iterable[Bridge]", endpoints: "Iterable[Endpoint]" = (), *, closed: bool = False
) -> str:
    """Both tables anew, in one transaction; ``closed``: only containers are forwarded.

    Forwarding that dockyard turned on shall not make a router of a host that was none.
    """
    bridges = tuple(bridges)
    names = [f'"{bridge.link}"' for bridge in bridges]
    addresses = [bridge.address.address for bridge in bridges]
    pairs = [f"{name} . {address}" for name, address in zip(names, addresses, strict=True)]
    chains = _CHAINS.format(
        foreign="drop" if closed else "",
        same="\n".join(f"    iifname {name} oifname {name} accept" for name in names),
        internal="\n".join(
            f'    iifname "{bridge.link}" drop' for bridge in bridges if bridge.internal
        ),
        leaving="\n".join(_leaving(bridge) for bridge in bridges),
    )
    sets = _SETS.format(
        state=state(bridges, closed=closed),
        bridges=_elements(names),
        gateways=_elements(pairs),
        addresses=_elements(addresses),
    )
    anew = "".join(f"add table {table}\ndelete table {table}\n" for table in TABLES)
    return anew + sets + chains + _SPOOFING + "".join(joining(one) for one in endpoints)


def state(bridges: "Iterable[Bridge]", *, closed: bool = False) -> str:
    """The name of an empty chain, by which a skeleton of exactly these bridges is known."""
    said = [f"{one.link} {one.address} {one.internal}" for one in bridges]
    return f"state_{crc32(repr((sorted(said), closed, _SKELETON)).encode()):08x}"


def joining(endpoint: Endpoint, skeleton: str = "") -> str:
    """Let one container in; to be in force before its wire is up.

    Refused by nft, as something missing, where the tables have another ``skeleton``.
    """
    check = f"flush chain inet dockyard {skeleton}\n" if skeleton else ""
    return check + "".join(f"add element {line}\n" for line in _lines(endpoint))


def leaving(endpoint: Endpoint) -> str:
    """Forget one container; right even where some of it is gone."""
    return "".join(f"add element {line}\ndelete element {line}\n" for line in _lines(endpoint))


def _lines(endpoint: Endpoint) -> list[str]:
    wire = f'"{endpoint.link}"'
    return [
        f"bridge dockyard endpoints {{ {wire} . {endpoint.mac} . {endpoint.address} }}",
        f"bridge dockyard wires {{ {wire} : goto own_name }}",
        *(_published(port, endpoint.address) for port in endpoint.ports),
    ]


def _published(port: Port, address: str) -> str:
    target = f"{address} . {port.inner}"
    if port.host:
        key = f"{port.protocol} . {port.host} . {port.outer}"
        return f"inet dockyard published {{ {key} : {target} }}"
    return f"inet dockyard published_everywhere {{ {port.protocol} . {port.outer} : {target} }}"


def _leaving(bridge: Bridge) -> str:
    """Masquerade what leaves, and what comes back to its own bridge by a published port.

    A container that reaches a neighbour, or itself, by the host's port must get its answers by
    the same way, and the host's 127.0.0.1 is nobody's address inside.
    """
    name, subnet = f'"{bridge.link}"', bridge.address.subnet
    lines = [
        f"    oifname {name} ct status dnat ip saddr {{ {subnet}, 127.0.0.0/8 }} masquerade",
    ]
    if not bridge.internal:
        lines.append(f"    oifname != {name} ip saddr {subnet} masquerade")
    return "\n".join(lines)


def _elements(items: list[str]) -> str:
    return f"elements = {{ {', '.join(items)} }};" if items else ""
