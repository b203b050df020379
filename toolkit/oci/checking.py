"""What a bundle may say, beyond what ``spec.check`` looks at: each fault is named by its JSON path.

Bundles come from outside; what our own engine makes needs no such look, and no start pays for it.
"""

from __future__ import annotations

import os

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from toolkit.oci.spec import DeviceRule, Hooks, IoPriority, Mount, Process, Rlimit, Spec

_HOOKS = {
    "prestart": "prestart",
    "create_runtime": "createRuntime",
    "create_container": "createContainer",
    "start_container": "startContainer",
    "poststart": "poststart",
    "poststop": "poststop",
}
_IO_CLASSES = ("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE")
_NODES = ("b", "c", "u", "p")
_RULED = ("", "a", "b", "c")
_ACCESS = frozenset("rwm")
_WORST_SCORE = 1000
_MOST_MASK = 0o7777
_LOWEST_LEVEL = 7
_IDS = 2**32 - 1
_UNLIMITED = 2**64 - 1


def check_bundle(spec: Spec, at: str = "config.json") -> None:
    """Refuse what no container can be made of, before anything is."""
    _check_version(spec.oci_version, f"{at}: ociVersion")
    if spec.process is not None:
        check_fully(spec.process, f"{at}: process")
    if spec.hooks is not None:
        _check_hooks(spec.hooks, f"{at}: hooks")
    for index, mount in enumerate(spec.mounts):
        _check_mount(mount, f"{at}: mounts[{index}]")
    for index, device in enumerate(spec.linux.devices):
        place = f"{at}: linux.devices[{index}]"
        _one_of(device.type, _NODES, f"{place}.type")
        _absolute(device.path, f"{place}.path")
    if ".." in spec.linux.cgroups_path.split("/"):
        raise InvalidInputError(f"{at}: linux.cgroupsPath: '..' leads out of the groups")
    resources = spec.linux.resources
    for index, rule in enumerate(() if resources is None else resources.devices):
        _check_rule(rule, f"{at}: linux.resources.devices[{index}]")


def check_fully(process: Process, at: str) -> None:
    """The same for a process alone; ``at`` is where it stands."""
    if not process.args:
        raise InvalidInputError(f"{at}.args: a process needs a program to run")
    _check_rlimits(process.rlimits, f"{at}.rlimits")
    _within(process.oom_score_adj, -_WORST_SCORE, _WORST_SCORE, f"{at}.oomScoreAdj")
    _within(process.user.umask, 0, _MOST_MASK, f"{at}.user.umask")
    for index, gid in enumerate(process.user.additional_gids):
        _within(gid, 0, _IDS - 1, f"{at}.user.additionalGids[{index}]")
    if process.io_priority is not None:
        _check_io(process.io_priority, f"{at}.ioPriority")
    if process.console_size is not None:
        for name in ("height", "width"):
            size = getattr(process.console_size, name)
            _within(size, 0, 0xFFFF, f"{at}.consoleSize.{name}")


def _check_version(version: str, at: str) -> None:
    """Minor versions only add (the specification's "Versioning")."""
    numbers = version.partition("+")[0].partition("-")[0].split(".")
    if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
        raise InvalidInputError(f"{at}: '{version}' is no version", hint="write it as in 1.2.0")
    if numbers[0] != "1":
        raise InvalidInputError(f"{at}: version {version} is not known here", hint="it is 1.x")


def _check_rlimits(limits: tuple[Rlimit, ...], at: str) -> None:
    import resource  # noqa: PLC0415 - only where there are some

    known = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    seen: set[str] = set()
    for index, limit in enumerate(limits):
        place = f"{at}[{index}]"
        _one_of(limit.type, known, f"{place}.type")
        if limit.type in seen:
            raise InvalidInputError(f"{place}.type: '{limit.type}' is listed twice")
        seen.add(limit.type)
        soft, hard = (_UNLIMITED if n < 0 else n for n in (limit.soft, limit.hard))
        if soft > hard:
            raise InvalidInputError(f"{place}.soft: {soft} is more than the hard limit, {hard}")


def _check_io(priority: IoPriority, at: str) -> None:
    _one_of(priority.class_, _IO_CLASSES, f"{at}.class")
    _within(priority.priority, 0, _LOWEST_LEVEL, f"{at}.priority")


def _check_hooks(hooks: Hooks, at: str) -> None:
    for field, name in _HOOKS.items():
        for index, hook in enumerate(getattr(hooks, field)):
            _absolute(hook.path, f"{at}.{name}[{index}].path")
            if hook.timeout is not None and hook.timeout <= 0:
                raise InvalidInputError(
                    f"{at}.{name}[{index}].timeout: expected more than 0 seconds"
                )


def _check_mount(mount: Mount, at: str) -> None:
    bound = mount.type == "bind" or "bind" in mount.options or "rbind" in mount.options
    if bound and not os.path.lexists(mount.source):
        raise InvalidInputError(f"{at}.source: there is no '{mount.source}'")


def _check_rule(rule: DeviceRule, at: str) -> None:
    _one_of(rule.type, _RULED, f"{at}.type")
    if not _ACCESS.issuperset(rule.access):
        raise InvalidInputError(f"{at}.access: expected letters of 'rwm', not '{rule.access}'")


def _one_of(value: str, known: Collection[str], at: str) -> None:
    if value not in known:
        hint = did_you_mean(value, known) or f"one of {', '.join(filter(None, known))}"
        raise InvalidInputError(f"{at}: unknown: '{value}'", hint=hint)


def _within(value: int | None, least: int, most: int, at: str) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInputError(f"{at}: expected {least} to {most}, not {value}")


def _absolute(path: str, at: str) -> None:
    if not path.startswith("/"):
        raise InvalidInputError(f"{at}: expected an absolute path, not '{path}'")
