"""What provisioning promised, asked of the kernel and not of the tool that set it up."""

from typing import Any

from toolkit.conformance import promises
from toolkit.conformance.check import check
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.verdict import Finding, equal, holds, none_of, not_applicable


@check("HOST-BRIDGE-13", area="R")
def test_bridge(host: HostDoc) -> Finding:
    """Each bridge that the configuration names is up and holds its address."""
    wanted = promises.bridges(host)
    if not wanted:
        return not_applicable("no bridge in engine.toml, networkd or interfaces.d")
    wrong = [fault for bridge in wanted if (fault := _fault(host.links.get(bridge.name), bridge))]
    return holds(
        not wrong,
        seen=wrong or [bridge.name for bridge in wanted],
        expected=[f"{bridge.name} up {bridge.address}".strip() for bridge in wanted],
    )


def _fault(link: dict[str, Any] | None, wanted: promises.Bridge) -> str:
    if link is None:
        return f"{wanted.name} absent"
    if not link["bridge"]:
        return f"{wanted.name} is no bridge"
    if not link["up"]:
        return f"{wanted.name} down"
    # The kernel's own table of local addresses must know it, not only the link.
    if wanted.address and wanted.address not in link["local"]:
        return f"{wanted.name} has {' '.join(link['addresses']) or 'no address'}"
    return ""


@check("HOST-FORWARD-14", area="R")
def test_forwarding(host: HostDoc) -> Finding:
    """Packets are forwarded where the configuration wants it."""
    wanted = promises.parameters(host).get("net/ipv4/ip_forward")
    if wanted is None:
        return not_applicable("nothing in /etc/sysctl.d asks for forwarding")
    return equal(host.sysctls["net/ipv4/ip_forward"], wanted)


@check("HOST-SYSCTL-15", area="R", severity="medium")
def test_parameters(host: HostDoc) -> Finding:
    """Kernel parameters hold the values that are to survive a reboot."""
    wanted = promises.parameters(host)
    known = {name: value for name, value in host.sysctls.items() if name in wanted and value}
    if not known:
        return not_applicable("no known parameter is set in /etc/sysctl.d")
    return none_of(
        [f"{name}={value}" for name, value in known.items() if value != wanted[name]],
        expected="as in /etc/sysctl.d",
    )


@check("HOST-MODULES-16", area="R", severity="medium")
def test_modules(host: HostDoc) -> Finding:
    """The kernel modules that are to be loaded at boot are there, loaded or built in."""
    wanted = promises.modules(host)
    if not wanted:
        return not_applicable("nothing in /etc/modules-load.d")
    there = {*host.raw["modules"], *host.raw["file_systems"]}
    return none_of([name for name in wanted if name not in there], expected=wanted)


@check("HOST-DELEG-17", area="R", severity="medium")
def test_delegation(host: HostDoc) -> Finding:
    """Users are handed the controllers that rootless containers need."""
    wanted = promises.delegated(host)
    if wanted is None:
        return not_applicable("nothing asks systemd to delegate")
    missing = sorted({"cpu", "memory", "pids"} - set(wanted))
    if wanted == ["yes"]:
        missing = []
    return none_of(missing, expected="cpu memory pids", reason=" ".join(wanted))


@check("HOST-ENGINE-18", area="R", severity="medium")
def test_engine(host: HostDoc) -> Finding:
    """The engine's configuration can be read."""
    try:
        found = promises.engine(host)
    except ValueError as error:
        return holds(False, seen=str(error), expected="TOML")
    if found is None:
        return not_applicable(f"no {promises.ENGINE_FILE}")
    return holds(True, seen=sorted(found), expected="TOML")
