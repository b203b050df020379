"""Which user this process acts as: root's agent does what a task asks as the task's own user.

Only the effective ids change, so that the process can come back; a program that is started takes
them as its real ones (``children``), and so cannot.
"""

import contextlib
import grp
import os
import pwd
from collections.abc import Iterator

from toolkit.core.errors import NotFoundError

ROOT = 0


@contextlib.contextmanager
def acting(user: str) -> Iterator[dict[str, str]]:
    """Act as ``user``, as the agent itself for ``""``; yields the variables of its environment."""
    before = (os.geteuid(), os.getegid(), os.getgroups())
    if not user:
        wanted = (os.getuid(), os.getgid(), _own_groups())
        home: dict[str, str] = {}
    else:
        entry = _entry(user)
        wanted = (entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid))
        home = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    if wanted[:2] == before[:2]:
        yield home
        return
    _become(wanted)
    try:
        yield home
    finally:
        _become(before)


def groups_since_login() -> tuple[str, ...]:
    """The groups that this process's user is in by now and that the process does not have.

    None for root, who gives each task the groups of its user.
    """
    if os.getuid() == ROOT:
        return ()
    own = pwd.getpwuid(os.getuid())
    missing = set(os.getgrouplist(own.pw_name, own.pw_gid)) - {*os.getgroups(), own.pw_gid}
    return tuple(grp.getgrgid(number).gr_name for number in sorted(missing))


def _entry(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:
        raise NotFoundError(f"there is no user '{user}' on this host") from None


def _own_groups() -> list[int]:
    return list(_GROUPS)


_GROUPS = tuple(os.getgroups())


def _become(wanted: tuple[int, int, list[int]]) -> None:
    """Root first, since nobody else may change groups; then the wanted ids."""
    uid, gid, groups = wanted
    if os.geteuid() != ROOT:
        os.seteuid(ROOT)
    if os.getgroups() != groups:
        os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
