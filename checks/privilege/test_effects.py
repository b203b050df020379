"""What missing capabilities forbid, asked of the kernel with calls that cannot succeed."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, denied, holds, inconclusive, weaker


@check("CAP-FN-15", area="B", severity="critical")
def test_mount(box: Box) -> Finding:
    """Nothing can be mounted, unmounted or remounted."""
    return denied({name: box.init.calls[name] for name in ("mount", "umount", "remount")})


@check("CAP-FN-16", area="B")
def test_links(box: Box) -> Finding:
    """Network links cannot be configured."""
    return denied({"SIOCSIFFLAGS": box.init.calls["set link flags"]})


@check("CAP-FN-17", area="B")
def test_clock(box: Box) -> Finding:
    """The clock cannot be set."""
    return denied({"settimeofday": box.init.calls["settimeofday"]})


@check("CAP-FN-18", area="B", severity="critical")
def test_modules(box: Box) -> Finding:
    """No kernel module can be loaded."""
    return denied({"init_module": box.init.calls["init_module"]})


@check("CAP-FN-19", area="B", severity="medium")
def test_kernel_log(box: Box) -> Finding:
    """The kernel's log can be neither read nor changed."""
    kmsg = box.init.paths["/dev/kmsg"]
    reading = kmsg.reading if kmsg.reachable else "absent"
    closed = box.init.calls["syslog"] in ("EPERM", "ENOSYS") and reading != "ok"
    return holds(
        closed,
        seen=[f"syslog={box.init.calls['syslog']}", f"kmsg={reading}"],
        expected="EPERM, absent or unreadable",
    )


@check("CAP-FN-20", area="B", severity="medium")
def test_raw_sockets(box: Box, profile: Profile) -> Finding:
    """Raw sockets open exactly where the profile grants NET_RAW."""
    calls = {name: box.init.calls[name] for name in ("packet socket", "raw socket")}
    if "NET_RAW" not in profile.capabilities:
        return denied(calls)
    opened = set(calls.values()) <= {"ok", "EAFNOSUPPORT"}
    return holds(opened, seen=list(calls.values()), expected="open, as NET_RAW is granted")


@check("CAP-FN-21", area="B")
def test_trace(box: Box) -> Finding:
    """A process of another user cannot be traced."""
    answer = box.init.calls["ptrace other user"]
    if answer == "no other user":
        return inconclusive("without SETUID the probe cannot make a process of another user")
    return denied({"ptrace": answer})


@check("CAP-FN-22", area="B", severity="critical")
def test_handles(box: Box) -> Finding:
    """A file cannot be opened by its handle, past every path check."""
    return denied({"open_by_handle_at": box.init.calls["open_by_handle_at"]})


@check("CAP-FN-24", area="B")
def test_reboot(box: Box) -> Finding:
    """The machine cannot be restarted."""
    return denied({"reboot": box.init.calls["reboot"]})


@check("CAP-FN-25", area="B", severity="medium")
def test_limits(box: Box) -> Finding:
    """A hard resource limit cannot be raised."""
    answer = box.init.raw["raise_nofile"]
    if answer == "ENODATA":
        return weaker("the number of files has no limit to raise", seen="unlimited")
    return denied({"setrlimit": answer})
