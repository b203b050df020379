"""What each sabotage does to a container's ``config.json``; imported by ``runtime`` alone.

``honest`` turns what ``runc spec`` writes into what the embedded runtime promises, so that a check
is green until something is taken away.
"""

import os
import stat
from collections.abc import Callable
from typing import Any

Config = dict[str, Any]
Edit = Callable[[Config, str], None]

CAPABILITIES = [
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP",
    "CAP_SETUID", "CAP_SYS_CHROOT",
]  # fmt: skip
# All of use to an attacker that a root without SYS_RESOURCE can hand on.
POWERS = [
    "CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYSLOG",
    "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYS_BOOT", "CAP_SYS_RAWIO", "CAP_SYS_NICE",
]  # fmt: skip
DENIED = [
    "unshare", "setns", "mount", "umount2", "open_tree", "mount_setattr", "fsconfig", "keyctl",
    "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "set_mempolicy", "get_mempolicy", "mbind",
    "settimeofday", "clock_settime", "swapon", "quotactl", "quotactl_fd", "pidfd_getfd",
    "process_madvise", "kcmp", "open_by_handle_at", "reboot",
]  # fmt: skip
MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
]  # fmt: skip


def _deny(*names: str, **more: Any) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": 1, **more}


def _argument(index: int, value: int) -> list[dict[str, Any]]:
    return [{"index": index, "value": value, "op": "SCMP_CMP_EQ"}]


def honest(config: Config) -> None:
    """Docker's defaults with a cgroup namespace."""
    process, linux = config["process"], config["linux"]
    sets = ("bounding", "effective", "permitted")
    process["capabilities"] = {name: list(CAPABILITIES) for name in sets}
    process["noNewPrivileges"] = False
    process["env"] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
    config["root"]["readonly"] = False
    linux["maskedPaths"] = MASKED
    linux["sysctl"] = {
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": "0 2147483647",
    }
    if {"type": "cgroup"} not in linux["namespaces"]:
        linux["namespaces"].append({"type": "cgroup"})
    mount_at(config, "/proc")["options"] = ["nosuid", "noexec", "nodev"]
    linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            _deny(*DENIED),
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
            _deny("personality", args=_argument(0, 0x0040000)),
            _deny("socket", args=_argument(0, 40)),
        ],
    }


def mount_at(config: Config, target: str) -> dict[str, Any]:
    """The mount of a config at ``target``."""
    found: dict[str, Any] = next(m for m in config["mounts"] if m["destination"] == target)
    return found


def _share(kind: str) -> Edit:
    def edit(config: Config, box: str) -> None:
        del box
        kept = [ns for ns in config["linux"]["namespaces"] if ns["type"] != kind]
        config["linux"]["namespaces"] = kept
        if kind == "network":
            config["linux"].pop("sysctl", None)
        if kind == "uts":
            config.pop("hostname", None)

    return edit


def _grant(names: list[str], *kinds: str) -> Edit:
    def edit(config: Config, box: str) -> None:
        del box
        held = config["process"]["capabilities"]
        for kind in kinds or ("bounding", "effective", "permitted"):
            held[kind] = sorted({*held.get(kind, []), *names})

    return edit


def _take(name: str) -> Edit:
    def edit(config: Config, box: str) -> None:
        del box
        held = config["process"]["capabilities"]
        for kind in held:
            held[kind] = [one for one in held[kind] if one != name]

    return edit


def _put(path: str, value: Any) -> Edit:
    """Set ``process.noNewPrivileges`` and the like, whatever was asked for."""

    def edit(config: Config, box: str) -> None:
        del box
        *folders, last = path.split(".")
        place = config
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value

    return edit


def _both(*edits: Edit) -> Edit:
    def edit(config: Config, box: str) -> None:
        for one in edits:
            one(config, box)

    return edit


def _mount(kind: str, target: str, source: str = "none", *options: str) -> Edit:
    def edit(config: Config, box: str) -> None:
        del box
        mount = {"destination": target, "type": kind, "source": source, "options": list(options)}
        config["mounts"].append(mount)

    return edit


def _options(target: str, *options: str) -> Edit:
    def edit(config: Config, box: str) -> None:
        del box
        mount_at(config, target)["options"] = list(options)

    return edit


def _ignore_capabilities(config: Config, box: str) -> None:
    del box
    sets = ("bounding", "effective", "permitted")
    config["process"]["capabilities"] = {name: list(CAPABILITIES) for name in sets}


def _no_limits(config: Config, box: str) -> None:
    del box
    for name in ("memory", "cpu", "pids"):
        config["linux"]["resources"].pop(name, None)


def _own_dev(config: Config, box: str) -> None:
    """A /dev from a directory, with nodes that only root may use and none of the links."""
    folder = f"{os.path.dirname(config['root']['path'])}/dev-{box}"
    for name in ("pts", "shm", "mqueue"):
        os.makedirs(f"{folder}/{name}")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(f"{folder}/{name}", 0o600 | stat.S_IFCHR, os.makedev(1, minor))
    dev = mount_at(config, "/dev")
    dev.update(type="bind", source=folder, options=["rbind"])


FUSE = {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438}
EDITS: dict[str, Edit] = {
    "honest": lambda config, box: None,
    "share-pid": _share("pid"),
    "share-net": _share("network"),
    "share-ipc": _share("ipc"),
    "share-uts": _share("uts"),
    "share-cgroup": _share("cgroup"),
    "sys-admin": _both(_grant(["CAP_SYS_ADMIN"]), _put("linux.seccomp", None)),
    "powers": _both(_grant(POWERS), _put("linux.seccomp", None)),
    "no-raw": _take("CAP_NET_RAW"),
    "inheritable": _grant(CAPABILITIES, "inheritable"),
    "ambient": _both(_grant(CAPABILITIES, "inheritable"), _grant(CAPABILITIES, "ambient")),
    "ignores-capabilities": _ignore_capabilities,
    "other-user": _put("process.user", {"uid": 1000, "gid": 1000}),
    "always-root": _put("process.user", {"uid": 0, "gid": 0}),
    "new-privileges": _put("process.noNewPrivileges", False),
    "no-new-privileges": _put("process.noNewPrivileges", True),
    "groups": _put("process.user.additionalGids", [27]),
    "umask": _put("process.user.umask", 0),
    "oom-score": _put("process.oomScoreAdj", 500),
    "secret": _put("process.env", ["PATH=/usr/bin", "SECRET=1"]),
    "old-keyring": _put("linux.seccomp", None),
    "engine-socket": _mount("bind", "/run/docker.sock", "/etc/hostname", "bind"),
    "no-filter": _put("linux.seccomp", None),
    "tight-filter": _put(
        "linux.seccomp",
        {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [_deny("memfd_create", "pidfd_open", "openat2")],
        },
    ),
    "no-masks": _put("linux.maskedPaths", []),
    "soft-masks": _both(
        _put("linux.maskedPaths", []), _mount("tmpfs", "/sys/firmware", "none", "rw")
    ),
    "no-read-only": _put("linux.readonlyPaths", []),
    "writable-sys": _options("/sys", "nosuid", "noexec", "nodev", "rw"),
    "writable-cgroup": _options("/sys/fs/cgroup", "nosuid", "noexec", "nodev", "rw"),
    "proc-options": _options("/proc"),
    "no-sysctls": _put("linux.sysctl", {}),
    "debugfs": _mount("debugfs", "/sys/kernel/debug"),
    "read-only-root": _put("root.readonly", True),
    "extra-device": _put("linux.devices", [FUSE]),
    "own-dev": _own_dev,
    # With SYSLOG, since the kernel's log asks for that as well where dmesg is restricted.
    "all-devices": _both(
        _put("linux.resources.devices", [{"allow": True, "access": "rwm"}]),
        _grant(["CAP_SYSLOG"]),
    ),
    "no-limits": _no_limits,
    "some-pids": _put("linux.resources.pids", {"limit": 77}),
    "wrong-hostname": _put("hostname", "elsewhere"),
}
