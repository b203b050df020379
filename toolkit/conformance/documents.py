"""The probes' answers as values: decoded once, then read by every check.

Text that the kernel wrote (``/proc/self/status``, mountinfo) is parsed here and nowhere else.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolkit.linux import capabilities as kernel_capabilities

_LINK_ONLY = ("pid_for_children", "time_for_children")


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """A path as a process sees it.

    ``kind`` is the letter of ``ls -l`` (``-dlcbps``), ``absent``, or the errno of lstat(2);
    ``reading`` and ``writing`` are ``ok`` or an errno. ``size`` counts the first 64 bytes only,
    ``entries`` what a directory holds; -1 where there is nothing to count.
    """

    kind: str
    mode: int = 0
    device: str = ""
    target: str = ""
    read_only: bool = False
    reading: str = ""
    writing: str = ""
    size: int = -1
    entries: int = -1

    @property
    def reachable(self) -> bool:
        """Whether there is anything at the path that this process may look at."""
        return len(self.kind) == 1

    @property
    def is_null(self) -> bool:
        """Whether it is the null device, and reads empty where it can be read at all."""
        return self.kind == "c" and self.device == "1:3" and self.size < 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """One line of mountinfo; ``options`` are those of the mount, not of the superblock."""

    root: str
    target: str
    options: frozenset[str]
    kind: str
    source: str
    super_options: frozenset[str]
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """``/proc/self/status``: capability sets by name, ids, seccomp."""

    inheritable: frozenset[str]
    permitted: frozenset[str]
    effective: frozenset[str]
    bounding: frozenset[str]
    ambient: frozenset[str]
    uids: tuple[int, ...]
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    no_new_privileges: bool
    seccomp: int
    cpus: str

    @property
    def sets(self) -> dict[str, frozenset[str]]:
        """The five sets under the names that the kernel gives their lines."""
        return {
            "CapInh": self.inheritable,
            "CapPrm": self.permitted,
            "CapEff": self.effective,
            "CapBnd": self.bounding,
            "CapAmb": self.ambient,
        }


@dataclass(frozen=True)
class ProbeDoc:
    """What one process inside a container found; see ``probe.gather`` for the shape of ``raw``."""

    raw: dict[str, Any] = field(repr=False)

    @cached_property
    def status(self) -> Status:
        """Capabilities, ids and seccomp of the process."""
        return parse_status(self.raw["status"])

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """Every mount of the process's mount namespace, in order."""
        return parse_mountinfo(self.raw["mountinfo"])

    @property
    def ns(self) -> dict[str, str]:
        """The process's namespaces as ``{"net": "net:[4026532000]"}``."""
        return _namespaces(self.raw["ns"])

    @property
    def init_ns(self) -> dict[str, str]:
        """The namespaces of what is process 1 here, or ``{"error": ERRNO}``."""
        return _namespaces(self.raw["init_ns"])

    @cached_property
    def paths(self) -> dict[str, Path]:
        """What the order named, looked at."""
        return {path: Path(**facts) for path, facts in self.raw["paths"].items()}

    @cached_property
    def dev(self) -> dict[str, Path]:
        """``/dev`` by name."""
        return {name: Path(**facts) for name, facts in self.raw["dev"].items()}

    @property
    def calls(self) -> dict[str, str]:
        """Calls that a capability decides: ``ok`` or an errno."""
        return dict(self.raw["calls"])

    @property
    def filtered(self) -> dict[str, str]:
        """Calls that a filter decides: ``ok`` or an errno."""
        return dict(self.raw["filtered"])

    @property
    def needed(self) -> dict[str, str]:
        """Calls that a filter must let through: ``ok`` or an errno."""
        return dict(self.raw["needed"])

    @property
    def work(self) -> dict[str, dict[str, Any]]:
        """The results of what the box asked for beyond looking."""
        return dict(self.raw["work"])

    @property
    def cgroup(self) -> tuple[str, ...]:
        """The lines of ``/proc/self/cgroup``."""
        return tuple(self.raw["cgroup"].splitlines())

    def mount_at(self, target: str) -> Mount | None:
        """The topmost mount at ``target``."""
        found = [mount for mount in self.mounts if mount.target == target]
        return found[-1] if found else None


@dataclass(frozen=True)
class BoxDoc:
    """A container from outside; see ``hostprobe.box``."""

    raw: dict[str, Any] = field(repr=False)

    @property
    def ns(self) -> dict[str, str]:
        """The namespaces of its first process, as the host sees them."""
        return _namespaces(self.raw["ns"])

    @property
    def limits(self) -> dict[str, str]:
        """``{"memory": "67108864"}``: contents of the cgroup files that bind it."""
        return dict(self.raw["limits"])

    @property
    def groups(self) -> dict[str, str]:
        """Its cgroup directory for each controller."""
        return dict(self.raw["groups"])


@dataclass(frozen=True)
class HostDoc:
    """A host; see ``hostprobe.facts``."""

    raw: dict[str, Any] = field(repr=False)

    @property
    def ns(self) -> dict[str, str]:
        """The namespaces of whoever starts containers here."""
        return _namespaces(self.raw["ns"])

    @cached_property
    def status(self) -> Status:
        """The process that starts containers."""
        return parse_status(self.raw["status"])

    @property
    def hostname(self) -> str:
        """The host's own name."""
        return str(self.raw["hostname"])

    @property
    def cgroup_version(self) -> str:
        """``v1``, ``v2`` or ``hybrid``: v1 controllers with an empty v2 tree beside them."""
        controllers = set(self.raw["controllers"]) - {"", "name=systemd"}
        if not controllers:
            return "v2"
        return "hybrid" if "" in self.raw["controllers"] else "v1"

    @property
    def controllers(self) -> frozenset[str]:
        """Controllers that limits can use, in whichever version."""
        mounted = set(self.raw["controllers"]) - {"", "name=systemd"}
        return frozenset(mounted or self.raw["unified"])

    @property
    def swaps(self) -> bool:
        """Whether there is swap, which lets a container use more than its limit on memory."""
        return int(self.raw["swaps"]) > 0

    @property
    def counts_swap(self) -> bool:
        """Whether swap can be limited: always on v2, on v1 where the kernel was told to count."""
        return self.cgroup_version == "v2" or bool(self.raw["memsw"])

    @property
    def links(self) -> dict[str, dict[str, Any]]:
        """Network links: ``up bridge addresses local``."""
        return dict(self.raw["links"])

    @property
    def sysctls(self) -> dict[str, str]:
        """Kernel parameters by their path below ``/proc/sys``."""
        return dict(self.raw["sysctls"])

    @property
    def files(self) -> dict[str, str]:
        """What provisioning wrote, by path."""
        return dict(self.raw["files"])

    @property
    def remains(self) -> dict[str, list[str]]:
        """``groups processes pins mounts`` of removed containers that are still there."""
        return dict(self.raw["remains"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One container: what its first process saw, what an added one saw, and outside."""

    id: str
    asked_hostname: str
    init: ProbeDoc
    exec: ProbeDoc
    outside: BoxDoc


def names_of(mask: int) -> frozenset[str]:
    """The capabilities of a mask, as ``NET_RAW``; a bit that we have no name for as ``CAP_63``."""
    names = kernel_capabilities.names(mask)
    known = len(kernel_capabilities.NAMES)
    rest = (bit for bit in range(known, mask.bit_length()) if mask >> bit & 1)
    return frozenset(name.removeprefix("CAP_") for name in names) | {f"CAP_{bit}" for bit in rest}


def _namespaces(links: dict[str, str]) -> dict[str, str]:
    return {name: target for name, target in links.items() if name not in _LINK_ONLY}


def parse_status(text: str) -> Status:
    """The text of ``/proc/PID/status``; a kernel that lacks a line counts as zero."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def capabilities(name: str) -> frozenset[str]:
        return names_of(int(lines.get(name, "0").strip(), 16))

    def numbers(name: str) -> tuple[int, ...]:
        return tuple(int(word) for word in lines.get(name, "").split())

    return Status(
        inheritable=capabilities("CapInh"),
        permitted=capabilities("CapPrm"),
        effective=capabilities("CapEff"),
        bounding=capabilities("CapBnd"),
        ambient=capabilities("CapAmb"),
        uids=numbers("Uid"),
        gids=numbers("Gid"),
        groups=numbers("Groups"),
        no_new_privileges=lines.get("NoNewPrivs", "").strip() == "1",
        seccomp=int(lines.get("Seccomp", "0").strip()),
        cpus=lines.get("Cpus_allowed_list", "").strip(),
    )


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The text of ``/proc/PID/mountinfo`` (proc_pid_mountinfo(5)); its octal escapes are kept."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        kind, source, super_options = [*right.split(), "", "", ""][:3]
        found.append(
            Mount(
                root=fields[3],
                target=fields[4],
                options=frozenset(fields[5].split(",")),
                kind=kind,
                source=source,
                super_options=frozenset(super_options.split(",")),
                device=fields[2],
            )
        )
    return tuple(found)
