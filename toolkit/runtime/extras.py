"""What few processes ask for: labels, a scheduling policy, another personality.

Imported only where one is asked for: each start would pay for it otherwise.
"""

from __future__ import annotations

import os

from toolkit.cgroup.cpuset import members
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.suggest import did_you_mean
from toolkit.linux.process import set_personality
from toolkit.linux.scheduling import Policy, SchedulerFlag, set_scheduler
from toolkit.runtime import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolkit.oci.spec import Process, Scheduler, Spec

# personality(2); flags are reserved by the specification, and there are none
_DOMAINS = {"LINUX": 0, "LINUX32": 8}
_POLICIES = {f"SCHED_{name}": value for name, value in vars(Policy).items() if name.isupper()}
_FLAGS = {
    f"SCHED_FLAG_{name}": value
    for name, value in vars(SchedulerFlag).items()
    if name.isupper() and value
}
_REAL_TIME = (Policy.FIFO, Policy.RR)


def check_extras(spec: Spec) -> None:
    """Refuse names that nobody knows, and what this machine does not have."""
    linux = spec.linux
    if linux.personality is not None:
        _check_personality(linux.personality)
    if linux.mount_label:
        labels.check_selinux(linux.mount_label, "linux.mountLabel")
    if linux.intel_rdt is not None:
        raise UnsupportedError(
            "linux.intelRdt: cache and memory bandwidth are not divided by this runtime",
            hint="leave it out; /sys/fs/resctrl can be written by a createRuntime hook",
        )
    if linux.net_devices:
        raise UnsupportedError(
            "linux.netDevices: this runtime does not move interfaces",
            hint="let a createRuntime hook run 'ip link set NAME netns PID'",
        )
    if linux.memory_policy is not None:
        raise UnsupportedError(
            "linux.memoryPolicy: this runtime sets none",
            hint="linux.resources.cpu.mems says which memory nodes may be used",
        )
    if spec.process is not None:
        check_process_extras(spec.process)


def check_process_extras(process: Process, at: str = "process") -> None:
    """The same for a process alone."""
    labels.check(process, at)
    if process.scheduler is not None:
        _check_scheduler(process.scheduler, f"{at}.scheduler")
    affinity = process.exec_cpu_affinity
    if affinity is not None:
        for name in ("initial", "final"):
            cpus(getattr(affinity, name), f"{at}.execCPUAffinity.{name}")


def cpus(listed: str, at: str) -> set[int]:
    """The CPUs of a list such as ``0-3,7``."""
    try:
        return members(listed)
    except ValueError:
        raise InvalidInputError(f"{at}: expected a list such as '0-3,7', not '{listed}'") from None


def run_on(listed: str) -> None:
    """Let this process, which joins a container, run on these CPUs; an empty list says nothing."""
    wanted = cpus(listed, "process.execCPUAffinity")
    if not wanted:
        return
    try:
        os.sched_setaffinity(0, wanted)
    except OSError as error:
        raise OSError(error.errno, f"sched_setaffinity: {error.strerror}", listed) from None


def _check_personality(personality: Mapping[str, object]) -> None:
    domain = personality.get("domain")
    if domain not in _DOMAINS:
        raise InvalidInputError(
            f"linux.personality.domain: expected one of {', '.join(_DOMAINS)}, not '{domain}'"
        )
    if personality.get("flags"):
        raise InvalidInputError("linux.personality.flags: the specification knows none")


def _check_scheduler(wanted: Scheduler, at: str) -> None:
    if wanted.policy not in _POLICIES:
        raise InvalidInputError(
            f"{at}.policy: unknown policy '{wanted.policy}'",
            hint=did_you_mean(wanted.policy, _POLICIES) or f"one of {', '.join(_POLICIES)}",
        )
    for index, name in enumerate(wanted.flags):
        if name not in _FLAGS:
            raise InvalidInputError(
                f"{at}.flags[{index}]: unknown flag '{name}'", hint=did_you_mean(name, _FLAGS)
            )
    policy = _POLICIES[wanted.policy]
    if wanted.priority and policy not in _REAL_TIME:
        raise InvalidInputError(f"{at}.priority: only SCHED_FIFO and SCHED_RR have one")
    if policy != Policy.DEADLINE and (wanted.runtime or wanted.deadline or wanted.period):
        raise InvalidInputError(f"{at}.runtime: only SCHED_DEADLINE has times")


def schedule(process: Process) -> None:
    """Set the policy; needs the host's privileges for anything better than the default."""
    wanted = process.scheduler
    if wanted is None:
        return
    flags = SchedulerFlag.NONE
    for name in wanted.flags:
        flags |= _FLAGS[name]
    times = (wanted.runtime, wanted.deadline, wanted.period)
    set_scheduler(
        _POLICIES[wanted.policy], flags, nice=wanted.nice, priority=wanted.priority, times=times
    )


def prepare(process: Process, personality: Mapping[str, object] | None) -> Callable[[], None]:
    """Open what will be needed; what is left to do just before the process gives its rights up."""
    write_label = labels.writer(process)
    domain = None if personality is None else _DOMAINS[str(personality["domain"])]

    def last() -> None:
        if domain is not None:
            set_personality(domain)
        write_label()

    return last
