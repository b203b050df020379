"""What this runtime does not do, refused before anything is made rather than left out."""

from __future__ import annotations

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.linux.mount_options import PROPAGATION
from toolkit.runtime.groups import check_resources
from toolkit.runtime.joins import check_namespaces, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from toolkit.oci.spec import Spec

# Parameters that a namespace has for itself (sysctl(7), ipc_namespaces(7)); all of net.* but the
# few that the kernel shows in the first network only, which are absent elsewhere.
_OF_IPC = (
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
)
_NOTIFY = "SCMP_ACT_NOTIFY"
_MAPPED = frozenset(("idmap", "ridmap"))
_BOUND = frozenset(("bind", "rbind"))
_OF_UTS = ("kernel.domainname", "kernel.hostname")


def check_support(spec: Spec) -> None:
    """``UnsupportedError``, or ``InvalidInputError`` where the host would be changed."""
    check_namespaces(spec)
    check_resources(spec)
    _check_names(spec)
    _check_mounts(spec)
    for key in spec.linux.sysctl:
        _check_sysctl(spec, key.replace("/", "."))
    _check_few(spec)


def _check_few(spec: Spec) -> None:
    """What few ask for, and only those pay for."""
    process, linux = spec.process, spec.linux
    asked: list[object] = [linux.mount_label, linux.intel_rdt, linux.personality]
    asked += [linux.net_devices or None, linux.memory_policy]
    if process is not None:
        asked += [process.apparmor_profile, process.selinux_label, process.scheduler]
        asked.append(process.exec_cpu_affinity)
    if any(value not in (None, "") for value in asked):
        from toolkit.runtime.extras import check_extras  # noqa: PLC0415 - as said

        check_extras(spec)
    if linux.seccomp is not None:
        check_filter(linux.seccomp)


def check_filter(profile: Mapping[str, Any]) -> None:
    """What a filter asks for beside its rules."""
    actions = [entry.get("action") for entry in profile.get("syscalls") or ()]
    if profile.get("flags") or profile.get("listenerPath") or _NOTIFY in actions:
        from toolkit.runtime.listening import check  # noqa: PLC0415 - few filters have them

        check(profile)


def _check_mounts(spec: Spec) -> None:
    """Id maps need both halves, and a bind: a new file system belongs to the container anyway."""
    wanted = spec.linux.rootfs_propagation
    if wanted and wanted not in PROPAGATION:
        raise InvalidInputError(
            f"linux.rootfsPropagation: unknown propagation '{wanted}'",
            hint=did_you_mean(wanted, PROPAGATION) or f"one of {', '.join(PROPAGATION)}",
        )
    for index, entry in enumerate(spec.mounts):
        if bool(entry.uid_mappings) != bool(entry.gid_mappings):
            lacking = "gidMappings" if entry.uid_mappings else "uidMappings"
            raise InvalidInputError(f"mounts[{index}].{lacking}: an id map needs both")
        mapped = entry.uid_mappings or not _MAPPED.isdisjoint(entry.options)
        if mapped and entry.type != "bind" and _BOUND.isdisjoint(entry.options):
            raise InvalidInputError(
                f"mounts[{index}].options: only the ids of a bind can be mapped",
                hint="add 'bind' or 'rbind'",
            )


def _check_names(spec: Spec) -> None:
    """Without a namespace of its own the container would rename the host."""
    for name in ("hostname", "domainname"):
        if getattr(spec, name) and "uts" not in wanted(spec):
            raise InvalidInputError(
                f"{name}: the container has no uts namespace, so the host would be renamed",
                hint="list the namespace 'uts', or leave the name out",
            )


def _check_sysctl(spec: Spec, key: str) -> None:
    kind = _namespace_of(key)
    if not kind:
        raise InvalidInputError(
            f"linux.sysctl: '{key}' belongs to no namespace: it would change the host",
            hint="set it on the host, with a playbook's sysctl task",
        )
    if kind not in wanted(spec):
        raise InvalidInputError(
            f"linux.sysctl: '{key}' would change the host: the container shares its {kind}",
            hint=f"list the namespace '{kind}', or leave the parameter out",
        )


def _namespace_of(key: str) -> str:
    if key.startswith("net."):
        return "network"
    if key in _OF_IPC or key.startswith("fs.mqueue."):
        return "ipc"
    return "uts" if key in _OF_UTS else ""
