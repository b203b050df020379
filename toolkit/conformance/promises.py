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


def bridge(host: HostDoc) -> Bridge | None:
    """The bridge that the engine's configuration names."""
    named = (engine(host) or {}).get("bridge")
    if not isinstance(named, dict) or not named.get("name"):
        return None
    return Bridge(name=str(named["name"]), address=str(named.get("address", "")))


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
