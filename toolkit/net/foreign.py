"""Beside other people's firewalls: what is accepted here is accepted there as well.

A packet has to pass every base chain of a hook, so a policy of *drop* in the ``FORWARD`` chain of
iptables, which docker and ufw set, would stop containers whatever our own table says. Where there
is such a policy, that chain gets a last rule: jump to one of ours, which accepts what comes from
or goes to a bridge of containers. Our own table has dropped by then what must not pass, and their
rules, which stand before, have had their say. The rules are such as iptables can show.
"""

import re

from toolkit.net import nft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolkit.net.wiring import Bridge

CHAIN = "DOCKYARD"
LOOK = "list chains ip\nlist chains ip6\n"
"""What a transaction appends, so that ``missing`` can read its output."""

_TABLE = re.compile(r"^table (ip6?) filter \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_CLOSED = re.compile(r"chain (FORWARD|INPUT) \{\n\s*type filter [^}]*policy drop;")
_HANDLE = re.compile(r"jump (DOCKYARD-[A-Z]+) # handle (\d+)")


def missing(listed: str) -> list[tuple[str, str]]:
    """(family, chain) of all that drop by policy and do not know ours yet."""
    return [
        (family, chain)
        for family, chain in closed(listed)
        if f"chain {CHAIN}-{chain} " not in _table(listed, family)
    ]


def closed(listed: str) -> list[tuple[str, str]]:
    """(family, chain) of all that drop by policy, as ``nft list chains`` shows them."""
    return [
        (found[1], chain)
        for found in _TABLE.finditer(listed)
        for chain in _CLOSED.findall(found[2])
    ]


def accepting(bridges: "Iterable[Bridge]", family: str, chain: str) -> str:
    """Rules for one chain of others, in a chain of our own that is made anew."""
    own = f"{family} filter {CHAIN}-{chain}"
    lines = [f"add chain {own}", f"flush chain {own}"]
    for bridge in bridges:
        if chain == "FORWARD":
            lines += [f'add rule {own} {way} "{bridge.link}" counter accept' for way in _WAYS]
        else:
            lines += [
                f'add rule {own} iifname "{bridge.link}" {protocol} dport 53 counter accept'
                for protocol in ("udp", "tcp")
            ]
    return "".join(f"{line}\n" for line in lines)


_WAYS = ("iifname", "oifname")


def write(bridges: "Iterable[Bridge]", chains: "Iterable[tuple[str, str]]") -> None:
    """Have our chains behind those of others, each named once."""
    bridges = tuple(bridges)
    for family, chain in chains:
        there = f"{family} filter {chain}"
        shown = nft.show("-a", "list", "chain", *there.split())
        old = [handle for name, handle in _HANDLE.findall(shown) if name == f"{CHAIN}-{chain}"]
        gone = "".join(f"delete rule {there} handle {handle}\n" for handle in old)
        jump = f"add rule {there} counter jump {CHAIN}-{chain}\n"
        nft.apply(accepting(bridges, family, chain) + gone + jump)


def _table(listed: str, family: str) -> str:
    return "".join(found[2] for found in _TABLE.finditer(listed) if found[1] == family)
