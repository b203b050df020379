"""The chains of iptables before nftables, of which ``nft`` sees nothing.

They count as much as any other: a host whose docker or kubernetes speaks ``iptables-legacy`` stops
containers by them. Nobody pays for the look where the kernel holds no such table.
"""

from toolkit.core.errors import ToolkitError
from toolkit.net import nft
from toolkit.net.programs import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHAIN = "DOCKYARD"

_NAMES = (("ip", "/proc/net/ip_tables_names"), ("ip6", "/proc/net/ip6_tables_names"))
_PROGRAMS = {"ip": "iptables-legacy", "ip6": "ip6tables-legacy"}
_CHAINS = ("FORWARD", "INPUT")


def missing() -> list[tuple[str, str]]:
    """(family, chain) of all that drop by policy and do not know ours yet."""
    return [
        (family, chain)
        for family, rules in _shown()
        for chain in _dropping(rules)
        if f"-A {chain} -j {CHAIN}-{chain}" not in rules
    ]


def closed() -> list[tuple[str, str]]:
    """(family, chain) of all that drop by policy."""
    return [(family, chain) for family, rules in _shown() for chain in _dropping(rules)]


def accepting(links: "Sequence[str]", chain: str, own: str, *, others: "Iterable[str]" = ()) -> str:
    """What iptables-restore(8) reads: our chain anew; see ``foreign.accepting``."""
    lines = ["*filter", f":{own} - [0:0]"]
    if chain == "FORWARD":
        lines += [f"-A {own} -o {link} -j ACCEPT" for link in links]
        lines += [f"-A {own} -o {link} -j RETURN" for link in others]
        lines += [f"-A {own} -i {link} -j ACCEPT" for link in links]
    else:
        lines += [
            f"-A {own} -i {link} -p {protocol} -m {protocol} --dport 53 -j ACCEPT"
            for link in links
            for protocol in ("udp", "tcp")
        ]
    return "".join(f"{line}\n" for line in lines)


def write(accepting: str, family: str, chain: str, own: str) -> None:
    """Have our chain, as ``accepting`` makes it, behind all that is in one of theirs, once."""
    jump = f"{chain} -j {own}\n"
    there = [line for line in _rules(family) if line == f"-A {jump}".strip()]
    text = accepting + f"-D {jump}" * len(there) + f"-A {jump}COMMIT\n"
    said = nft.Transaction(text, (f"{_PROGRAMS[family]}-restore", "-w", "-n")).finish()
    if said:
        raise ToolkitError(
            f"the rules of {_PROGRAMS[family]} are refused: {said.splitlines()[0]}",
            hint=f"see what is there with '{_PROGRAMS[family]} -S'",
        )


def _shown() -> list[tuple[str, list[str]]]:
    """(family, rules) of all tables that the kernel holds and there is a program for."""
    return [
        (family, _rules(family))
        for family, path in _NAMES
        if _is_there(path) and find(_PROGRAMS[family])
    ]


def _is_there(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return "filter\n" in file.read()
    except FileNotFoundError:
        return False  # the kernel knows none of them


def _rules(family: str) -> list[str]:
    asked = nft.Transaction("", (_PROGRAMS[family], "-w", "-S"))
    asked.finish()
    return asked.shown.splitlines()


def _dropping(rules: list[str]) -> list[str]:
    return [chain for chain in _CHAINS if f"-P {chain} DROP" in rules]
