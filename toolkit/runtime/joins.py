"""Namespaces of a process to be: which are made, which are joined, and how."""

from __future__ import annotations

import os

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.linux.namespaces import BY_OCI_NAME, NamespaceFlag, namespace_type, setns, unshare
from toolkit.linux.net import bring_loopback_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.oci.spec import Spec

_CLOCKS = {"monotonic": 1, "boottime": 7}  # clock_gettime(2)


def check_namespaces(spec: Spec) -> None:
    """Refuse what cannot be done, and paths that lead to no namespace of their kind."""
    if "mount" not in wanted(spec):
        raise UnsupportedError(
            "a container needs a mount namespace other than the host's",
            hint="list the namespace 'mount'",
        )
    for index, namespace in enumerate(spec.linux.namespaces):
        if namespace.path:
            at = f"linux.namespaces[{index}].path: "
            os.close(_open(namespace.path, namespace.type, at))
            if namespace.type == "mount":
                _check_foreign(namespace.path, at)
    linux = spec.linux
    if has_user(spec) or linux.uid_mappings or linux.gid_mappings:
        from toolkit.runtime.support_user import check_user  # noqa: PLC0415 - few have one

        check_user(spec)
    if linux.time_offsets:
        _check_offsets(spec)


def _check_foreign(path: str, at: str) -> None:
    """A joined mount namespace gets the container's root, for all who are in it."""
    if os.path.samefile(path, "/proc/self/ns/mnt"):
        raise InvalidInputError(
            f"{at}'{path}' is the host's mount namespace, whose root would be replaced",
            hint="list the namespace 'mount' without a path",
        )


def wanted(spec: Spec) -> dict[str, str]:
    """Each listed namespace with its path, ``""`` for a new one."""
    return {namespace.type: namespace.path for namespace in spec.linux.namespaces}


def has_user(spec: Spec) -> bool:
    """Whether the container is in another user namespace than this process."""
    return any(namespace.type == "user" for namespace in spec.linux.namespaces)


def enter_namespaces(spec: Spec, *, made: int) -> None:
    """Join the listed ones and make the new ones, all but pid and cgroup and those ``made``.

    With a user namespace all of it was done before this process was forked (see ``usernest``).
    """
    if has_user(spec):
        return
    join_listed(spec, without=NamespaceFlag.PID)
    make_namespaces(new_ones(spec) & ~made & ~NamespaceFlag.PID)
    make_time_namespace(spec)


def join_listed(spec: Spec, *, without: int = NamespaceFlag.NONE) -> None:
    """Join those with a path but the user namespace, and the cgroup namespace, which comes last."""
    listed = wanted(spec)
    for name, flag in BY_OCI_NAME.items():
        if listed.get(name) and name not in ("user", "cgroup") and not flag & without:
            join(listed[name], flag)


def new_ones(spec: Spec) -> int:
    """Those to be made by unshare alone, the pid namespace among them."""
    flags = NamespaceFlag.NONE
    for name, path in wanted(spec).items():
        if not path and name not in ("user", "cgroup", "time"):
            flags |= BY_OCI_NAME[name]
    return flags


def make_namespaces(flags: int) -> None:
    """Leave for new namespaces; a new network has its loopback up."""
    unshare(flags)
    if flags & NamespaceFlag.NETWORK:
        bring_loopback_up()


def make_time_namespace(spec: Spec) -> None:
    """Make and enter the time namespace, its clocks set, where a new one is listed.

    Only children of who makes it are in it; its maker, which must have one thread, joins it.
    """
    if wanted(spec).get("time") != "":
        return
    unshare(NamespaceFlag.TIME)
    lines = [
        f"{_CLOCKS[clock]} {offset.get('secs', 0)} {offset.get('nanosecs', 0)}\n"
        for clock, offset in _offsets(spec).items()
    ]
    if lines:
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
            file.write("".join(lines))
    join("/proc/self/ns/time_for_children", NamespaceFlag.TIME)


def _offsets(spec: Spec) -> Mapping[str, dict[str, int]]:
    found: Mapping[str, dict[str, int]] = spec.linux.time_offsets  # type: ignore[assignment] # checked
    return found


def _check_offsets(spec: Spec) -> None:
    at = "linux.timeOffsets"
    if wanted(spec).get("time") != "":
        raise InvalidInputError(
            f"{at}: only a time namespace that is made can be set",
            hint="list the namespace 'time' without a path",
        )
    for clock, offset in spec.linux.time_offsets.items():
        if clock not in _CLOCKS:
            raise InvalidInputError(f"{at}.{clock}: expected one of {', '.join(_CLOCKS)}")
        if not isinstance(offset, dict):
            raise InvalidInputError(f"{at}.{clock}: expected an object")
        for key in ("secs", "nanosecs"):
            value = offset.get(key, 0)
            if type(value) is not int or (key == "nanosecs" and not 0 <= value < 1_000_000_000):
                raise InvalidInputError(f"{at}.{clock}.{key}: '{value}' is no such number")


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


def join(path: str, flag: int) -> None:
    """Join the namespace file ``path``, which must be of the kind ``flag``."""
    fd = _open(path, next(name for name, kind in BY_OCI_NAME.items() if kind == flag))
    try:
        setns(fd, flag)
    finally:
        os.close(fd)


def _open(path: str, name: str, at: str = "") -> int:
    """A descriptor of a namespace file that is of the kind ``name``."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInputError(f"{at}'{path}': {error.strerror}") from None
    try:
        kind = namespace_type(fd)
    except OSError:
        kind = NamespaceFlag.NONE
    if kind == BY_OCI_NAME[name]:
        return fd
    os.close(fd)
    raise InvalidInputError(
        f"{at}'{path}' is no {name} namespace",
        hint="name a file like /proc/PID/ns/net, or a bind mount of one",
    )
