"""``group``: a group of the host is there, with this number, or is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError
from toolkit.core.record import replace
from toolkit.facts import accounts
from toolkit.facts.accounts import Group as Entry
from toolkit.tasks.account_changes import AddGroup, ChangeGroup, RemoveGroup
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.user import check_name


@task("group")
@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Hold a group; Ansible's ``group``.

    ``system`` takes a number of the system's range. ``non_unique`` allows a ``gid`` that another
    group has. A group that is the primary one of a user goes only with ``force``.
    """

    aliases: ClassVar[Mapping[str, str]] = {}

    name: str
    gid: int | None = None
    state: Presence = Presence.PRESENT
    system: bool = False
    non_unique: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "group")
        if self.non_unique and self.gid is None:
            raise InvalidInputError("non_unique needs gid")

    def plan(self, host: Host) -> Plan:
        """Compare the group with what is wanted of it."""
        found = accounts.group(host, self.name)
        if self.state is Presence.ABSENT:
            if found is not None:
                self._allow_removal(host)
                yield RemoveGroup(group=found)
            return {"name": self.name, "state": self.state.value}
        if found is None:
            gid = -1 if self.gid is None else self.gid
            self._allow_number(host, gid)
            wanted = Entry(name=self.name, gid=gid)
            yield AddGroup(group=wanted, system=self.system, non_unique=self.non_unique)
        elif self.gid is not None and self.gid != found.gid:
            self._allow_number(host, self.gid)
            yield ChangeGroup(old=found, new=replace(found, gid=self.gid))
        held = accounts.group(host, self.name)
        told = {"name": self.name, "state": self.state.value, "system": self.system}
        return told | ({"gid": held.gid} if held else {})

    def _allow_number(self, host: Host, gid: int) -> None:
        other = next((each for each in accounts.groups(host) if each.gid == gid), None)
        if other and not self.non_unique:
            raise ConflictError(
                f"the gid {gid} is that of the group '{other.name}'",
                hint="'non_unique: true' allows it all the same",
            )

    def _allow_removal(self, host: Host) -> None:
        users = [each.name for each in accounts.users(host) if each.group == self.name]
        if users and not self.force:
            raise ConflictError(
                f"'{self.name}' is the primary group of '{users[0]}'",
                hint="remove the user first, or use 'force: true'",
            )
