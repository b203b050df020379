"""What a host's own configuration promises, so that a check can compare the kernel with it."""

import tomllib
from dataclasses import dataclass
from typing import Any

from toolkit.conformance.documents import HostDoc

ENGINE_FILE = "/etc/dockyard/engine.toml"
DELEGATION = "/etc/systemd/system/user@.service.d/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """The bridge that containers are attached to; ``address`` with its prefix."""

    name: str
    address: str


def engine(host: HostDoc) -> dict[str, Any] | None:
    """The engine's configuration; ``None`` where there is none, ``ValueError`` if it is broken."""
    text = host.files.get(ENGINE_FILE)
    return None if text is None else tomllib.loads(text)


def bridges(host: HostDoc) -> list[Bridge]:
    """The bridges that the engine's configuration, networkd and ifupdown name, by name."""
    found = {one.name: one for one in (*_ifupdown(host), *_networkd(host))}
    named = (engine(host) or {}).get("bridge")
    if isinstance(named, dict) and named.get("name"):
        one = Bridge(name=str(named["name"]), address=str(named.get("address", "")))
        found[one.name] = one
    return [found[name] for name in sorted(found)]


def _networkd(host: HostDoc) -> list[Bridge]:
    """Bridges of systemd.netdev(5) with the address of systemd.network(5)."""
    made, addresses = [], {}
    for path, text in host.files.items():
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        if path.endswith(".netdev") and values.get("Kind") == "bridge":
            made.append(values.get("Name", ""))
        elif path.endswith(".network"):
            addresses[values.get("Name", "")] = values.get("Address", "")
    return [Bridge(name=name, address=addresses.get(name, "")) for name in made]


def _ifupdown(host: HostDoc) -> list[Bridge]:
    """Bridges of interfaces(5): a stanza that adds its link as one, or names its ports."""
    found = []
    for path, text in host.files.items():
        if not path.startswith("/etc/network/interfaces.d/"):
            continue
        for stanza in text.split("iface ")[1:]:
            words = stanza.split()
            if "type bridge" in stanza or "bridge_ports" in words:
                at = words.index("address") + 1 if "address" in words else 0
                found.append(Bridge(name=words[0], address=words[at] if at else ""))
    return found


def modules(host: HostDoc) -> list[str]:
    """The kernel modules that are to be loaded at boot (modules-load.d(5))."""
    found = []
    for path, text in host.files.items():
        if path.startswith("/etc/modules-load.d/"):
            lines = (line.strip() for line in text.splitlines())
            found += [line for line in lines if line and line[0] not in "#;"]
    return sorted({name.replace("-", "_") for name in found})


def parameters(host: HostDoc) -> dict[str, str]:
    """Kernel parameters by path below ``/proc/sys`` that are to hold at boot (sysctl.d(5))."""
    found: dict[str, str] = {}
    for path, text in sorted(host.files.items()):
        if not path.startswith("/etc/sysctl.d/"):
            continue
        for line in text.splitlines():
            key, equals, value = line.strip().lstrip("-").partition("=")
            if equals and line.strip()[0] not in "#;":
                found[key.strip().replace(".", "/")] = value.strip()
    return found


def delegated(host: HostDoc) -> list[str] | None:
    """The controllers that systemd is told to hand to users; ``None`` where it is told nothing."""
    for path, text in host.files.items():
        if path.startswith(DELEGATION):
            for line in text.splitlines():
                key, _, value = line.partition("=")
                if key.strip() == "Delegate":
                    return value.split()
    return None
