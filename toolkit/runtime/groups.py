"""The cgroup of a container: what the specification asks for, in the terms of the room cgroup."""

from __future__ import annotations

import errno
import os

from toolkit.cgroup.files import enter
from toolkit.cgroup.group import Cgroup
from toolkit.cgroup.layout import UNIFIED, Layout
from toolkit.cgroup.limits import DeviceRule, Hugepages, IoRate, IoWeight, Limits, Rdma
from toolkit.core.errors import ConflictError, UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.oci.spec import BlockIO, Memory, Network, Resources, Spec
    from toolkit.runtime.request import StartRequest

_ALL = "rwm"
_RATES = {
    "rbps": "throttle_read_bps_device",
    "wbps": "throttle_write_bps_device",
    "riops": "throttle_read_iops_device",
    "wiops": "throttle_write_iops_device",
}
_layouts: list[Layout] = []
NONE = Cgroup({})
"""The group of a container that has none (yet)."""


def layout() -> Layout:
    """The machine's hierarchies, looked for once a process (a launcher: before it serves)."""
    if not _layouts:
        _layouts.append(Layout.of_host())
    return _layouts[0]


def make(request: StartRequest) -> Cgroup:
    """The cgroup that a request asks for; none where its path is empty."""
    if not request.cgroup:
        return Cgroup({})
    return Cgroup.create(layout(), request.cgroup, limits(request.spec.linux.resources))


def forget_unit(request: StartRequest) -> None:
    """Let systemd forget the scope of a container that has ended, so that its name is free."""
    if request.unit:
        from toolkit.runtime import units  # noqa: PLC0415 - talks D-Bus

        units.stop(request)


def find(path: str) -> Cgroup:
    """The groups of that path that exist: what a shim left that was killed before it noted them."""
    found = {}
    hierarchies = (*layout().v1, *(() if layout().v2 is None else (layout().v2,)))
    for hierarchy in hierarchies:
        if hierarchy is None or not path:
            continue
        for base in (hierarchy.own, hierarchy.mount):
            directory = f"{base}/{path.strip('/')}"
            if os.path.isdir(directory):
                found.update(dict.fromkeys(hierarchy.controllers, directory))
                break
    return Cgroup(found)


def open_group(paths: Mapping[str, str]) -> Cgroup:
    """The cgroup whose directories are known."""
    return Cgroup.from_paths(paths)


def open_unified(group: Cgroup | None) -> int:
    """A descriptor of the v2 directory, to fork a child into; -1 where there is none."""
    if group is None or UNIFIED not in group.paths:
        return -1
    return os.open(group.paths[UNIFIED], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def enter_beside(pid: int, top: str) -> None:
    """Enter the v2 group that process ``pid`` is in, which is at ``top`` or below it."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii", errors="surrogateescape") as file:
        own = next((line[3:].strip() for line in file if line.startswith("0::")), "")
    mount = layout().v2
    directory = "" if mount is None else f"{mount.mount}{own}"
    if not directory.startswith(f"{top}/"):
        raise ConflictError(f"the container's process has left its cgroup '{top}'")
    enter((directory,))


def check_resources(spec: Spec) -> None:
    """Refuse limits that this runtime does not set, rather than leave them out."""
    memory = None if spec.linux.resources is None else spec.linux.resources.memory
    if memory is None:
        return
    if memory.kernel:
        raise UnsupportedError(
            "linux.resources.memory.kernel: kernels since 5.16 limit it with all other memory",
            hint="leave it out",
        )
    if memory.use_hierarchy is False:
        raise UnsupportedError(
            "linux.resources.memory.useHierarchy: kernels since 5.11 always count groups below",
            hint="leave it out",
        )


def limits(resources: Resources | None) -> Limits:
    """The limits of the specification as the room cgroup takes them."""
    if resources is None:
        return Limits()
    memory, cpu = resources.memory, resources.cpu
    return Limits(
        memory=memory.limit if memory else None,
        memory_swap=_swap(memory),
        memory_reservation=memory.reservation if memory else None,
        cpu_quota_us=(cpu.quota or None) if cpu else None,
        cpu_period_us=(cpu.period or None) if cpu else None,
        cpu_shares=(cpu.shares or None) if cpu else None,
        cpuset_cpus=(cpu.cpus or None) if cpu else None,
        cpuset_mems=(cpu.mems or None) if cpu else None,
        pids=resources.pids.limit if resources.pids else None,
        memory_swappiness=memory.swappiness if memory else None,
        oom_kill_disable=bool(memory and memory.disable_oom_killer),
        cpu_burst_us=cpu.burst if cpu else None,
        cpu_idle=cpu.idle if cpu else None,
        cpu_realtime_us=(cpu.realtime_runtime or None) if cpu else None,
        cpu_realtime_period_us=(cpu.realtime_period or None) if cpu else None,
        memory_tcp=(memory.kernel_tcp or None) if memory else None,
        memory_hierarchy=bool(memory and memory.use_hierarchy),
        memory_checked=bool(memory and memory.check_before_update),
        hugepages=tuple(
            Hugepages(size=entry.page_size, limit=entry.limit)
            for entry in resources.hugepage_limits
        ),
        io_rates=_rates(resources.block_io) if resources.block_io else (),
        io_weights=_weights(resources.block_io) if resources.block_io else (),
        net_class=(resources.network.class_id or None) if resources.network else None,
        net_priorities=_priorities(resources.network) if resources.network else (),
        rdma=tuple(
            Rdma(device=name, handles=entry.hca_handles, objects=entry.hca_objects)
            for name, entry in resources.rdma.items()
        ),
        unified=tuple(resources.unified.items()),
        devices=tuple(
            DeviceRule(
                allow=rule.allow,
                type=rule.type or "a",
                major=_number(rule.major),
                minor=_number(rule.minor),
                access=rule.access or _ALL,
            )
            for rule in resources.devices
        ),
    )


def _rates(asked: BlockIO) -> tuple[IoRate, ...]:
    return tuple(
        IoRate(kind=kind, major=entry.major, minor=entry.minor, rate=entry.rate)
        for kind, field in _RATES.items()
        for entry in getattr(asked, field)
    )


def _weights(asked: BlockIO) -> tuple[IoWeight, ...]:
    own = IoWeight(weight=asked.weight or None, leaf_weight=asked.leaf_weight or None)
    return tuple(
        entry
        for entry in (
            own,
            *(
                IoWeight(
                    weight=device.weight or None,
                    leaf_weight=device.leaf_weight or None,
                    major=device.major,
                    minor=device.minor,
                )
                for device in asked.weight_device
            ),
        )
        if entry.weight or entry.leaf_weight
    )


def _priorities(asked: Network) -> tuple[tuple[str, int], ...]:
    return tuple((entry.name, entry.priority) for entry in asked.priorities)


def _swap(memory: Memory | None) -> int | None:
    return memory.swap or None if memory else None


def _number(value: int | None) -> int | None:
    """-1 is how some callers write "every number"."""
    return None if value is None or value < 0 else value


def was_out_of_memory(group: Cgroup) -> bool:
    """Whether the kernel killed one of its processes for want of memory."""
    try:
        return group.oom_kills() > 0
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):  # somebody removed the group
            raise
        return False
