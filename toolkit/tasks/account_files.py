"""Users and groups by editing their files: how a planned host imagines what the programs do."""

import posixpath
from dataclasses import replace
from typing import Protocol

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.process import Completed
from toolkit.core.record import replace as changed
from toolkit.facts import accounts
from toolkit.facts.accounts import Aging, Group, User
from toolkit.facts.machine import ReadableNetwork
from toolkit.tasks.host import Attributes, Files, NewHome

_FIRST, _FIRST_SYSTEM, _LAST_SYSTEM = 1000, 100, 999  # login.defs(5)
_SHADOW = Attributes(mode=0o640)


class Machine(Protocol):
    """What the files are read from and written to."""

    @property
    def files(self) -> Files:
        """The root file system."""

    @property
    def net(self) -> ReadableNetwork:
        """Links and routes, which nobody here asks for."""

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        """Run a program that changes nothing, which nobody here asks for either."""


class AccountFiles:
    """``tasks.host.Accounts`` over the files of a host that is planned or faked."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def add_group(self, group: Group, *, system: bool, non_unique: bool = False) -> None:
        """Add a line."""
        del non_unique
        if accounts.group(self._machine, group.name):
            raise ConflictError(f"there is a group '{group.name}'")
        taken = {each.gid for each in accounts.groups(self._machine)}
        gid = group.gid if group.gid >= 0 else _free(taken, system=system)
        self._add("group", f"{group.name}:x:{gid}:{','.join(group.members)}")

    def change_group(self, old: Group, new: Group) -> None:
        """Replace its line."""
        line = f"{new.name}:x:{new.gid}:{','.join(new.members)}"
        self._replace("group", old.name, line)

    def remove_group(self, name: str) -> None:
        """Remove its line."""
        self._replace("group", name, None)

    def add_user(self, user: User, *, system: bool, non_unique: bool, home: NewHome) -> None:
        """Add a line to each file, and the group of the same name where none is given."""
        del non_unique
        if not user.group:
            if accounts.group(self._machine, user.name) is None:
                self.add_group(Group(name=user.name), system=system)
            user = changed(user, group=user.name)
        taken = {each.uid for each in accounts.users(self._machine)}
        uid = user.uid if user.uid >= 0 else _free(taken, system=system)
        user = changed(
            user,
            uid=uid,
            home=user.home or f"/home/{user.name}",
            shell=user.shell or "/bin/sh",
        )
        self._add("passwd", self._line(user))
        self._add("shadow", f"{user.name}:!:19000:0:99999:7:::")
        self._join(user)
        if home.create and self._machine.files.stat(user.home) is None:
            self._make_home(user)

    def change_user(self, old: User, new: User, *, move_home: bool, non_unique: bool) -> None:
        """Replace its line, and its name in the groups."""
        del move_home, non_unique
        self._replace("passwd", old.name, self._line(new))
        self._join(new)

    def remove_user(self, name: str, *, remove: bool, force: bool) -> None:
        """Remove its lines, and the group that is its own alone."""
        del force
        user = accounts.user(self._machine, name)
        if user is None:
            raise NotFoundError(f"there is no user '{name}'")
        self._join(changed(user, groups=()))
        self._replace("passwd", name, None)
        self._replace("shadow", name, None)
        own = accounts.group(self._machine, name)
        others = {each.group for each in accounts.users(self._machine)}
        if own and not own.members and user.group == name and name not in others:
            self._replace("group", name, None)
        if remove and self._machine.files.stat(user.home, follow=False):
            self._drop(user.home)

    def set_password(self, name: str, password: str) -> None:
        """Replace the hash in its line of ``shadow``."""
        self._shadow(name, {1: password})

    def set_aging(self, name: str, aging: Aging) -> None:
        """Replace the days in its line of ``shadow``."""
        fields = {3: aging.minimum, 4: aging.maximum, 5: aging.warning, 7: aging.expires}
        self._shadow(name, {at: "" if each is None else str(each) for at, each in fields.items()})

    def _line(self, user: User) -> str:
        group = accounts.group(self._machine, user.group)
        gid = group.gid if group else user.group
        return f"{user.name}:x:{user.uid}:{gid}:{user.comment}:{user.home}:{user.shell}"

    def _join(self, user: User) -> None:
        for group in accounts.groups(self._machine):
            members = [each for each in group.members if each != user.name]
            if group.name in user.groups:
                members = [*group.members] if user.name in group.members else [*members, user.name]
            if tuple(members) != group.members:
                self.change_group(group, changed(group, members=tuple(members)))

    def _make_home(self, user: User) -> None:
        group = accounts.group(self._machine, user.group)
        if self._machine.files.stat(posixpath.dirname(user.home)) is not None:
            gid = group.gid if group else 0
            self._machine.files.mkdir(user.home, Attributes(mode=0o755, uid=user.uid, gid=gid))

    def _drop(self, path: str) -> None:
        found = self._machine.files.stat(path, follow=False)
        if found and found.kind == "directory":
            for name in self._machine.files.listdir(path):
                self._drop(posixpath.join(path, name))
        self._machine.files.remove(path)

    def _shadow(self, name: str, fields: dict[int, str]) -> None:
        row = next(
            (line.split(":") for line in self._lines("shadow") if line.startswith(f"{name}:")),
            [name, "", "19000", "0", "99999", "7", "", "", ""],
        )
        for at, value in fields.items():
            row[at] = value
        self._replace("shadow", name, ":".join(row))

    def _lines(self, database: str) -> list[str]:
        path = f"/etc/{database}"
        if self._machine.files.stat(path) is None:
            return []
        return self._machine.files.read(path).decode(errors="surrogateescape").splitlines()

    def _add(self, database: str, line: str) -> None:
        self._write(database, [*self._lines(database), line])

    def _replace(self, database: str, name: str, line: str | None) -> None:
        lines = [line if each.startswith(f"{name}:") else each for each in self._lines(database)]
        self._write(database, [each for each in lines if each is not None])

    def _write(self, database: str, lines: list[str]) -> None:
        path = f"/etc/{database}"
        found = self._machine.files.stat(path)
        usual = _SHADOW if database == "shadow" else Attributes(mode=0o644)
        now = replace(usual, mode=found.mode, uid=found.uid, gid=found.gid) if found else usual
        text = "".join(f"{line}\n" for line in lines)
        self._machine.files.write(path, text.encode(errors="surrogateescape"), now)


def _free(taken: set[int], *, system: bool) -> int:
    """The number that login.defs(5) would have chosen: the next one up, from above for a system."""
    if system:
        inside = range(_LAST_SYSTEM, _FIRST_SYSTEM, -1)
        return next(number for number in inside if number not in taken)
    mine = [number for number in taken if _FIRST <= number < 60000]
    return max(mine, default=_FIRST - 1) + 1
