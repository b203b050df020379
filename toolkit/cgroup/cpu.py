"""Processor time: a share of it, and a ceiling."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import UNLIMITED, Limits

NAME = "cpu"
_MIN_SHARES, _MAX_SHARES = 2, 262144
_DEFAULT_PERIOD_US = 100_000
_REALTIME_HINT = "only cgroup v1 has it, in a kernel with CONFIG_RT_GROUP_SCHED"
_QUOTA_HINT = "this kernel was built without CONFIG_CFS_BANDWIDTH"


def v1(limits: Limits) -> tuple[Write, ...]:
    """The period first: the kernel judges a quota by it."""
    steps = []
    if limits.cpu_shares:
        steps.append(Write(file="cpu.shares", value=str(limits.cpu_shares), limit="cpu-shares"))
    if limits.cpu_period_us is not None:
        steps.append(_bandwidth("cpu.cfs_period_us", str(limits.cpu_period_us), "cpu-period"))
    if limits.cpu_quota_us is not None:
        steps.append(_bandwidth("cpu.cfs_quota_us", str(limits.cpu_quota_us), "cpu-quota"))
    if limits.cpu_burst_us is not None:
        steps.append(_bandwidth("cpu.cfs_burst_us", str(limits.cpu_burst_us), "cpu-burst"))
    return (*steps, *_realtime(limits), *_idle(limits))


def v2(limits: Limits) -> tuple[Write, ...]:
    """Quota and period share one file."""
    steps = []
    if limits.cpu_shares:
        value = str(weight(limits.cpu_shares))
        steps.append(Write(file="cpu.weight", value=value, limit="cpu-shares"))
    if limits.cpu_quota_us is not None or limits.cpu_period_us is not None:
        quota = limits.cpu_quota_us
        left = "max" if quota in (None, UNLIMITED) else str(quota)
        period = limits.cpu_period_us or _DEFAULT_PERIOD_US
        steps.append(_bandwidth("cpu.max", f"{left} {period}", "cpu-quota"))
    if limits.cpu_burst_us is not None:
        steps.append(_bandwidth("cpu.max.burst", str(limits.cpu_burst_us), "cpu-burst"))
    return (*steps, *_realtime(limits), *_idle(limits))


def _realtime(limits: Limits) -> list[Write]:
    """v2 has no such files, so that it is an error there."""
    steps = []
    if limits.cpu_realtime_period_us is not None:
        value = str(limits.cpu_realtime_period_us)
        steps.append(_real("cpu.rt_period_us", value, "cpu-rt-period"))
    if limits.cpu_realtime_us is not None:
        steps.append(_real("cpu.rt_runtime_us", str(limits.cpu_realtime_us), "cpu-rt-runtime"))
    return steps


def _real(file: str, value: str, limit: str) -> Write:
    return Write(file=file, value=value, limit=limit, missing=_REALTIME_HINT)


def _idle(limits: Limits) -> tuple[Write, ...]:
    if limits.cpu_idle is None:
        return ()
    hint = "the kernel must be Linux 5.15 or newer"
    return (Write(file="cpu.idle", value=str(limits.cpu_idle), limit="cpu-idle", missing=hint),)


def weight(shares: int) -> int:
    """v2's weight (1 to 10000) for v1's shares (2 to 262144), a line between the two ends."""
    shares = min(max(shares, _MIN_SHARES), _MAX_SHARES)
    return 1 + (shares - _MIN_SHARES) * 9999 // (_MAX_SHARES - _MIN_SHARES)


def _bandwidth(file: str, value: str, limit: str) -> Write:
    return Write(file=file, value=value, limit=limit, missing=_QUOTA_HINT)
