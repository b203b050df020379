"""Runs on the host, alone: what isolation is compared with, and what provisioning promised.

Self-contained, standard library only, Python 3.9 or later; started as ``python3 -I -S -c SOURCE
MODE ORDER`` and prints one JSON document. ``facts`` looks at the host; ``box`` looks at one
container from outside (``{"pid": …}``); ``mark`` and ``unmark`` make and remove the shared memory
segment that a container must not find. Reads ``/proc`` and ``/sys``, not the tools that tasks use.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - runs on a host that may not have toolkit.linux
import fcntl
import json
import os
import socket
import struct
import sys
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIMITS = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max",),
    "cpu_quota": ("cpu.cfs_quota_us",),
    "cpu_period": ("cpu.cfs_period_us",),
    "cpu_max": ("cpu.max",),
    "cpuset": ("cpuset.cpus",),
    "devices": ("devices.list",),
    "oom": ("memory.oom_control", "memory.events"),
    "failures": ("memory.failcnt",),
    "throttled": ("cpu.stat",),
    "pids_events": ("pids.events",),
    "oom_group": ("memory.oom.group",),
}
SYSCTLS = (
    "net/ipv4/ip_forward", "kernel/dmesg_restrict", "kernel/kptr_restrict",
    "kernel/unprivileged_bpf_disabled", "kernel/yama/ptrace_scope", "kernel/io_uring_disabled",
    "vm/unprivileged_userfaultfd", "net/ipv4/ip_unprivileged_port_start",
)  # fmt: skip


def content(path: str) -> str:
    """A text file, or nothing where it cannot be read."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def names(path: str) -> list[str]:
    """What a directory holds, or nothing."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def links(folder: str) -> dict[str, str]:
    """Where every link in a folder points to; those that cannot be read are left out."""
    found = {}
    for name in names(folder):
        try:
            found[name] = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
    return found


def cgroup_mounts() -> dict[str, tuple[str, str]]:
    """``{controller: (mount point, root of the mount)}``; the unified hierarchy is ``""``."""
    found = {}
    for line in content("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        kind, _, rest = right.partition(" ")
        fields = left.split()
        if kind == "cgroup2":
            found[""] = (fields[4], fields[3])
        elif kind == "cgroup":
            for option in rest.split()[-1].split(","):
                if option not in ("rw", "ro"):
                    found[option] = (fields[4], fields[3])
    return found


def groups_of(cgroup: str) -> dict[str, str]:
    """``{controller: directory}`` for the text of a process's ``/proc/PID/cgroup``."""
    mounts = cgroup_mounts()
    found = {}
    for line in cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            mount = mounts.get(controller) or mounts.get(controller.partition("=")[2])
            if mount:
                below = (
                    path[len(mount[1]) :] if mount[1] != "/" and path.startswith(mount[1]) else path
                )
                found[controller] = os.path.normpath(f"{mount[0]}/{below}")
    return found


def limits_of(groups: dict[str, str]) -> dict[str, str]:
    """The limits that bind a group, whatever the cgroup version calls their files."""
    found = {}
    for limit, files in LIMITS.items():
        for file in files:
            controller = file.partition(".")[0]
            folder = groups.get(controller) or groups.get("")
            text = content(f"{folder}/{file}").strip() if folder else ""
            if text:
                found[limit] = text
                break
    return found


def started(pid: str) -> str:
    """When a process started, which with its pid names it for good; nothing for a zombie."""
    fields = content(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if fields and fields[0] != "Z" else ""


def holders(namespaces: dict[str, str]) -> dict[str, list[list[str]]]:
    """What keeps a container's namespaces: ``processes`` as pid and start, ``pins`` as mounts.

    Inode numbers of namespaces are used again at once, so they name nothing after a removal.
    """
    own = links("/proc/self/ns")
    wanted = {target for kind, target in namespaces.items() if own.get(kind) != target}
    mounts = [line.split() for line in content("/proc/self/mountinfo").splitlines()]
    return {
        "processes": [
            [pid, started(pid)]
            for pid in names("/proc")
            if pid.isdigit() and wanted.intersection(links(f"/proc/{pid}/ns").values())
        ],
        "pins": [[fields[3], fields[4]] for fields in mounts if fields[3] in wanted],
    }


def remains(order: dict[str, Any]) -> dict[str, list[str]]:
    """What is left of containers that were removed.

    ``groups`` are their cgroup directories, ``processes`` and ``pins`` what ``holders`` found,
    ``marks`` parts of mount points.
    """
    mounts = [line.split() for line in content("/proc/self/mountinfo").splitlines()]
    pinned = [[fields[3], fields[4]] for fields in mounts]
    return {
        "groups": [path for path in order.get("groups", ()) if os.path.isdir(path)],
        "processes": [
            f"{pid} {content(f'/proc/{pid}/comm').strip()}"
            for pid, start in order.get("processes", ())
            if start and started(pid) == start
        ],
        "pins": [pin[1] for pin in order.get("pins", ()) if pin in pinned],
        "mounts": [
            fields[4]
            for fields in mounts
            if any(part in fields[4] for part in order.get("marks", ()))
        ],
    }


def ask(link: str, request: int, argument: bytes = b"") -> bytes:
    """What an ioctl of netdevice(7) answers about a link, without the name; empty on an error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, request, struct.pack("16s24s", _name(link), argument))
        except OSError:
            return b""
    return answer[16:]


def _name(link: str) -> bytes:
    return link.encode()[:15]


def driver(link: str) -> str:
    """The kind of a link, as ``bridge``; not from /sys, which may show another namespace."""
    info = ctypes.create_string_buffer(struct.pack("I", 3), 196)  # ETHTOOL_GDRVINFO
    answered = ask(link, 0x8946, struct.pack("P", ctypes.addressof(info)))
    return info.raw[4:36].rstrip(b"\0").decode(errors="replace") if answered else ""


def addresses(link: str) -> list[str]:
    """The first IPv4 address of a link as ``a.b.c.d/prefix``."""
    address, mask = ask(link, 0x8915), ask(link, 0x891B)
    if not address or not mask:
        return []
    prefix = bin(int.from_bytes(mask[4:8], "big")).count("1")
    return [f"{socket.inet_ntoa(address[4:8])}/{prefix}"]


def network() -> dict[str, dict[str, Any]]:
    """Each link: flags, whether it is a bridge, addresses; and the local table as second source."""
    local = content("/proc/net/fib_trie")
    found: dict[str, dict[str, Any]] = {}
    for line in content("/proc/net/dev").splitlines()[2:]:
        link = line.partition(":")[0].strip()
        found[link] = {
            "up": bool(ask(link, 0x8913)[:1] and ask(link, 0x8913)[0] & 1),
            "bridge": driver(link) == "bridge",
            "addresses": addresses(link),
        }
        found[link]["local"] = [
            item for item in found[link]["addresses"] if f"-- {item.partition('/')[0]}\n" in local
        ]
    for line in content("/proc/net/if_inet6").splitlines():
        number, _, prefix, _, _, link = line.split()
        address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(number))
        if link in found:
            for key in ("addresses", "local"):
                found[link][key].append(f"{address}/{int(prefix, 16)}")
    return found


def routers() -> dict[str, dict[str, str]]:
    """Of each link, what decides whether it listens to routers of IPv6."""
    base = "/proc/sys/net/ipv6/conf"
    return {
        link: {
            key: content(f"{base}/{link}/{key}").strip()
            for key in ("disable_ipv6", "accept_ra", "forwarding")
        }
        for link in names(base)
    }


def configuration() -> dict[str, str]:
    """What provisioning wrote: every file that the host's checks compare the kernel with."""
    found = {}
    for folder in (
        "/etc/dockyard", "/etc/sysctl.d", "/etc/modules-load.d", "/etc/systemd/network",
        "/etc/network/interfaces.d", "/etc/systemd/system/user@.service.d",
    ):  # fmt: skip
        for name in names(folder):
            if os.path.isfile(f"{folder}/{name}"):
                found[f"{folder}/{name}"] = content(f"{folder}/{name}")
    return found


def listening() -> list[str]:
    """``address:port`` in hexadecimal of every TCP socket that listens (proc_pid_net(5))."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in content(f"/proc/net/{name}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.append(fields[1])
    return found


def modes(paths: tuple[str, ...]) -> dict[str, str]:
    """The permission bits of those paths that exist, in octal."""
    found = {}
    for path in paths:
        try:
            found[path] = f"{os.stat(path).st_mode & 0o7777:04o}"
        except OSError:
            continue
    return found


def facts(order: dict[str, Any]) -> dict[str, Any]:
    """The host's side of every comparison."""
    own = content("/proc/self/cgroup")
    return {
        "pid": os.getppid(),
        "pid_began": content(f"/proc/{os.getppid()}/stat").rpartition(")")[2].split()[19],
        "ns": links("/proc/self/ns"),
        "hostname": os.uname().nodename,
        "kernel": os.uname().release,
        "last_cap": int(content("/proc/sys/kernel/cap_last_cap") or "-1"),
        "status": content("/proc/self/status"),
        "oom_score_adj": content("/proc/self/oom_score_adj").strip(),
        "keyring": LIBC.syscall(ctypes.c_long(_keyctl()), 0, ctypes.c_long(-3), 0, 0, 0),
        "cgroup": own,
        "groups": groups_of(own),
        "controllers": sorted(cgroup_mounts()),
        "unified": content("/sys/fs/cgroup/cgroup.controllers").split(),
        "remains": remains(order),
        "links": network(),
        "routers": routers(),
        "sysctls": {name: content(f"/proc/sys/{name}").strip() for name in SYSCTLS},
        "modules": [line.split()[0] for line in content("/proc/modules").splitlines()]
        + names("/sys/module"),
        "swaps": len(content("/proc/swaps").splitlines()) - 1,
        "memsw": bool(content("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")),
        "systemd": os.path.isdir("/run/systemd/system"),
        "cpus": os.cpu_count() or 1,
        "files": configuration(),
        "file_systems": [line.split()[-1] for line in content("/proc/filesystems").splitlines()],
        "listening": listening(),
        "socket_modes": modes(tuple(order.get("engine_sockets", ()))),
        "sockets": [line.split()[-1] for line in content("/proc/net/unix").splitlines()[1:]],
    }


def _keyctl() -> int:
    return {"x86_64": 250, "aarch64": 219}.get(os.uname().machine, -1)


def box(order: dict[str, Any]) -> dict[str, Any]:
    """One container's first process from outside."""
    pid = order["pid"]
    groups = groups_of(content(f"/proc/{pid}/cgroup"))
    return {
        "ns": links(f"/proc/{pid}/ns"),
        "groups": groups,
        "limits": limits_of(groups),
        "holders": holders(links(f"/proc/{pid}/ns")),
        "exe": links(f"/proc/{pid}").get("exe", ""),
        "hostname": os.uname().nodename,
    }


def mark(order: dict[str, Any]) -> dict[str, Any]:
    """A System V shared memory segment under ``key``; ``id`` is -1 where it cannot be made."""
    key = order["key"]
    return {"key": key, "id": LIBC.shmget(ctypes.c_int(key), 4096, 0o3600)}  # IPC_CREAT, IPC_EXCL


def unmark(order: dict[str, Any]) -> dict[str, Any]:
    """Remove it again."""
    return {"status": LIBC.shmctl(order["id"], 0, None)}


def main() -> None:
    """See the module's docstring."""
    modes = {"facts": facts, "box": box, "mark": mark, "unmark": unmark}
    sys.stdout.write(json.dumps(modes[sys.argv[1]](json.loads(sys.argv[2]))) + "\n")


if __name__ == "__main__":
    main()
