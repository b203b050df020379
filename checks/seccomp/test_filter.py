"""What the default filter stops. A bare kernel answers each call with something else than EPERM."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import (
    Finding,
    denied,
    equal,
    holds,
    none_of,
    not_applicable,
    weaker,
)


def _stopped(box: Box, profile: Profile, *names: str) -> Finding:
    """Pass if each call is denied; weaker if the profile's filter is not there to stop any."""
    answers = {name: box.init.filtered[name] for name in names if profile.stops(name)}
    if not answers:
        return weaker(profile.lenience, seen=[box.init.filtered[name] for name in names])
    return denied(answers)


@check("SEC-MODE-01", area="C", severity="critical")
def test_mode(box: Box, profile: Profile) -> Finding:
    """A filter is loaded."""
    if not profile.seccomp and box.init.status.seccomp == 0:
        return weaker(profile.lenience, seen=0, expected=2)
    return equal(box.init.status.seccomp, 2)


@check("SEC-MODE-02", area="C", severity="critical")
def test_exec_mode(box: Box, profile: Profile) -> Finding:
    """An added process is filtered too."""
    if not profile.seccomp and box.exec.status.seccomp == 0:
        return weaker(profile.lenience, seen=0, expected=2)
    return equal(box.exec.status.seccomp, 2)


@check("SEC-NS-04", area="C")
def test_namespaces(box: Box, profile: Profile) -> Finding:
    """Namespaces cannot be made or joined."""
    return _stopped(box, profile, "unshare", "setns")


@check("SEC-CL3-05", area="C", severity="low", on="E")
def test_clone3(box: Box, profile: Profile) -> Finding:
    """clone3, whose flags a filter cannot see, looks absent so that libc falls back to clone."""
    if not profile.stops("clone3"):
        return weaker(profile.lenience, seen=box.init.filtered["clone3"])
    return equal(box.init.filtered["clone3"], "ENOSYS")


@check("SEC-MNT-06", area="C")
def test_mounts(box: Box, profile: Profile) -> Finding:
    """The mount calls, old and new, are stopped."""
    return _stopped(box, profile, "mount", "umount2", "open_tree", "mount_setattr", "fsconfig")


@check("SEC-KEY-07", area="C", severity="medium")
def test_keyrings(box: Box, profile: Profile) -> Finding:
    """The keyring calls are stopped."""
    return _stopped(box, profile, "keyctl", "add_key", "request_key")


@check("SEC-BPF-08", area="C")
def test_bpf(box: Box, profile: Profile) -> Finding:
    """bpf is stopped."""
    return _stopped(box, profile, "bpf")


@check("SEC-PERF-09", area="C", severity="medium")
def test_perf(box: Box, profile: Profile) -> Finding:
    """perf_event_open is stopped."""
    return _stopped(box, profile, "perf_event_open")


@check("SEC-UFFD-10", area="C", severity="medium")
def test_userfaultfd(box: Box, profile: Profile) -> Finding:
    """userfaultfd is stopped."""
    return _stopped(box, profile, "userfaultfd")


@check("SEC-URING-11", area="C", severity="medium")
def test_io_uring(box: Box, profile: Profile) -> Finding:
    """io_uring, which runs calls past the filter, is stopped."""
    return _stopped(box, profile, "io_uring_setup", "io_uring_enter", "io_uring_register")


@check("SEC-NUMA-14", area="C", severity="low")
def test_memory_policy(box: Box, profile: Profile) -> Finding:
    """Memory placement, which needs SYS_NICE, is stopped."""
    return _stopped(box, profile, "set_mempolicy", "get_mempolicy", "mbind")


@check("SEC-TIME-15", area="C", severity="medium")
def test_time(box: Box, profile: Profile) -> Finding:
    """Setting clocks is stopped."""
    return _stopped(box, profile, "settimeofday", "clock_settime")


@check("SEC-QUO-17", area="C", severity="low")
def test_quota(box: Box, profile: Profile) -> Finding:
    """Swap and quota are stopped."""
    return _stopped(box, profile, "swapon", "quotactl", "quotactl_fd")


@check("SEC-PID-18", area="C", severity="medium")
def test_other_processes(box: Box, profile: Profile) -> Finding:
    """Looking into other processes, which needs SYS_PTRACE, is stopped."""
    return _stopped(box, profile, "pidfd_getfd", "process_madvise", "kcmp")


@check("SEC-HND-19", area="C")
def test_handles(box: Box, profile: Profile) -> Finding:
    """open_by_handle_at is stopped."""
    return _stopped(box, profile, "open_by_handle_at")


@check("SEC-PERS-21", area="C", severity="low")
def test_personality(box: Box, profile: Profile) -> Finding:
    """Address randomisation cannot be switched off, though asking for the personality works."""
    asked = box.init.filtered["personality query"]
    if asked != "ok":
        return holds(False, seen=f"query={asked}", expected="query ok")
    return _stopped(box, profile, "personality")


@check("SEC-ALG-22", area="C")
def test_kernel_crypto(box: Box, profile: Profile) -> Finding:
    """The kernel's crypto sockets (AF_ALG) are out of reach."""
    answer = box.init.calls["alg socket"]
    if answer == "EAFNOSUPPORT":
        return not_applicable("this kernel has no AF_ALG", seen=answer)
    if not profile.stops("alg"):
        return weaker(profile.lenience, seen=answer)
    return denied({"AF_ALG": answer})


@check("SEC-VSOCK-24", area="C")
def test_vsock(box: Box, profile: Profile) -> Finding:
    """The sockets that reach the hypervisor (AF_VSOCK) are out of reach."""
    answer = box.init.calls["vsock socket"]
    if answer == "EAFNOSUPPORT":
        return not_applicable("this kernel has no AF_VSOCK", seen=answer)
    if not profile.stops("vsock"):
        return weaker(profile.lenience, seen=answer)
    return denied({"AF_VSOCK": answer})


@check("SEC-ALLOW-28", area="C", severity="medium")
def test_needed(box: Box) -> Finding:
    """The filter lets through what programs of today need."""
    return none_of(
        [name for name, answer in box.init.needed.items() if answer == "EPERM"],
        expected="no EPERM",
        reason=f"{len(box.init.needed)} calls tried",
    )
