"""What is left when a container was removed: nothing."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.verdict import Finding, equal, none_of


@check("NS-LEAK-26", area="M", tier=1)
def test_namespaces(after: HostDoc) -> Finding:
    """No process and no mount holds a namespace of a removed container."""
    return none_of(after.remains["processes"] + after.remains["pins"], expected="none")


@check("CGR-LEAK-30", area="M", tier=1)
def test_groups(after: HostDoc) -> Finding:
    """No cgroup of a removed container is left."""
    return none_of(after.remains["groups"], expected="none")


@check("HOST-CLEAN-10", area="M", tier=1)
def test_mounts(after: HostDoc) -> Finding:
    """No mount of a removed container is left on the host."""
    return none_of(after.remains["mounts"], expected="none")


@check("HOST-SAME-12", area="M", tier=1)
def test_host(host: HostDoc, after: HostDoc) -> Finding:
    """The host's name and kernel parameters are as before."""
    return equal([after.hostname, *after.sysctls.values()], [host.hostname, *host.sysctls.values()])
