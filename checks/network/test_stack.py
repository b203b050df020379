"""The network stack of a container that asked for none, and the host's end of those that did."""

import re
from typing import Any

from toolkit.conformance import promises
from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.verdict import Finding, equal, holds, none_of, not_applicable

# As docker, podman (netavark and CNI), nerdctl and dockyard name them.
BRIDGES = re.compile(r"docker0|podman\d+|cni(-podman)?\d+|nerdctl\d+|bridge0|br-[0-9a-f]{12}")


@check("NET-NONE-03", area="I", severity="critical")
def test_no_network(box: Box) -> Finding:
    """A container without a network has its loopback alone, and reaches nobody."""
    lines = box.init.raw["net_dev"].splitlines()[2:]
    links = sorted(line.partition(":")[0].strip() for line in lines)
    reached = [to for to, answer in box.init.raw["reach"].items() if answer != "ENETUNREACH"]
    return holds(
        links == ["lo"] and not reached, seen=[*links, *reached], expected="lo, and no route"
    )


@check("NET-LO-06", area="I", severity="low")
def test_loopback(box: Box) -> Finding:
    """The loopback is up: a program reaches itself by 127.0.0.1."""
    return equal(box.init.raw["loopback"], "ok")


@check("L2-RA-02", area="I")
def test_router_advertisements(host: HostDoc) -> Finding:
    """No bridge of containers lets one of them become the host's router (CVE-2020-13401)."""
    named = {bridge.name for bridge in promises.bridges(host)}
    bridges = [
        name
        for name, link in host.links.items()
        if link["bridge"] and (name in named or BRIDGES.fullmatch(name))
    ]
    if not bridges:
        return not_applicable("this host has no bridge of containers")
    return none_of(
        [name for name in bridges if _listens(host.raw["routers"].get(name, {}))],
        expected="no bridge that listens to routers",
        reason=" ".join(bridges),
    )


def _listens(settings: dict[str, Any]) -> bool:
    """Whether advertisements count (ip-sysctl): a link that forwards takes only accept_ra 2."""
    if settings.get("disable_ipv6") != "0":
        return False
    accepts = settings.get("accept_ra")
    return accepts == "2" or (accepts == "1" and settings.get("forwarding") == "0")
