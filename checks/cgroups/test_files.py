"""The cgroup files inside the container: visible at most, never a way out."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, denied, holds, none_of, not_applicable, weaker

PROCS = "/sys/fs/cgroup/cgroup.procs"


@check("CGR-MNT-01", area="F", severity="critical")
def test_read_only(box: Box) -> Finding:
    """Every cgroup file system is mounted read-only."""
    mounts = [mount for mount in box.init.mounts if mount.kind in ("cgroup", "cgroup2")]
    if not mounts:
        return not_applicable("no cgroup file system is mounted")
    return none_of([mount.target for mount in mounts if "ro" not in mount.options], expected="ro")


@check("CGR-VIEW-02", area="F", severity="medium")
def test_own_path(box: Box, host: HostDoc, profile: Profile) -> Finding:
    """A container with a cgroup namespace sees itself at the root, and no path of the host."""
    if profile.cgroup_namespace == "v2" and host.cgroup_version != "v2":
        return not_applicable(f"{profile.name} makes a namespace only on v2")
    outside = [line for line in box.init.cgroup if not line.endswith(":/")]
    return none_of(outside, expected="every path is /")


@check("CGR-VIEW-03", area="F", severity="medium")
def test_own_processes(box: Box, host: HostDoc) -> Finding:
    """The root of its cgroup tree lists no process from outside its pid namespace."""
    if host.cgroup_version != "v2":
        return not_applicable("there is one tree on cgroup v2 only", seen=host.cgroup_version)
    # The kernel writes 0 for a process that the reader's pid namespace does not show.
    return none_of(
        [pid for pid in box.init.raw["values"][PROCS].split() if pid == "0"],
        expected="no process from outside",
    )


@check("CGR-REL-04", area="F", severity="critical")
def test_release_agent(box: Box, profile: Profile) -> Finding:
    """release_agent, which the kernel runs as root on the host, cannot be set."""
    names = ("/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/pids/release_agent")
    if any(box.init.paths[name].writing == "ok" for name in names):
        return holds(False, seen="release_agent is writable", expected="absent or read-only")
    mounting = denied({"mount": box.init.calls["mount"]})
    if mounting.verdict.value == "fail":
        return mounting
    if box.init.calls["unshare user"] == "ok":
        if profile.stops("unshare"):
            return holds(False, seen="unshare(NEWUSER) ok", expected="EPERM")
        return weaker(profile.lenience, seen="unshare(NEWUSER) ok")
    return mounting


@check("CGR-DEV-06", area="F", severity="critical")
def test_devices(box: Box, host: HostDoc) -> Finding:
    """The device rules cannot be rewritten from inside."""
    if host.cgroup_version == "v2":
        return not_applicable("cgroup v2 has no device files")
    path = box.init.paths["/sys/fs/cgroup/devices/devices.allow"]
    return holds(
        path.writing != "ok", seen=path.writing or path.kind, expected="EROFS, EPERM or absent"
    )


@check("CGR-OWN-37", area="F")
def test_own_group(box: Box, host: HostDoc) -> Finding:
    """The container is in groups of its own, not in those of whoever started it."""
    # Beside v1 controllers the v2 tree limits nothing, so a runtime may leave it alone.
    names = [""] if host.cgroup_version == "v2" else sorted(host.controllers)
    own = host.raw["groups"]
    shared = [name for name in names if box.outside.groups.get(name) == own.get(name)]
    return none_of(shared, expected="a group of its own for each controller")
