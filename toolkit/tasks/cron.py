"""``cron``: a job or a variable of a crontab is there, or is not."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.facts import accounts, users
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.paths import Ownership
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task

_SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron")  # Debian's, Red Hat's
_FIELD = re.compile(r"[0-9A-Za-z*/,~-]+")  # crontab(5)
_COMMENT = "#Ansible: "


class Special(StrEnum):
    """A time with a name, ``@daily``."""

    ANNUALLY = "annually"
    DAILY = "daily"
    HOURLY = "hourly"
    MONTHLY = "monthly"
    REBOOT = "reboot"
    WEEKLY = "weekly"
    YEARLY = "yearly"


@task("cron")
@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """Hold one job of a user's crontab, or of a file in ``/etc/cron.d``; Ansible's ``cron``.

    The comment ``#Ansible: NAME`` above a job is how it is found again. With ``env`` the entry is
    a variable and ``job`` its value. A ``disabled`` job is commented out.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "value": "job",
        "dom": "day",
        "dow": "weekday",
    }

    name: str
    job: str | None = None
    state: Presence = Presence.PRESENT
    user: str | None = None
    cron_file: str | None = None
    minute: str = "*"
    hour: str = "*"
    day: str = "*"
    month: str = "*"
    weekday: str = "*"
    special_time: Special | None = None
    disabled: bool = False
    env: bool = False
    insertafter: str | None = None
    insertbefore: str | None = None
    backup: bool = False

    def __post_init__(self) -> None:
        if self.state is Presence.PRESENT and self.job is None:
            raise InvalidInputError("job is missing")
        if "\n" in f"{self.name}{self.job}":
            raise InvalidInputError("name and job are one line each")
        for field in ("minute", "hour", "day", "month", "weekday"):
            if not _FIELD.fullmatch(getattr(self, field)):
                raise InvalidInputError(
                    f"{field} is '{getattr(self, field)}', which crontab(5) does not know"
                )
        if self.special_time and self._times() != "* * * * *":
            raise InvalidInputError("special_time excludes minute, hour, day, month and weekday")
        if self.insertafter is not None and self.insertbefore is not None:
            raise InvalidInputError("insertafter and insertbefore exclude each other")
        if (self.insertafter or self.insertbefore) and not self.env:
            raise InvalidInputError("insertafter and insertbefore need env")

    def _times(self) -> str:
        return " ".join((self.minute, self.hour, self.day, self.month, self.weekday))

    def plan(self, host: Host) -> Plan:
        """Compare the entry with what is wanted."""
        path, ownership = self._file(host)
        text = paths.text_of(host, path)
        lines = text.splitlines()
        new = self._variable(lines) if self.env else self._job(lines)
        values: dict[str, object] = {"jobs": _named(new), "envs": _variables(new)}
        if self.cron_file is not None:
            values["cron_file"] = self.cron_file
        if new == lines:
            return values
        data = paths.as_bytes("".join(f"{line}\n" for line in new))
        if self.cron_file and not new:
            yield from paths.remove(host, path)
            return values | {"state": "absent"}
        placement = Placement(
            dest=path, name="", data=data, ownership=ownership, backup=self.backup
        )
        placed = yield from place(host, placement)
        kept = {"backup_file": placed["backup_file"]} if "backup_file" in placed else {}
        return values | kept

    def _file(self, host: Host) -> tuple[str, Ownership]:
        if self.cron_file is not None:
            path = posixpath.join("/etc/cron.d", self.cron_file)
            return path, Ownership(owner=None, group=None, mode="0644")
        user = self.user or "root"
        users.user_id(host, user)
        folder = next((each for each in _SPOOLS if host.files.stat(each)), "")
        if not folder:
            if not host.may_appear(_SPOOLS[0]):
                raise NotFoundError(
                    "this host has no crontabs", hint="install the package 'cron' first"
                )
            folder = _SPOOLS[0]
        group = "crontab" if accounts.group(host, "crontab") else user
        return posixpath.join(folder, user), Ownership(owner=user, group=group, mode="0600")

    def _line(self) -> str:
        sign = "#" if self.disabled else ""
        when = f"@{self.special_time}" if self.special_time else self._times()
        who = f" {self.user or 'root'}" if self.cron_file is not None else ""
        return f"{sign}{when}{who} {self.job}"

    def _job(self, lines: list[str]) -> list[str]:
        mark = f"{_COMMENT}{self.name}"
        wanted = [mark, self._line()] if self.state is Presence.PRESENT else []
        new, at = [], 0
        found = False
        while at < len(lines):
            if lines[at] == mark:
                new += [] if found else wanted
                found = True
                at += 2
            else:
                new.append(lines[at])
                at += 1
        return new if found else [*new, *wanted]

    def _variable(self, lines: list[str]) -> list[str]:
        wanted = f'{self.name}="{self.job}"'
        found = [at for at, line in enumerate(lines) if _assigns(line) == self.name]
        if self.state is Presence.ABSENT:
            return [line for at, line in enumerate(lines) if at not in found]
        if found:
            return [*lines[: found[0]], wanted, *lines[found[0] + 1 :]]
        anchor = self.insertafter or self.insertbefore
        if anchor is None:
            return [wanted, *lines]
        places = [at for at, line in enumerate(lines) if _assigns(line) == anchor]
        if not places:
            raise NotFoundError(f"the crontab has no variable '{anchor}'")
        at = places[0] + (1 if self.insertafter else 0)
        return [*lines[:at], wanted, *lines[at:]]


def _assigns(line: str) -> str:
    """The variable that a line sets, ``""`` if it sets none."""
    found = re.match(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=", line)
    return found[1] if found else ""


def _named(lines: list[str]) -> list[str]:
    return [line.removeprefix(_COMMENT) for line in lines if line.startswith(_COMMENT)]


def _variables(lines: list[str]) -> list[str]:
    return [name for name in map(_assigns, lines) if name]
