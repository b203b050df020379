"""Device nodes: those that are there, and those that a container could make itself."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, equal, holds, none_of, weaker

DEFAULT = {
    "null": "1:3",
    "zero": "1:5",
    "full": "1:7",
    "random": "1:8",
    "urandom": "1:9",
    "tty": "5:0",
}
LINKS = {
    "fd": ("/proc/self/fd",),
    "stdin": ("/proc/self/fd/0",),
    "stdout": ("/proc/self/fd/1",),
    "stderr": ("/proc/self/fd/2",),
    "ptmx": ("pts/ptmx", "/dev/pts/ptmx"),
}
TUN = "10:200"


@check("DEV-SET-01", area="E")
def test_set(box: Box, profile: Profile) -> Finding:
    """/dev holds what the profile says and no device more."""
    seen = set(box.init.dev)
    extra = sorted(seen - set(profile.devices) - {"console", "core"})
    missing = sorted(set(profile.devices) - seen - {"core", "mqueue"})
    return holds(
        not extra and not missing,
        seen=[f"+{name}" for name in extra] + [f"-{name}" for name in missing] or "as expected",
        expected=profile.devices,
    )


@check("DEV-LINK-02", area="E", severity="low")
def test_links(box: Box) -> Finding:
    """The links that the specification demands lead where it says."""
    wrong = [
        f"{name}->{box.init.dev[name].target if name in box.init.dev else 'absent'}"
        for name, targets in LINKS.items()
        if name not in box.init.dev or box.init.dev[name].target not in targets
    ]
    return none_of(wrong, expected="as runtime-linux.md says")


@check("DEV-NODE-03", area="E", severity="medium")
def test_default_nodes(box: Box) -> Finding:
    """The default devices have their numbers, and anyone may use them."""
    wrong = []
    for name, number in DEFAULT.items():
        node = box.init.dev.get(name)
        if node is None or node.kind != "c" or node.device != number or node.mode != 0o666:
            wrong.append(f"{name}={node.device if node else 'absent'}")
    return none_of(wrong, expected="c 0666 and its number")


@check("DEV-CG-04", area="E", severity="critical")
def test_kernel_log_device(box: Box) -> Finding:
    """A kernel log device that the container makes cannot be opened."""
    return _refused(box, ("1:11",))


@check("DEV-CG-05", area="E", severity="critical")
def test_forbidden_devices(box: Box) -> Finding:
    """fuse, memory and kvm devices that the container makes cannot be opened."""
    return _refused(box, ("10:229", "1:1", "10:232"))


@check("DEV-CG-14", area="E", severity="medium")
def test_tun(box: Box, profile: Profile) -> Finding:
    """A tun device that the container makes cannot be opened."""
    found = _refused(box, (TUN,))
    told = f"c {TUN} rwm" in box.outside.limits.get("devices", "")  # v2 has no list to read
    if found.verdict.value == "fail" and (told or TUN in profile.open_devices):
        return weaker(f"{profile.name}'s runtime allows tun to every container", seen=found.seen)
    return found


@check("DEV-RULES-15", area="E", severity="critical")
def test_rules(box: Box) -> Finding:
    """Seen from the host, the device rules do not allow every device."""
    rules = box.outside.limits.get("devices", "")
    if not rules:
        return weaker("no v1 device rules to read; cgroup v2 keeps them in a program", seen="")
    return none_of(
        [rule for rule in rules.splitlines() if rule.split()[1:] == ["*:*", "rwm"]],
        expected="no '*:* rwm'",
    )


def _refused(box: Box, numbers: tuple[str, ...]) -> Finding:
    answers = {number: box.init.raw["devices"][number] for number in numbers}
    stopped = ("mknod: EPERM", "open: EPERM", "mknod: EACCES", "open: EACCES", "mknod: EROFS")
    through = [f"{number} {answer}" for number, answer in answers.items() if answer not in stopped]
    return holds(
        not through, seen=through or sorted(set(answers.values())), expected="EPERM from either"
    )


@check("DEV-EXEC-16", area="E", severity="medium")
def test_exec(box: Box) -> Finding:
    """An added process sees the same devices."""
    return equal(sorted(box.exec.dev), sorted(box.init.dev))
