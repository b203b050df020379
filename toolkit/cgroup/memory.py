"""Memory and swap."""

from toolkit.cgroup import files
from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import UNLIMITED, Limits

NAME = "memory"
_LIMIT = "memory.limit_in_bytes"
_SUM = "memory.memsw.limit_in_bytes"
_SWAP_HINT = "swap is not accounted here: boot with swapaccount=1, or leave the swap limit out"
_V1_HINT = "only cgroup v1 has it, and not in every kernel: leave it out"


def v1(limits: Limits) -> tuple[Write, ...]:
    """The limit of memory and swap must not be below that of memory, so it comes second."""
    steps = []
    if limits.memory_hierarchy:
        file = "memory.use_hierarchy"
        steps.append(Write(file=file, value="1", limit="memory-hierarchy", optional=True))
    if limits.memory is not None:
        steps.append(_step(_LIMIT, str(limits.memory), "memory"))
    if limits.memory_reservation is not None:
        value = str(limits.memory_reservation)
        steps.append(_step("memory.soft_limit_in_bytes", value, "memory-reservation"))
    if limits.memory_swap is not None:
        steps.append(_swap(_SUM, limits.memory_swap))
    return (*steps, *_v1_only(limits))


def in_order(directory: str, steps: tuple[Write, ...]) -> tuple[Write, ...]:
    """The steps of v1 as a group that has limits takes them: that of memory must at no moment be
    above that of memory and swap, so where it rises above the old one, the sum comes first.
    """
    wanted = {step.file: step.value for step in steps}
    if _LIMIT not in wanted or _SUM not in wanted:
        return steps
    limit = int(wanted[_LIMIT])
    before = int(files.read_or(directory, _SUM, str(limit)))
    if limit != UNLIMITED and limit <= before:
        return steps
    return tuple(sorted(steps, key=lambda step: step.file != _SUM))


def v2(limits: Limits) -> tuple[Write, ...]:
    """v2 limits swap alone: what is left of the sum when memory is taken off."""
    steps = []
    if limits.memory is not None:
        steps.append(_step("memory.max", _number(limits.memory), "memory"))
    if limits.memory_reservation is not None:
        value = _number(limits.memory_reservation)
        steps.append(_step("memory.low", value, "memory-reservation"))
    if limits.memory_swap is not None:
        swap = limits.memory_swap
        if swap != UNLIMITED:
            swap -= limits.memory or 0
        steps.append(_swap("memory.swap.max", swap))
    return (*steps, *_v1_only(limits))


def _v1_only(limits: Limits) -> list[Write]:
    """What v2 has no file for, so that it is an error there."""
    steps = []
    if limits.memory_swappiness is not None:
        value = str(limits.memory_swappiness)
        steps.append(_step("memory.swappiness", value, "memory-swappiness", _V1_HINT))
    if limits.oom_kill_disable:
        steps.append(_step("memory.oom_control", "1", "oom-kill-disable", _V1_HINT))
    if limits.memory_tcp is not None:
        value = str(limits.memory_tcp)
        steps.append(_step("memory.kmem.tcp.limit_in_bytes", value, "kernel-memory-tcp", _V1_HINT))
    return steps


def _step(file: str, value: str, limit: str, missing: str = "") -> Write:
    return Write(file=file, value=value, limit=limit, missing=missing)


def _swap(file: str, value: int) -> Write:
    text = str(value) if file.startswith("memory.memsw") else _number(value)
    optional = value == UNLIMITED
    return Write(file=file, value=text, limit="memory-swap", missing=_SWAP_HINT, optional=optional)


def _number(value: int) -> str:
    return "max" if value == UNLIMITED else str(value)
