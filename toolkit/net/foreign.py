"""Beside other people's firewalls: what is accepted here is accepted there as well.

A packet has to pass every base chain of a hook, so a policy of *drop* in the ``FORWARD`` chain of
iptables, which docker and ufw set, or firewalld's last rule, would stop containers whatever our own
table says. Such a chain gets a rule: jump to one of ours, which accepts what comes from or goes to
a bridge of containers. Our own table has dropped by then what must not pass. The rules of iptables,
behind which ours stands, have had their say; firewalld's reject all that it does not know, so ours
stands before them, as a zone that accepts would. The rules are such as iptables can show.
"""

import re

from toolkit.core.record import record
from toolkit.net import legacy, nft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolkit.net.wiring import Bridge

LOOK = "list chains ip\nlist chains ip6\nlist chains inet\n"
"""What a transaction appends, so that ``missing`` can read its output."""

_TABLE = re.compile(r"^table (ip6? filter|inet firewalld) \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_DROPS = re.compile(r"chain (FORWARD|INPUT) \{\n\s*type filter [^}]*policy drop;")
_REJECTS = re.compile(r"chain (filter_FORWARD|filter_INPUT) \{\n\s*type filter ")
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


def accepting(bridges: "Iterable[Bridge]", one: Closed) -> str:
    """Rules for one chain of others, in a chain of our own that is made anew."""
    own = f"{one.table} {one.own}"
    lines = [f"add chain {own}", f"flush chain {own}"]
    for bridge in bridges:
        if one.chain.endswith("FORWARD"):
            lines += [f'add rule {own} {way} "{bridge.link}" counter accept' for way in _WAYS]
        else:
            lines += [
                f'add rule {own} iifname "{bridge.link}" {protocol} dport 53 counter accept'
                for protocol in ("udp", "tcp")
            ]
    return "".join(f"{line}\n" for line in lines)


_WAYS = ("iifname", "oifname")


def write(bridges: "Iterable[Bridge]", chains: "Iterable[Closed]") -> None:
    """Have our chains beside those of others, each named once."""
    bridges = tuple(bridges)
    for one in chains:
        if one.old:
            legacy.write([bridge.link for bridge in bridges], one.table, one.chain, one.own)
            continue
        there = f"{one.table} {one.chain}"
        shown = nft.show("-a", "list", "chain", *there.split())
        old = [handle for name, handle in _HANDLE.findall(shown) if name == one.own]
        gone = "".join(f"delete rule {there} handle {handle}\n" for handle in old)
        place = "insert" if one.table == "inet firewalld" else "add"
        jump = f"{place} rule {there} counter jump {one.own}\n"
        nft.apply(accepting(bridges, one) + gone + jump)


def _table(listed: str, table: str) -> str:
    return "".join(found[2] for found in _TABLE.finditer(listed) if found[1] == table)
