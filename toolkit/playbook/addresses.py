"""``ipaddr`` and its kin: filters of addresses and networks, as ``ansible.utils`` has them."""

import ipaddress
from collections.abc import Callable
from typing import Any

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _interface(value: Any) -> Interface | None:
    try:
        return ipaddress.ip_interface(str(value))
    except ValueError:
        return None


def _shown(found: Interface, value: Any) -> str:
    return str(found) if "/" in str(value) else str(found.ip)


_QUERIES: dict[str, Callable[[Interface], Any]] = {
    "address": lambda found: str(found.ip),
    "broadcast": lambda found: str(found.network.broadcast_address),
    "cidr": str,
    "first_usable": lambda found: str(next(iter(found.network.hosts()))),
    "gateway": lambda found: str(next(iter(found.network.hosts()))),
    "host": str,
    "host/prefix": str,
    "hostmask": lambda found: str(found.network.hostmask),
    "int": lambda found: int(found.ip),
    "last_usable": lambda found: str(_last(found)),
    "net": lambda found: str(found) if found.ip == found.network.network_address else None,
    "netmask": lambda found: str(found.netmask),
    "network": lambda found: str(found.network.network_address),
    "network/prefix": lambda found: str(found.network),
    "prefix": lambda found: found.network.prefixlen,
    "private": lambda found: str(found.ip) if found.is_private else None,
    "public": lambda found: None if found.is_private else str(found.ip),
    "revdns": lambda found: f"{found.ip.reverse_pointer}.",
    "size": lambda found: found.network.num_addresses,
    "subnet": lambda found: str(found.network),
    "version": lambda found: found.version,
}


def _last(found: Interface) -> Any:
    network = found.network
    return network[-2] if network.num_addresses > 2 else network[-1]


def _ipaddr(value: Any, query: Any = "", version: int = 0) -> Any:
    if isinstance(value, list | tuple):
        answers = [_ipaddr(each, query, version) for each in value]
        return [answer for answer in answers if answer not in (False, None)]
    found = _interface(value)
    if found is None or (version and found.version != version):
        return False
    if query in ("", None):
        return _shown(found, value)
    if str(query).lstrip("-").isdigit():
        return _nth(found, int(query))
    if query in _QUERIES:
        answer = _QUERIES[query](found)
        return False if answer is None else answer
    outer = _interface(query)
    if outer is None:
        raise ValueError(f"ipaddr knows no '{query}'")
    inside = found.version == outer.version and found.ip in outer.network
    return _shown(found, value) if inside else False


def _nth(found: Interface, number: int) -> Any:
    try:
        return f"{found.network[number]}/{found.network.prefixlen}"
    except IndexError:
        return False


def _nthhost(value: Any, number: int = 0) -> Any:
    found = _interface(value)
    if found is None:
        return False
    try:
        return str(found.network[number])
    except IndexError:
        return False


def _ipsubnet(value: Any, prefix: Any = "", index: int | None = None) -> Any:
    found = _interface(value)
    if found is None:
        return False
    if prefix in ("", None):
        return str(found.network)
    subnets = found.network.subnets(new_prefix=int(prefix))
    if index is None:
        return str(2 ** (int(prefix) - found.network.prefixlen))
    chosen = list(subnets)
    return str(chosen[index]) if -len(chosen) <= index < len(chosen) else False


def _ipwrap(value: Any) -> str:
    """IPv6 addresses in brackets, everything else as it is."""
    found = _interface(value)
    return f"[{value}]" if found is not None and found.version == 6 else str(value)


def _ipmath(value: Any, amount: int) -> str:
    return str(ipaddress.ip_address(str(value)) + amount)


def _ipv4(value: Any, query: Any = "") -> Any:
    return _ipaddr(value, query, 4)


def _ipv6(value: Any, query: Any = "") -> Any:
    return _ipaddr(value, query, 6)


FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": _ipaddr,
    "ipmath": _ipmath,
    "ipsubnet": _ipsubnet,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "ipwrap": _ipwrap,
    "nthhost": _nthhost,
}
