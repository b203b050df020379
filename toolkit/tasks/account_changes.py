"""Changes to users and groups; each knows what it replaces."""

from toolkit.core.record import record, replace
from toolkit.facts import accounts
from toolkit.facts.accounts import Aging, Group, User
from toolkit.tasks.changes import Change, Difference, change_kind
from toolkit.tasks.host import Host, NewHome

for _name, _kind in (("group", Group), ("user", User), ("aging", Aging), ("new_home", NewHome)):
    change_kind(_name)(_kind)

_USER, _AGING = tuple(User.__annotations__), tuple(Aging.__annotations__)


@change_kind("add_group")
@record
class AddGroup(Change):
    """Add a group."""

    group: Group
    system: bool = False
    non_unique: bool = False

    def describe(self) -> str:
        """``add group web``."""
        return f"add group {self.group.name}"

    def apply(self, host: Host) -> None:
        """Add it."""
        host.accounts.add_group(self.group, system=self.system, non_unique=self.non_unique)

    def inverse(self) -> Change:
        """Remove it."""
        return RemoveGroup(group=self.group)


@change_kind("change_group")
@record
class ChangeGroup(Change):
    """Give a group another number."""

    old: Group
    new: Group

    def describe(self) -> str:
        """``change group web: gid 33 to 34``."""
        return f"change group {self.old.name}: gid {self.old.gid} to {self.new.gid}"

    def apply(self, host: Host) -> None:
        """Change it."""
        host.accounts.change_group(self.old, self.new)

    def inverse(self) -> Change:
        """Change it back."""
        return replace(self, old=self.new, new=self.old)


@change_kind("remove_group")
@record
class RemoveGroup(Change):
    """Remove a group."""

    group: Group

    def describe(self) -> str:
        """``remove group web``."""
        return f"remove group {self.group.name}"

    def apply(self, host: Host) -> None:
        """Remove it."""
        host.accounts.remove_group(self.group.name)

    def inverse(self) -> Change:
        """Add it again, with its members."""
        return AddGroup(group=self.group, non_unique=True)


@change_kind("add_user")
@record
class AddUser(Change):
    """Add a user; one that comes back gets its own group, password and days again."""

    user: User
    system: bool = False
    non_unique: bool = False
    home: NewHome = NewHome()
    own: Group | None = None
    password: str = ""
    aging: Aging | None = None

    def describe(self) -> str:
        """``add user web``."""
        return f"add user {self.user.name}"

    def apply(self, host: Host) -> None:
        """Add it."""
        if self.own and accounts.group(host, self.own.name) is None:
            host.accounts.add_group(self.own, system=False, non_unique=True)
        host.accounts.add_user(
            self.user, system=self.system, non_unique=self.non_unique, home=self.home
        )
        if self.password:
            host.accounts.set_password(self.user.name, self.password)
        if self.aging:
            host.accounts.set_aging(self.user.name, self.aging)

    def inverse(self) -> Change:
        """Remove the user; a home that was made stays, for there may be work in it."""
        return RemoveUser(user=self.user)


@change_kind("change_user")
@record
class ChangeUser(Change):
    """Give a user what differs."""

    old: User
    new: User
    move_home: bool = False
    non_unique: bool = False

    def describe(self) -> str:
        """``change user web: shell /bin/sh to /bin/bash``."""
        return f"change user {self.old.name}: {', '.join(self._differences())}"

    def _differences(self) -> list[str]:
        return [
            f"{name} {_shown(old)} to {_shown(new)}"
            for name in _USER
            if (old := getattr(self.old, name)) != (new := getattr(self.new, name))
        ]

    def apply(self, host: Host) -> None:
        """Change it."""
        host.accounts.change_user(
            self.old, self.new, move_home=self.move_home, non_unique=self.non_unique
        )

    def inverse(self) -> Change:
        """Change it back."""
        return replace(self, old=self.new, new=self.old)

    def difference(self) -> Difference:
        """What differs, a line each."""
        old, new = ([f"{n}: {_shown(getattr(u, n))}\n" for n in _USER] for u in self._both())
        pairs = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        return Difference(before="".join(a for a, _ in pairs), after="".join(b for _, b in pairs))

    def _both(self) -> tuple[User, User]:
        return self.old, self.new


@change_kind("remove_user")
@record
class RemoveUser(Change):
    """Remove a user; with ``remove``, the home and the mail too.

    ``own``, ``password`` and ``aging`` go with the user, and come back with it.
    """

    user: User
    remove: bool = False
    force: bool = False
    own: Group | None = None
    password: str = ""
    aging: Aging | None = None

    def describe(self) -> str:
        """``remove user web``."""
        return f"remove user {self.user.name}" + (" and its home" if self.remove else "")

    def apply(self, host: Host) -> None:
        """Remove it."""
        host.accounts.remove_user(self.user.name, remove=self.remove, force=self.force)

    def inverse(self) -> Change | None:
        """Add it again, unless its files are gone."""
        if self.remove:
            return None
        return AddUser(
            user=self.user,
            non_unique=True,
            home=NewHome(create=False),
            own=self.own,
            password=self.password,
            aging=self.aging,
        )


@change_kind("set_password")
@record
class SetPassword(Change):
    """Set the hash of a password; no text ever shows one."""

    name: str
    new: str
    old: str

    def describe(self) -> str:
        """``set the password of web``, ``lock`` or ``unlock`` it."""
        if self.new == f"!{self.old}":
            return f"lock the password of {self.name}"
        if self.old == f"!{self.new}":
            return f"unlock the password of {self.name}"
        return f"set the password of {self.name}"

    def apply(self, host: Host) -> None:
        """Set it."""
        host.accounts.set_password(self.name, self.new)

    def inverse(self) -> Change:
        """Set the old one."""
        return replace(self, new=self.old, old=self.new)


@change_kind("set_aging")
@record
class SetAging(Change):
    """Set when a password must change and the account ends."""

    name: str
    new: Aging
    old: Aging

    def describe(self) -> str:
        """``set the expiry of web``."""
        return f"set the expiry of {self.name}"

    def apply(self, host: Host) -> None:
        """Set it."""
        host.accounts.set_aging(self.name, self.new)

    def inverse(self) -> Change:
        """Set the old days."""
        return replace(self, new=self.old, old=self.new)

    def difference(self) -> Difference:
        """Both, a line each value."""
        return Difference(before=_days(self.old), after=_days(self.new))


def _days(aging: Aging) -> str:
    return "".join(f"{name}: {getattr(aging, name)}\n" for name in _AGING)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return str(value) or "none"
