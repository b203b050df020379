"""Limits: what the kernel was told, and that they bite."""

from toolkit.conformance.boxspec import LIMITED
from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, equal, holds, inconclusive, not_applicable

MEMORY, PIDS, CPUS = LIMITED.memory, LIMITED.pids, LIMITED.cpus


def _missing(host: HostDoc, controller: str) -> Finding | None:
    if controller in host.controllers:
        return None
    return not_applicable(f"the host has no {controller} controller")


@check("CGR-MEM-11", area="F", severity="critical", box=LIMITED)
def test_memory(box: Box, host: HostDoc) -> Finding:
    """A process that uses more memory than allowed is killed."""
    status = box.init.work["touch"]["status"]
    if status == 0 and host.swaps and not host.counts_swap:
        return inconclusive("the host swaps and does not count it, so the limit is wider")
    return _missing(host, "memory") or holds(
        status == -9, seen=f"status {status}", expected="status -9", reason="256 MiB against 64 MiB"
    )


@check("CGR-MEM-34", area="F", box=LIMITED)
def test_memory_limit(box: Box, host: HostDoc) -> Finding:
    """Seen from the host, the memory limit is the one that was asked for."""
    return _missing(host, "memory") or equal(box.outside.limits.get("memory"), str(MEMORY))


@check("CGR-PID-16", area="F", severity="critical", box=LIMITED)
def test_processes(box: Box, host: HostDoc) -> Finding:
    """Forking stops at the limit."""
    work = box.init.work["fork"]
    stopped = work["answer"] == "EAGAIN" and work["made"] < PIDS
    return _missing(host, "pids") or holds(
        stopped, seen=f"{work['made']} made, {work['answer']}", expected=f"EAGAIN below {PIDS}"
    )


@check("CGR-PID-35", area="F", box=LIMITED)
def test_process_limit(box: Box, host: HostDoc) -> Finding:
    """Seen from the host, the limit on processes is the one that was asked for."""
    return _missing(host, "pids") or equal(box.outside.limits.get("pids"), str(PIDS))


@check("CGR-PID-17", area="F", severity="medium")
def test_default_process_limit(box: Box, host: HostDoc, profile: Profile) -> Finding:
    """Without being asked, the limit on processes is the profile's."""
    if profile.pids_limit == "any":
        seen = box.outside.limits.get("pids", "")
        return not_applicable(f"{profile.name} leaves it to the system's manager", seen=seen)
    return _missing(host, "pids") or equal(box.outside.limits.get("pids"), profile.pids_limit)


@check("CGR-CPU-20", area="F", box=LIMITED)
def test_cpu_quota(box: Box, host: HostDoc) -> Finding:
    """Seen from the host, the quota of CPU time is the one that was asked for."""
    limits = box.outside.limits
    seen = limits.get("cpu_max") or f"{limits.get('cpu_quota')} {limits.get('cpu_period')}"
    return _missing(host, "cpu") or equal(seen, f"{int(CPUS * 100_000)} 100000")


@check("CGR-CPU-36", area="F", box=LIMITED)
def test_cpu_time(box: Box, host: HostDoc) -> Finding:
    """A busy process gets no more CPU time than its quota."""
    share = box.init.work["burn"]["share"]
    throttled = "nr_throttled 0" not in box.outside.limits.get("throttled", "nr_throttled 0")
    if share <= CPUS + 0.15 and not throttled:
        return inconclusive("the host was too busy to tell", seen=f"{share:.2f}")
    return _missing(host, "cpu") or holds(
        share <= CPUS + 0.15, seen=f"{share:.2f} of a core", expected=f"at most {CPUS} + 0.15"
    )


@check("CGR-CPU-22", area="F", box=LIMITED)
def test_cpuset(box: Box, host: HostDoc) -> Finding:
    """Only the CPU that was asked for can be used."""
    if int(host.raw["cpus"]) < 2:
        return not_applicable("the host has one CPU")
    return _missing(host, "cpuset") or equal(box.init.raw["cpus"], [0])


@check("CGR-EXEC-29", area="F")
def test_exec(box: Box) -> Finding:
    """An added process is in the same groups as the first."""
    return equal(list(box.exec.cgroup), list(box.init.cgroup), reason="exec against init")


@check("CGR-MEM-15", area="F", severity="low")
def test_oom_group(box: Box, host: HostDoc) -> Finding:
    """Out of memory kills one process, not the whole container, as the kernel's default is."""
    if host.cgroup_version != "v2":
        return not_applicable("only cgroup v2 has memory.oom.group", seen=host.cgroup_version)
    return equal(box.outside.limits.get("oom_group"), "0")
