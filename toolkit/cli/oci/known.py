"""What ``spec`` writes and what ``features`` tells, as data."""

from toolkit.engine.defaults import MASKED_PATHS, PATH, READONLY_PATHS
from toolkit.linux import mount_options
from toolkit.linux.capabilities import NAMES
from toolkit.oci.spec import NAMESPACES, VERSION
from toolkit.runtime.hooks import KINDS
from toolkit.runtime.listening import FLAGS
from toolkit.runtime.seccomp_rules import ACTIONS, OPERATORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
_SAFE = ["nosuid", "noexec", "nodev"]
_PTS = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
_SHM = [*_SAFE, "mode=1777", "size=65536k"]
_DEV = ["nosuid", "strictatime", "mode=755", "size=65536k"]


def _mount(destination: str, kind: str, options: list[str] | None = None) -> "dict[str, Any]":
    entry = {"destination": destination, "type": kind, "source": kind}
    return {**entry, "options": options} if options else entry


STARTER: "dict[str, Any]" = {
    "ociVersion": VERSION,
    "process": {
        "terminal": True,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": [f"PATH={PATH}", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {
            name: list(_CAPABILITIES) for name in ("bounding", "effective", "permitted")
        },
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "dockyard",
    "mounts": [
        _mount("/proc", "proc"),
        _mount("/dev", "tmpfs", _DEV),
        _mount("/dev/pts", "devpts", _PTS),
        _mount("/dev/shm", "tmpfs", _SHM),  # noqa: S108 - a mount point
        _mount("/dev/mqueue", "mqueue", _SAFE),
        _mount("/sys", "sysfs", [*_SAFE, "ro"]),
        _mount("/sys/fs/cgroup", "cgroup", [*_SAFE, "relatime", "ro"]),
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [
            {"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")
        ],
        "maskedPaths": list(MASKED_PATHS),
        "readonlyPaths": list(READONLY_PATHS),
    },
}
"""A shell with next to no privileges."""

FEATURES: "dict[str, Any]" = {
    "ociVersionMin": "1.0.0",
    "ociVersionMax": VERSION,
    "hooks": list(KINDS),
    "mountOptions": sorted(mount_options.KNOWN),
    "linux": {
        "namespaces": sorted(NAMESPACES),
        "capabilities": sorted(NAMES),
        "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": False, "rdma": True},
        "seccomp": {
            "enabled": True,
            "actions": sorted(ACTIONS),
            "operators": sorted(OPERATORS),
            "knownFlags": sorted(FLAGS),
            "supportedFlags": sorted(FLAGS),
        },
        "apparmor": {"enabled": True},
        "selinux": {"enabled": True},
        "intelRdt": {"enabled": False},
        "mountExtensions": {"idmap": {"enabled": True}},
    },
    "annotations": {},
    "potentiallyUnsafeConfigAnnotations": ["org.systemd.property."],
}
"""What is true of this build."""
