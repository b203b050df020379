"""What the namespaces hide: processes, shared memory, names; and that they cannot be left."""

from toolkit.conformance.boxspec import ADMIN, ASKED
from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import (
    Finding,
    denied,
    equal,
    holds,
    inconclusive,
    not_applicable,
    weaker,
)


@check("NS-PID-10", area="A", severity="critical")
def test_process_list(box: Box) -> Finding:
    """Process 1 is the container's command, and only its own processes are listed."""
    seen = box.init.raw["processes"]
    strangers = [f"{pid}:{name}" for pid, name in seen.items() if not _own(name)]
    first = box.init.raw["pid"] == 1 and seen.get("1", "").startswith("python3")
    return holds(
        first and not strangers and len(seen) <= 3,
        seen=strangers[:5] or [f"{pid}:{name}" for pid, name in sorted(seen.items())],
        expected="1:python3 and what exec adds",
    )


def _numbers(box: Box) -> set[str]:
    # The probe and its children: numbers that the container itself may use.
    return {str(number) for number in range(1, 64)} | set(box.init.raw["processes"])


def _own(name: str) -> bool:
    # An exec may be on its way in: then the runtime's own stage two is listed under its name.
    return name.startswith(("python3", "runc:[", "crun", "conmon", "dockyard", "exe"))


@check("NS-PID-11", area="A", tier=0, severity="critical")
def test_signal_host(box: Box, host: HostDoc) -> Finding:
    """A process of the host cannot be signalled."""
    pid, answer = str(host.raw["pid"]), box.init.raw["signal_host"]
    if answer != "ESRCH" and box.init.ns["pid"] != host.ns["pid"] and pid in _numbers(box):
        return inconclusive("the container has a process with the same number", seen=pid)
    return equal(answer, "ESRCH", reason=f"kill({pid}, 0), the agent on the host")


@check("NS-IPC-14", area="A", tier=0)
def test_shared_memory(box: Box) -> Finding:
    """A System V shared memory segment of the host is not found by its key."""
    if not box.init.raw["host_shm"]:
        return inconclusive("the host would not make a segment to look for")
    return equal(box.init.raw["host_shm"], "ENOENT")


@check("NS-UTS-17", area="A", severity="low")
def test_default_hostname(box: Box, host: HostDoc, profile: Profile) -> Finding:
    """The host name is the container's id or what the profile says, never the host's."""
    expected = box.id[:12] if profile.hostname == "id" else box.asked_hostname
    right = box.init.raw["hostname"] == expected != host.hostname
    return holds(right, seen=box.init.raw["hostname"], expected=expected)


@check("NS-UTS-19", area="A", severity="low", box=ASKED)
def test_asked_hostname(box: Box) -> Finding:
    """The host name that was asked for holds for the first process and for an added one."""
    return equal([box.init.raw["hostname"], box.exec.raw["hostname"]], [ASKED.hostname] * 2)


@check("NS-UTS-18", area="A", severity="medium", box=ADMIN)
def test_rename(box: Box, host: HostDoc) -> Finding:
    """A container that may set its host name does not change the host's."""
    work = box.init.work["rename"]
    if work["answer"] in ("EPERM", "ENOSYS"):
        return not_applicable(
            "a filter or policy stops it even with SYS_ADMIN", seen=work["answer"]
        )
    apart = work["answer"] == "ok" and box.outside.raw["hostname"] == host.hostname
    return holds(apart, seen=work["answer"], expected="changed inside only")


@check("NS-USR-22", area="A")
def test_new_user_namespace(box: Box, profile: Profile) -> Finding:
    """A user namespace cannot be made: with one, every kernel interface behind it opens up."""
    answer = box.init.calls["unshare user"]
    if answer == "ok" and not profile.stops("unshare"):
        return weaker(profile.lenience, seen=answer, expected="EPERM")
    return holds(answer in ("EPERM", "ENOSPC", "EINVAL"), seen=answer, expected="EPERM")


@check("NS-JOIN-23", area="A", severity="critical")
def test_join(box: Box) -> Finding:
    """No other namespace is within reach: process 1's are the own ones, and setns is refused."""
    strange = {
        kind: link
        for kind, link in box.exec.init_ns.items()
        if kind != "error" and link != box.init.ns.get(kind) and not link.startswith("error")
    }
    if strange:
        return holds(False, seen=list(strange.values()), expected="process 1 is the container's")
    return denied({"setns": box.init.calls["setns uts"]})
