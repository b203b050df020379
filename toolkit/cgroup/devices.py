"""Which device nodes may be made and opened (v1; on v2 that takes a program in the kernel)."""

from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import DeviceRule, Limits

NAME = "devices"


def v1(limits: Limits) -> tuple[Write, ...]:
    """One write a rule, in order; a rule for everything starts the list anew."""
    return tuple(_step(rule) for rule in limits.devices)


def v2(limits: Limits) -> tuple[Write, ...]:
    """v2 has no files for devices."""
    del limits
    return ()


def _step(rule: DeviceRule) -> Write:
    file = "devices.allow" if rule.allow else "devices.deny"
    if rule.everything:
        return Write(file=file, value="a", limit="devices")
    major, minor = (_number(number) for number in (rule.major, rule.minor))
    value = f"{rule.type} {major}:{minor} {rule.access}"
    return Write(file=file, value=value, limit="devices")


def _number(number: int | None) -> str:
    return "*" if number is None or number < 0 else str(number)
