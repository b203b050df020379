"""Which device nodes may be made and opened: files in v1, a program in the kernel in v2."""

import errno
import os

from toolkit.cgroup import files
from toolkit.cgroup.device_program import program, spelled_out
from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import DeviceRule, Limits
from toolkit.core.errors import UnsupportedError

NAME = "devices"
_NO_BPF = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
_ALL_IDS = ["0", "0", "4294967295"]


def v1(limits: Limits) -> tuple[Write, ...]:
    """One write a rule, in order; a rule for everything starts the list anew."""
    return tuple(_step(rule) for rule in spelled_out(limits.devices))


def v2(limits: Limits) -> tuple[Write, ...]:
    """v2 has no files for devices; see ``enforce``."""
    del limits
    return ()


def enforce(directory: str, rules: tuple[DeviceRule, ...]) -> None:
    """Put a v2 group under ``rules``; ``UnsupportedError`` where the kernel will not."""
    from toolkit.linux import bpf  # noqa: PLC0415 - v1 does without

    try:
        fd = bpf.load_program(bpf.ProgramType.CGROUP_DEVICE, program(rules))
        try:
            bpf.attach_program(directory, fd, bpf.AttachType.CGROUP_DEVICE)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno not in _NO_BPF:
            raise
        raise UnsupportedError(
            f"device rules cannot be enforced on cgroup v2: {error.strerror}",
            hint="the kernel needs CONFIG_CGROUP_BPF, and we need CAP_SYS_ADMIN",
        ) from None


def are_moot() -> bool:
    """In a user namespace nobody can make a device node, nor open one that was made there."""
    return files.read("/proc/self", "uid_map").split() != _ALL_IDS


def _step(rule: DeviceRule) -> Write:
    file = "devices.allow" if rule.allow else "devices.deny"
    if rule.everything:
        return Write(file=file, value="a", limit="devices")
    major, minor = ("*" if number is None else number for number in (rule.major, rule.minor))
    value = f"{rule.type} {major}:{minor} {rule.access}"
    return Write(file=file, value=value, limit="devices")
