"""Namespaces of a process to be: which are made, which are joined, and how."""

from __future__ import annotations

import os

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.linux.namespaces import BY_OCI_NAME, NamespaceFlag, namespace_type, setns, unshare
from toolkit.linux.net import bring_loopback_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.oci.spec import Spec

# The shim makes or joins the pid namespace before it forks, the cgroup namespace comes after the
# cgroup was joined.
_ELSEWHERE = NamespaceFlag.PID | NamespaceFlag.CGROUP
_UNSUPPORTED = {
    "user": "user namespaces are not supported yet",
    "time": "time namespaces are not supported yet",
}


def check_namespaces(spec: Spec) -> None:
    """Refuse what this runtime cannot do."""
    for namespace in spec.linux.namespaces:
        if namespace.type in _UNSUPPORTED:
            raise UnsupportedError(_UNSUPPORTED[namespace.type])
    if "mount" not in wanted(spec) or wanted(spec)["mount"]:
        raise UnsupportedError(
            "a container needs a mount namespace of its own",
            hint="list the namespace 'mount' without a path",
        )


def wanted(spec: Spec) -> dict[str, str]:
    """Each listed namespace with its path, ``""`` for a new one."""
    return {namespace.type: namespace.path for namespace in spec.linux.namespaces}


def enter_namespaces(spec: Spec, *, made: NamespaceFlag) -> None:
    """Join the listed ones and make the new ones, all but pid and cgroup and those ``made``."""
    listed = wanted(spec)
    new = NamespaceFlag.NONE
    for name, flag in BY_OCI_NAME.items():
        if name not in listed or flag & _ELSEWHERE:
            continue
        if listed[name]:
            join(listed[name], flag)
        else:
            new |= flag
    make_namespaces(new & ~made)


def make_namespaces(flags: NamespaceFlag) -> None:
    """Leave for new namespaces; a new network has its loopback up."""
    unshare(flags)
    if flags & NamespaceFlag.NETWORK:
        bring_loopback_up()


def enter_pid_namespace(spec: Spec | None) -> bool:
    """Put the next child into its pid namespace; whether it is another one than this process's.

    Without a specification into a new one.
    """
    listed = {"pid": ""} if spec is None else wanted(spec)
    if "pid" not in listed:
        return False
    if listed["pid"]:
        join(listed["pid"], NamespaceFlag.PID)
    else:
        unshare(NamespaceFlag.PID)
    return True


def enter_cgroup_namespace(spec: Spec) -> None:
    """Make or join the cgroup namespace, where one is listed."""
    path = wanted(spec).get("cgroup")
    if path:
        join(path, NamespaceFlag.CGROUP)
    elif path is not None:
        unshare(NamespaceFlag.CGROUP)


def join(path: str, flag: NamespaceFlag) -> None:
    """Join the namespace file ``path``, which must be of the kind ``flag``."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            kind = namespace_type(fd)
        except OSError:
            kind = NamespaceFlag.NONE
        if kind != flag:
            raise InvalidInputError(
                f"'{path}' is no {flag.name and flag.name.lower()} namespace",
                hint="name a file like /proc/PID/ns/net, or a bind mount of one",
            )
        setns(fd, flag)
    finally:
        os.close(fd)
