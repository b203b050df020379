"""Compare the links of /proc/PID/ns inside, beside and outside the container."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, differs, equal, holds, not_applicable


@check("NS-PID-01", area="A", severity="critical")
def test_pid(box: Box, host: HostDoc) -> Finding:
    """The pid namespace is not the host's."""
    return differs(box.init.ns["pid"], host.ns["pid"])


@check("NS-NET-02", area="A", severity="critical")
def test_net(box: Box, host: HostDoc) -> Finding:
    """The network namespace is not the host's."""
    return differs(box.init.ns["net"], host.ns["net"])


@check("NS-IPC-03", area="A")
def test_ipc(box: Box, host: HostDoc) -> Finding:
    """The ipc namespace is not the host's."""
    return differs(box.init.ns["ipc"], host.ns["ipc"])


@check("NS-MNT-04", area="A", severity="critical")
def test_mnt(box: Box, host: HostDoc) -> Finding:
    """The mount namespace is not the host's."""
    return differs(box.init.ns["mnt"], host.ns["mnt"])


@check("NS-UTS-05", area="A", severity="medium")
def test_uts(box: Box, host: HostDoc) -> Finding:
    """The uts namespace is not the host's."""
    return differs(box.init.ns["uts"], host.ns["uts"])


@check("NS-CGR-06", area="A", severity="medium")
def test_cgroup(box: Box, host: HostDoc, profile: Profile) -> Finding:
    """The cgroup namespace is not the host's."""
    if profile.cgroup_namespace == "v2" and host.cgroup_version != "v2":
        return not_applicable(
            f"{profile.name} makes one only on cgroup v2", seen=host.cgroup_version
        )
    return differs(box.init.ns["cgroup"], host.ns["cgroup"])


@check("NS-TIM-08", area="A", severity="low")
def test_time(box: Box, host: HostDoc, profile: Profile) -> Finding:
    """There is a time namespace exactly where the profile says so."""
    if "time" not in host.ns:
        return not_applicable("this kernel has no time namespaces")
    own = box.init.ns["time"] != host.ns["time"]
    return holds(
        own == profile.time_namespace,
        seen="own" if own else "the host's",
        expected="own" if profile.time_namespace else "the host's",
    )


@check("NS-PAIR-09", area="A", tier=1, severity="critical")
def test_pair(box: Box, other: Box) -> Finding:
    """Two containers share no namespace."""
    kinds = ["pid", "net", "ipc", "mnt", "uts"]
    shared = [kind for kind in kinds if box.init.ns[kind] == other.init.ns[kind]]
    return holds(not shared, seen=shared or "none", expected="none in common")


@check("NS-EXEC-21", area="A", severity="critical")
def test_exec(box: Box) -> Finding:
    """A process that is added later is in the same namespaces as the first."""
    return equal(
        sorted(box.exec.ns.values()), sorted(box.init.ns.values()), reason="exec against init"
    )


@check("NS-VIEW-28", area="A")
def test_view(box: Box) -> Finding:
    """The container and the host agree on which namespaces it is in."""
    return equal(sorted(box.init.ns.values()), sorted(box.outside.ns.values()))
