"""Networks in Docker's shapes: what ``inspect`` shows of a container's places, and of a network."""

from toolkit.engine.ports import hosts
from toolkit.engine.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from toolkit.engine.endpoints import Attachment
    from toolkit.engine.model import View
    from toolkit.engine.netstore import Network
    from toolkit.net.wiring import Port

NETWORK_KEYS = ("driver", "id", "label", "name", "scope", "type", "dangling")
_FLAT = {
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
}


def settings(view: "View") -> "dict[str, Any]":
    """``NetworkSettings``: where it is; the flat fields are those of the default bridge."""
    found = {one.network.name: place(view, one) for one in view.networks}
    default = found.get("bridge", _FLAT)
    ports = [port for one in view.networks for port in one.endpoint.ports]
    return {
        "SandboxKey": f"/proc/{view.pid}/ns/net" if view.pid else "",
        "Ports": bindings(ports, view.config.expose),
        **{key: default[key] for key in _FLAT},
        "Networks": found,
    }


def place(view: "View", one: "Attachment") -> "dict[str, Any]":
    """One of ``Networks``."""
    bridge, endpoint = one.network.bridge, one.endpoint
    second = bridge.address6 if endpoint.address6 else None
    names = (view.name, *one.aliases, view.id[:12])
    return {
        "Aliases": list(one.aliases) or None,
        "DNSNames": list(dict.fromkeys(names)) if one.network.names else None,
        "NetworkID": one.network.id,
        "EndpointID": "",
        "Gateway": "" if bridge.internal else bridge.address.address,
        "IPAddress": endpoint.address,
        "IPPrefixLen": bridge.address.prefix,
        "IPv6Gateway": second.address if second and not bridge.internal else "",
        "GlobalIPv6Address": endpoint.address6,
        "GlobalIPv6PrefixLen": second.prefix if second else 0,
        "MacAddress": endpoint.mac,
    }


def bindings(ports: "Iterable[Port]", exposed: "Iterable[str]" = ()) -> "dict[str, Any]":
    """``Ports``: for each of a container's, where the host leads to it, null where it does not."""
    found: dict[str, list[dict[str, str]] | None] = dict.fromkeys(exposed)
    for port in ports:
        key = f"{port.inner}/{port.protocol}"
        there = found.get(key) or []
        there += [{"HostIp": host, "HostPort": str(port.outer)} for host in hosts(port)]
        found[key] = there
    return found


def published(ports: "Iterable[Port]") -> list[str]:
    """As ``ps`` shows them: ``0.0.0.0:8080->80/tcp``."""
    return [
        f"{f'[{host}]' if ':' in host else host}:{port.outer}->{port.inner}/{port.protocol}"
        for port in ports
        for host in hosts(port)
    ]


def document(
    network: "Network", members: "Iterable[tuple[str, str, Attachment]]" = ()
) -> "dict[str, Any]":
    """A network as ``docker network inspect`` shows it."""
    bridge = network.bridge
    prefix, second = bridge.address.prefix, bridge.address6
    pools = [{"Subnet": bridge.address.subnet, "Gateway": bridge.address.address}]
    if second:
        pools.append({"Subnet": second.subnet, "Gateway": second.address})
    options = {
        "com.docker.network.bridge.name": bridge.link,
        **({"com.docker.network.driver.mtu": str(bridge.mtu)} if bridge.mtu else {}),
        **dict(text.partition("=")[::2] for text in network.options),
    }
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": stamp(network.created),
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv4": True,
        "EnableIPv6": second is not None,
        "IPAM": {"Driver": "default", "Options": {}, "Config": pools},
        "Internal": bridge.internal,
        "Attachable": False,
        "Ingress": False,
        "Containers": {
            container: {
                "Name": name,
                "EndpointID": "",
                "MacAddress": one.endpoint.mac,
                "IPv4Address": f"{one.endpoint.address}/{prefix}",
                "IPv6Address": (
                    f"{one.endpoint.address6}/{second.prefix}"
                    if second and one.endpoint.address6
                    else ""
                ),
            }
            for container, name, one in members
        },
        "Options": options,
        "Labels": dict(text.partition("=")[::2] for text in network.labels),
    }
