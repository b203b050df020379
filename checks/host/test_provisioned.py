"""What provisioning promised, asked of the kernel and not of the tool that set it up."""

from toolkit.conformance import promises
from toolkit.conformance.check import check
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.verdict import Finding, equal, holds, none_of, not_applicable


@check("HOST-BRIDGE-13", area="R")
def test_bridge(host: HostDoc) -> Finding:
    """The bridge that the engine's configuration names is up and holds its address."""
    wanted = promises.bridge(host)
    if wanted is None:
        return not_applicable(f"no bridge is named in {promises.ENGINE_FILE}")
    link = host.links.get(wanted.name)
    if link is None:
        return holds(False, seen="no such link", expected=wanted.name)
    # The address must be in the kernel's own routing table too, not only on the link.
    right = link["up"] and link["bridge"] and wanted.address in link["local"]
    state = f"{'up' if link['up'] else 'down'}, {'bridge' if link['bridge'] else 'no bridge'}"
    return holds(
        right,
        seen=[state, *link["addresses"]],
        expected=f"up, bridge {wanted.address}",
    )


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
