"""Parts of /proc and /sys that are hidden."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, denied, none_of, not_applicable


@check("MSK-FILE-01", area="D", severity="critical")
def test_files(box: Box, profile: Profile) -> Finding:
    """Each masked file is absent, or the null device and reads empty."""
    open_ones = [
        name
        for name in profile.masked_files
        if box.init.paths[name].reachable and not box.init.paths[name].is_null
    ]
    return none_of(
        open_ones, expected="absent or null", reason=f"{len(profile.masked_files)} files"
    )


@check("MSK-DIR-02", area="D")
def test_folders(box: Box, profile: Profile) -> Finding:
    """Each masked directory is absent, or empty."""
    full = [name for name in profile.masked_folders if box.init.paths[name].entries > 0]
    return none_of(
        full, expected="absent or empty", reason=f"{len(profile.masked_folders)} folders"
    )


@check("MSK-THERM-03", area="D", severity="low")
def test_thermal(box: Box) -> Finding:
    """Each CPU's thermal throttle counters are absent or masked."""
    paths = {name: path for name, path in box.init.paths.items() if "thermal_throttle" in name}
    if not any(path.reachable for path in paths.values()):
        return not_applicable("this machine has none")
    return none_of([name for name, path in paths.items() if path.entries > 0], expected="masked")


@check("MSK-ESC-06", area="D", severity="critical")
def test_unmask(box: Box) -> Finding:
    """A mask cannot be lifted."""
    return denied({"umount": box.init.calls["umount"], "mount": box.init.calls["mount"]})


@check("MSK-TMPFS-08", area="D")
def test_masks_are_read_only(box: Box, profile: Profile) -> Finding:
    """What covers a masked directory cannot be written to."""
    covers = [
        mount
        for mount in box.init.mounts
        if mount.target in profile.masked_folders and mount.kind == "tmpfs"
    ]
    if not covers:
        return not_applicable("nothing on this machine needed a cover")
    return none_of(
        [mount.target for mount in covers if "ro" not in mount.options | mount.super_options],
        expected="ro",
    )


@check("PROC-NET-17", area="D")
def test_sockets(box: Box, host: HostDoc) -> Finding:
    """/proc/net shows none of the host's sockets."""
    seen = {line.split()[-1] for line in box.init.raw["net_unix"].splitlines()[1:]}
    shared = sorted(name for name in seen & set(host.raw["sockets"]) if name[0] in "/@")
    if not any(name[0] in "/@" for name in host.raw["sockets"]):
        return none_of(sorted(_links(box) - {"lo", "eth0"}), expected="no link of the host's")
    return none_of(shared[:5], expected="no socket of the host's")


def _links(box: Box) -> set[str]:
    lines = box.init.raw["net_dev"].splitlines()[2:]
    return {line.partition(":")[0].strip() for line in lines}


@check("SYS-DBG-19", area="D")
def test_debugging(box: Box) -> Finding:
    """The kernel's debugging and tracing file systems are empty, absent or unreadable."""
    names = ("/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security", "/sys/fs/bpf")
    mounted = {mount.target for mount in box.init.mounts if mount.kind != "sysfs"}
    return none_of(
        [name for name in names if box.init.paths[name].entries > 0 or name in mounted],
        expected="empty or absent",
    )
