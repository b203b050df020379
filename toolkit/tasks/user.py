"""``user``: a user of the host is there, with these properties, or is not."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.facts import accounts
from toolkit.facts.accounts import Aging
from toolkit.facts.accounts import User as Entry
from toolkit.tasks.account_changes import AddUser, ChangeUser, RemoveUser, SetAging, SetPassword
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host, NewHome
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.ssh_keys import KeyPair

_NAME = re.compile(r"[a-zA-Z0-9_.][a-zA-Z0-9_.-]*\$?")  # useradd(8), CAVEATS, with --badname
_DAY = 86400
_HASH = re.compile(r"[!*]*(\$[0-9a-z]+\$.+|[./0-9A-Za-z]{13}|)|[!*x]+")  # crypt(5)


class Update(StrEnum):
    """When is the password set?"""

    ALWAYS = "always"
    ON_CREATE = "on_create"


@task("user")
@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Hold a user; Ansible's ``user``.

    ``password`` is a hash, as the filter ``password_hash`` makes one. ``groups`` are the other
    groups, exactly or with ``append`` at least. ``expires`` is in seconds since 1970, below zero
    for never. ``remove`` takes the home away with an absent user. ``generate_ssh_key`` makes a key
    pair in ``ssh_key_file``, below the home, where there is none.
    """

    aliases: ClassVar[Mapping[str, str]] = {"user": "name", "createhome": "create_home"}

    name: str
    state: Presence = Presence.PRESENT
    uid: int | None = None
    non_unique: bool = False
    comment: str | None = None
    group: str | None = None
    groups: tuple[str, ...] | None = None
    append: bool = False
    home: str | None = None
    move_home: bool = False
    create_home: bool = True
    skeleton: str | None = None
    umask: str | None = None
    shell: str | None = None
    system: bool = False
    password: str | None = None
    update_password: Update = Update.ALWAYS
    password_lock: bool | None = None
    password_expire_min: int | None = None
    password_expire_max: int | None = None
    password_expire_warn: int | None = None
    expires: float | None = None
    remove: bool = False
    force: bool = False
    generate_ssh_key: bool = False
    ssh_key_type: str = "rsa"
    ssh_key_bits: int | None = None
    ssh_key_file: str | None = None
    ssh_key_comment: str | None = None
    ssh_key_passphrase: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "user")
        if self.non_unique and self.uid is None:
            raise InvalidInputError("non_unique needs uid")
        if self.append and self.groups is None:
            raise InvalidInputError("append needs groups")
        for name in ("comment", "home", "shell"):
            if re.search("[:\n]", getattr(self, name) or ""):
                raise InvalidInputError(f"{name} cannot hold a colon or a new line")
        if self.password is not None and not _HASH.fullmatch(self.password):
            raise InvalidInputError(
                "password is no hash, so nobody could log in with it",
                hint="{{ 'secret' | password_hash('sha512') }} makes one",
            )

    def plan(self, host: Host) -> Plan:
        """Compare the user with what is wanted of it."""
        found = accounts.user(host, self.name)
        if self.state is Presence.ABSENT:
            if found is not None:
                yield self._removal(host, found)
            gone: dict[str, Any] = {"name": self.name, "state": self.state.value}
            return gone | ({"remove": self.remove, "force": self.force} if found else {})
        self._allow(host)
        if found is None:
            yield from self._add(host)
        else:
            yield from self._change(host, found)
        yield from self._secrets(host, new=found is None)
        told: dict[str, Any] = yield from self._key(host)
        if found is None:
            told |= {"create_home": self.create_home, "system": self.system}
        else:
            told |= {"append": self.append, "move_home": self.move_home}
        return told | self._told(host)

    def _removal(self, host: Host, found: Entry) -> Change:
        return RemoveUser(
            user=found,
            remove=self.remove,
            force=self.force,
            own=accounts.group(host, found.group) if found.group == found.name else None,
            password=accounts.password(host, self.name),
            aging=accounts.aging(host, self.name),
        )

    def _allow(self, host: Host) -> None:
        for name in (*((self.group,) if self.group else ()), *(self.groups or ())):
            if accounts.group(host, name) is None:
                raise NotFoundError(
                    f"there is no group '{name}'", hint="make it first, with the task 'group'"
                )
        other = next((each for each in accounts.users(host) if each.uid == self.uid), None)
        if other and other.name != self.name and not self.non_unique:
            raise ConflictError(
                f"the uid {self.uid} is that of the user '{other.name}'",
                hint="'non_unique: true' allows it all the same",
            )

    def _add(self, host: Host) -> Iterator[Change]:
        own = self.name if accounts.group(host, self.name) else ""
        yield AddUser(
            user=Entry(
                name=self.name,
                uid=-1 if self.uid is None else self.uid,
                group=self._group(host) or own,
                comment=self.comment or "",
                home=self.home or "",
                shell=self.shell or "",
                groups=self._names(host),
            ),
            system=self.system,
            non_unique=self.non_unique,
            home=NewHome(
                create=self.create_home, skeleton=self.skeleton or "", umask=self.umask or ""
            ),
        )

    def _change(self, host: Host, found: Entry) -> Iterator[Change]:
        groups = found.groups
        if self.groups is not None:
            more = found.groups if self.append else ()
            groups = tuple(sorted({*self._names(host), *more}))
        new = Entry(
            name=self.name,
            uid=_given(self.uid, found.uid),
            group=self._group(host) or found.group,
            comment=_given(self.comment, found.comment),
            home=_given(self.home, found.home),
            shell=_given(self.shell, found.shell),
            groups=groups,
        )
        if new != found:
            yield ChangeUser(
                old=found, new=new, move_home=self.move_home, non_unique=self.non_unique
            )

    def _group(self, host: Host) -> str:
        found = accounts.group(host, self.group) if self.group else None
        return found.name if found else ""

    def _names(self, host: Host) -> tuple[str, ...]:
        """The other groups by name, the primary one left out."""
        found = [accounts.group(host, name) for name in self.groups or ()]
        own = self._group(host)
        return tuple(sorted({each.name for each in found if each and each.name != own}))

    def _secrets(self, host: Host, *, new: bool) -> Iterator[Change]:
        """The password, whether it is locked, and when things end."""
        now = accounts.password(host, self.name)
        wanted = now
        if self.password is not None and (new or self.update_password is Update.ALWAYS):
            wanted = self.password
            if self.password_lock is None and now == f"!{wanted}" and not new:
                wanted = now  # locked by somebody else, and nobody asked to unlock it
        if self.password_lock is True:
            wanted = wanted if wanted.startswith("!") else f"!{wanted}"
        elif self.password_lock is False and wanted not in ("!", "!!", ""):
            wanted = wanted.lstrip("!")
        if wanted != now:
            yield SetPassword(name=self.name, new=wanted, old=now)
        old = accounts.aging(host, self.name)
        aging = self._aging(old)
        if aging != old:
            yield SetAging(name=self.name, new=aging, old=old)

    def _aging(self, now: Aging) -> Aging:
        expires = now.expires
        if self.expires is not None:
            expires = None if self.expires < 0 else int(self.expires // _DAY)
        return Aging(
            minimum=_given(self.password_expire_min, now.minimum),
            maximum=_given(self.password_expire_max, now.maximum),
            warning=_given(self.password_expire_warn, now.warning),
            expires=expires,
        )

    def _key(self, host: Host) -> Plan:
        if not self.generate_ssh_key:
            return {}
        user = accounts.user(host, self.name)
        if user is None:
            return {}
        pair = KeyPair(
            path=posixpath.join(user.home, self.ssh_key_file or f".ssh/id_{self.ssh_key_type}"),
            kind=self.ssh_key_type,
            bits=self.ssh_key_bits,
            comment=self.ssh_key_comment or "ansible-generated",
            passphrase=self.ssh_key_passphrase or "",
        )
        return (yield from pair.make(host, user))

    def _told(self, host: Host) -> dict[str, Any]:
        user = accounts.user(host, self.name)
        told: dict[str, Any] = {"name": self.name, "state": self.state.value}
        if user is None:
            return told
        group = accounts.group(host, user.group)
        told |= {"uid": user.uid, "comment": user.comment, "home": user.home, "shell": user.shell}
        told["group"] = group.gid if group else user.group
        if self.groups is not None:
            told["groups"] = ",".join(self.groups)
        if self.password is not None:
            told["password"] = "NOT_LOGGING_PASSWORD"  # noqa: S105 - Ansible's word for none
        return told


def check_name(name: str, what: str) -> None:
    """Refuse what no user or group can be called."""
    if not _NAME.fullmatch(name) or len(name) > 32 or name.isdecimal():
        raise InvalidInputError(f"'{name}' is no name of a {what}")


def _given(wanted: Any, now: Any) -> Any:
    return now if wanted is None else wanted
