"""Beside other people's firewalls: what is accepted here is accepted there as well.

A packet has to pass every base chain of a hook, so a policy of *drop* in the ``FORWARD`` chain of
iptables, which docker and ufw set, or firewalld's last rule, would stop containers whatever our own
table says. Such a chain gets a rule: jump to one of ours, which accepts what comes from or goes to
a bridge of containers. Our own table has dropped by then what must not pass. The rules of iptables,
behind which ours stands, have had their say; firewalld's reject all that it does not know, so ours
stands before them, as a zone that accepts would. The rules are such as iptables can show.

What leads to a bridge of docker's is left to docker, which lets nobody in but by published ports.
"""

import _socket
import re

from toolkit.core.record import record
from toolkit.net import legacy, nft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from toolkit.net.wiring import Bridge

LOOK = "list chains ip\nlist chains ip6\nlist chains inet\n"
"""What a transaction appends, so that ``missing`` can read its output."""

_TABLE = re.compile(r"^table (ip6? filter|inet firewalld) \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_DROPS = re.compile(r"chain (FORWARD|INPUT) \{\n\s*type filter [^}]*policy drop;")
_REJECTS = re.compile(r"chain (filter_FORWARD|filter_INPUT) \{\n\s*type filter ")
_DOCKERS = re.compile(r"docker\d+|br-[0-9a-f]{12}")
_HANDLE = re.compile(r"jump (DOCKYARD-[A-Z]+) # handle (\d+)")


@record
class Closed:
    """A chain of others that stops what it does not know.

    ``table`` is as nft names it; ``old`` says that nft does not see it (x_tables, "legacy").
    """

    table: str
    chain: str
    old: bool = False

    @property
    def own(self) -> str:
        """The chain of ours that it is led to."""
        return f"{legacy.CHAIN}-{self.chain.removeprefix('filter_')}"


def missing(listed: str) -> list[Closed]:
    """All that are closed and do not know ours yet."""
    new = [one for one in _closed(listed) if f"chain {one.own} " not in _table(listed, one.table)]
    return new + [Closed(table=family, chain=chain, old=True) for family, chain in legacy.missing()]


def closed(listed: str) -> list[Closed]:
    """All that are closed, as ``nft list chains`` and iptables-legacy show them."""
    old = [Closed(table=family, chain=chain, old=True) for family, chain in legacy.closed()]
    return _closed(listed) + old


def _closed(listed: str) -> list[Closed]:
    return [
        Closed(table=found[1], chain=chain)
        for found in _TABLE.finditer(listed)
        for chain in (_REJECTS if found[1] == "inet firewalld" else _DROPS).findall(found[2])
    ]


def accepting(links: "Sequence[str]", one: Closed, *, others: "Iterable[str]" = ()) -> str:
    """Rules for one chain of others, in a chain of our own that is made anew.

    ``links`` are our bridges; what goes from them to ``others`` is none of our business.
    """
    own = f"{one.table} {one.own}"
    lines = [f"add chain {own}", f"flush chain {own}"]
    if one.chain.endswith("FORWARD"):
        lines += [f'add rule {own} oifname "{link}" counter accept' for link in links]
        lines += [f'add rule {own} oifname "{link}" counter return' for link in others]
        lines += [f'add rule {own} iifname "{link}" counter accept' for link in links]
    else:
        lines += [
            f'add rule {own} iifname "{link}" {protocol} dport 53 counter accept'
            for link in links
            for protocol in ("udp", "tcp")
        ]
    return "".join(f"{line}\n" for line in lines)


def write(bridges: "Iterable[Bridge]", chains: "Iterable[Closed]") -> None:
    """Have our chains beside those of others, each named once."""
    links = [bridge.link for bridge in bridges]
    present = {name for _, name in _socket.if_nameindex()} - set(links)
    others = sorted(name for name in present if _DOCKERS.fullmatch(name))
    for one in chains:
        if one.old:
            text = legacy.accepting(links, one.chain, one.own, others=others)
            legacy.write(text, one.table, one.chain, one.own)
            continue
        there = f"{one.table} {one.chain}"
        shown = nft.show("-a", "list", "chain", *there.split())
        old = [handle for name, handle in _HANDLE.findall(shown) if name == one.own]
        gone = "".join(f"delete rule {there} handle {handle}\n" for handle in old)
        place = "insert" if one.table == "inet firewalld" else "add"
        jump = f"{place} rule {there} counter jump {one.own}\n"
        nft.apply(accepting(links, one, others=others) + gone + jump)


def _table(listed: str, table: str) -> str:
    return "".join(found[2] for found in _TABLE.finditer(listed) if found[1] == table)
