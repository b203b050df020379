"""What the running kernel is and can do: release, parameters, modules, features."""

import re
from enum import StrEnum

from toolkit.facts.machine import Machine, names, text

MODULES = "/sys/module"

# Where a feature shows when it has no directory of its own under /sys/module.
_SIGNS = {
    "br_netfilter": "/proc/sys/net/bridge",
    "ip_tables": "/proc/net/ip_tables_names",
    "ip6_tables": "/proc/net/ip6_tables_names",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
    "tun": "/sys/class/misc/tun",
    "fuse": "/sys/class/misc/fuse",
    "kvm": "/sys/class/misc/kvm",
    "loop": "/sys/class/misc/loop-control",
}
_RELEASE = "/proc/sys/kernel/osrelease"


class Module(StrEnum):
    """How the kernel has a module."""

    LOADED = "loaded"
    BUILT_IN = "built in"
    ABSENT = "absent"


def release(machine: Machine) -> str:
    """What ``uname -r`` prints."""
    return text(machine, _RELEASE).strip()


def sysctl(machine: Machine, name: str) -> str | None:
    """A parameter's value with single blanks between its parts; ``None`` if there is none."""
    path = f"/proc/sys/{sysctl_path(name)}"
    found = machine.files.stat(path)
    return " ".join(text(machine, path).split()) if found and found.kind == "file" else None


def sysctl_path(name: str) -> str:
    """The path below ``/proc/sys``: whichever of dot and slash comes first separates (sysctl(8)).

    So an interface ``eth0.5`` can be named as ``net/ipv4/conf/eth0.5/forwarding``, or with a
    slash for its dot.
    """
    separator = re.search(r"[./]", name)
    if separator and separator[0] == ".":
        return name.translate(str.maketrans("./", "/."))
    return name


def module(machine: Machine, name: str) -> Module:
    """Is the module loaded, built in, or is its feature there without any module?"""
    name = name.replace("-", "_")
    if machine.files.stat(f"{MODULES}/{name}/initstate"):
        return Module.LOADED
    sign = _SIGNS.get(name, f"{MODULES}/{name}")
    if machine.files.stat(sign) or name in filesystems(machine) or name in _built_in(machine):
        return Module.BUILT_IN
    return Module.ABSENT


def loads_modules(machine: Machine) -> bool:
    """Can this kernel load a module now? ``/proc/modules`` is there only if it was built to."""
    if machine.files.stat("/proc/modules") is None:
        return False
    return text(machine, "/proc/sys/kernel/modules_disabled").strip() in ("", "0")


def filesystems(machine: Machine) -> tuple[str, ...]:
    """The file systems that the kernel knows now."""
    return tuple(line.split()[-1] for line in text(machine, "/proc/filesystems").splitlines())


def command_line(machine: Machine) -> dict[str, str | bool]:
    """The kernel's command line: the value of each word, or true where it has none."""
    found: dict[str, str | bool] = {}
    for word in text(machine, "/proc/cmdline").split():
        name, equals, value = word.partition("=")
        found[name] = value if equals else True
    return found


def features(machine: Machine) -> dict[str, bool]:
    """The features that containers need, each there or not."""
    own = "/proc/self/ns"
    namespaces = names(machine, own)
    status = text(machine, "/proc/self/status")
    return {
        "overlay": "overlay" in filesystems(machine),
        "bridge": module(machine, "bridge") is not Module.ABSENT,
        "seccomp": "Seccomp:" in status,
        "seccomp_filter": bool(names(machine, "/proc/sys/kernel/seccomp")),
        "user_namespaces": "user" in namespaces and _users_allowed(machine),
        "cgroup_namespaces": "cgroup" in namespaces,
        "time_namespaces": "time" in namespaces,
        "modules": loads_modules(machine),
    }


def cgroups(machine: Machine) -> tuple[str, str]:
    """The texts that tell a cgroup layout: ``mountinfo`` and the process's own groups."""
    return text(machine, "/proc/self/mountinfo"), text(machine, "/proc/self/cgroup")


def _users_allowed(machine: Machine) -> bool:
    limit = text(machine, "/proc/sys/user/max_user_namespaces").strip()
    allowed = text(machine, "/proc/sys/kernel/unprivileged_userns_clone").strip()
    return limit != "0" and allowed != "0"


def _built_in(machine: Machine) -> set[str]:
    listed = text(machine, f"/lib/modules/{release(machine)}/modules.builtin")
    return {
        line.rpartition("/")[2].partition(".")[0].replace("-", "_") for line in listed.splitlines()
    }
