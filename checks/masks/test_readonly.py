"""Parts of /proc and /sys that can be read but not written."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, equal, holds, none_of, not_applicable

KERNEL = (
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/modules_disabled",
    "/proc/sys/fs/binfmt_misc/register",
)
HARDWARE = ("/proc/sysrq-trigger", "/proc/irq/default_smp_affinity")
SYSFS = (
    "/sys/kernel/uevent_helper",
    "/sys/class/net/lo/mtu",
    "/sys/kernel/mm/transparent_hugepage/enabled",
)


def _not_writable(box: Box, names: tuple[str, ...]) -> Finding:
    """Pass if opening each for writing fails; nothing is written."""
    return none_of(
        [name for name in names if box.init.paths[name].writing == "ok"], expected="EROFS or absent"
    )


@check("RO-SYS-09", area="D", severity="critical")
def test_kernel_parameters(box: Box) -> Finding:
    """Kernel parameters cannot be written."""
    return _not_writable(box, KERNEL)


@check("RO-PROC-10", area="D", severity="critical")
def test_hardware(box: Box, profile: Profile) -> Finding:
    """The read-only parts of /proc are read-only mounts, and sysrq and irq cannot be written."""
    loose = [
        name
        for name in profile.read_only
        if box.init.paths[name].reachable and not box.init.paths[name].read_only
    ]
    return none_of(loose, expected="read-only") if loose else _not_writable(box, HARDWARE)


@check("RO-SYSFS-11", area="D", severity="critical")
def test_sysfs(box: Box) -> Finding:
    """/sys is mounted read-only and nothing in it can be written."""
    mount = box.init.mount_at("/sys")
    if mount is None:
        return not_applicable("there is no /sys")
    if "ro" not in mount.options:
        return holds(False, seen=mount.options, expected="ro")
    return _not_writable(box, SYSFS)


@check("RO-SYSCTL-14", area="D", severity="low", on="E")
def test_parameters(box: Box, profile: Profile) -> Finding:
    """The network parameters that an engine sets hold inside."""
    if not profile.sysctls:
        return not_applicable(f"{profile.name} sets none")
    seen = {
        path.removeprefix("/proc/sys/"): " ".join(value.split())
        for path, value in box.init.raw["values"].items()
        if path.startswith("/proc/sys/")
    }
    return equal(sorted(seen.items()), sorted(profile.sysctls.items()))


@check("PROC-MNT-15", area="D", severity="medium", on="E")
def test_proc_options(box: Box) -> Finding:
    """/proc is mounted nosuid, nodev and noexec."""
    mount = box.init.mount_at("/proc")
    wanted = {"nosuid", "nodev", "noexec"}
    seen = mount.options if mount else frozenset()
    return holds(wanted <= seen, seen=seen, expected=wanted)


@check("RO-ROOT-16", area="D", severity="medium")
def test_root(box: Box, profile: Profile) -> Finding:
    """The root is writable or read-only as the profile says."""
    mount = box.init.mount_at("/")
    seen = mount is not None and "ro" in mount.options
    return holds(
        seen == profile.read_only_root,
        seen="read-only" if seen else "writable",
        expected="read-only" if profile.read_only_root else "writable",
    )
