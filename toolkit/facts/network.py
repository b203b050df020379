"""Links, addresses, the default route and name servers, under Ansible's names."""

import ipaddress
from typing import Any

from toolkit.facts.machine import Machine, text
from toolkit.net.model import Link, Route

_DEFAULTS = {4: "0.0.0.0/0", 6: "::/0"}


def network(machine: Machine) -> dict[str, Any]:
    """All of ``ansible_interfaces``, ``ansible_<link>``, ``ansible_default_ipv4`` and the like."""
    links = machine.net.links()
    routes = machine.net.routes()
    addresses = [ipaddress.ip_interface(each) for link in links for each in link.addresses]
    outside = [address for address in addresses if not address.is_loopback]
    return {
        "ansible_interfaces": [link.name for link in links],
        "ansible_all_ipv4_addresses": [str(a.ip) for a in outside if a.version == 4],
        "ansible_all_ipv6_addresses": [str(a.ip) for a in outside if a.version == 6],
        "ansible_default_ipv4": _default(links, routes, 4),
        "ansible_default_ipv6": _default(links, routes, 6),
        **{f"ansible_{_variable(link.name)}": _interface(link, links) for link in links},
    }


def dns(machine: Machine) -> dict[str, Any]:
    """``ansible_dns`` from resolv.conf(5)."""
    found: dict[str, Any] = {}
    for line in text(machine, "/etc/resolv.conf").splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest:
            found.setdefault("nameservers", []).append(rest[0])
        elif word == "domain" and rest:
            found["domain"] = rest[0]
        elif word in ("search", "sortlist"):
            found[word] = rest
        elif word == "options":
            options = found.setdefault("options", {})
            for option in rest:
                name, colon, value = option.partition(":")
                options[name] = value if colon else True
    return found


def _variable(name: str) -> str:
    """A link's name as a variable: Ansible writes ``_`` for what none may hold."""
    return name.replace("-", "_").replace(":", "_").replace(".", "_")


def _interface(link: Link, links: tuple[Link, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "device": link.name,
        "active": link.up,
        "mtu": link.mtu,
        "type": _type(link),
        "macaddress": link.mac,
    }
    if link.name == "lo":
        del found["macaddress"]
    if link.kind == "bridge":
        found["interfaces"] = [port.name for port in links if port.master == link.name]
        found["stp"] = link.stp
    four = [_ipv4(address) for address in link.addresses if ":" not in address]
    six = [_ipv6(address) for address in link.addresses if ":" in address]
    if four:
        found["ipv4"] = four[0]
    if len(four) > 1:
        found["ipv4_secondaries"] = four[1:]
    if six:
        found["ipv6"] = six
    return found


def _type(link: Link) -> str:
    if link.name == "lo":
        return "loopback"
    return {"bridge": "bridge", "bond": "bonding", "tun": "tunnel"}.get(link.kind, "ether")


def _ipv4(address: str) -> dict[str, str]:
    held = ipaddress.IPv4Interface(address)
    whole = held.network.prefixlen >= 31
    return {
        "address": str(held.ip),
        "broadcast": "" if whole or held.is_loopback else str(held.network.broadcast_address),
        "netmask": str(held.netmask),
        "network": str(held.network.network_address),
        "prefix": str(held.network.prefixlen),
    }


def _ipv6(address: str) -> dict[str, str]:
    held = ipaddress.IPv6Interface(address)
    scope = "link" if held.is_link_local else "host" if held.is_loopback else "global"
    return {"address": str(held.ip), "prefix": str(held.network.prefixlen), "scope": scope}


def _default(links: tuple[Link, ...], routes: tuple[Route, ...], version: int) -> dict[str, Any]:
    """The link and address behind the default route of the least metric; empty without one."""
    found = [route for route in routes if route.to == _DEFAULTS[version]]
    if not found:
        return {}
    route = min(found, key=lambda each: each.metric)
    link = next((link for link in links if link.name == route.link), None)
    result: dict[str, Any] = {"interface": route.link}
    if route.via:
        result["gateway"] = route.via
    if link is not None:
        result |= {"macaddress": link.mac, "mtu": link.mtu, "type": _type(link)}
        result |= _source(link, route, version)
    return result


def _source(link: Link, route: Route, version: int) -> dict[str, str]:
    """The address that traffic by ``route`` leaves from: one in the gateway's own subnet first."""
    held = [ipaddress.ip_interface(address) for address in link.addresses]
    held = [address for address in held if address.version == version]
    usable = [address for address in held if not address.is_link_local] or held
    if not usable:
        return {}
    near = [a for a in usable if route.via and ipaddress.ip_address(route.via) in a.network]
    chosen = str((near or usable)[0])
    if version == 4:
        return {**_ipv4(chosen), "alias": link.name}
    return _ipv6(chosen)
