"""``mount``: a file system is mounted, now or at boot, or is not."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.mount_changes import Mounted, MountIt, UnmountIt, mounted_at
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task

FSTAB = "/etc/fstab"


class State(StrEnum):
    """What is wanted of the mount, and of its line in ``fstab``."""

    ABSENT = "absent"
    ABSENT_FROM_FSTAB = "absent_from_fstab"
    EPHEMERAL = "ephemeral"
    MOUNTED = "mounted"
    PRESENT = "present"
    REMOUNTED = "remounted"
    UNMOUNTED = "unmounted"


_WRITES = (State.MOUNTED, State.PRESENT)
_MOUNTS = (State.MOUNTED, State.EPHEMERAL)


@task("mount")
@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """Hold a mount and its line in ``/etc/fstab``; ``ansible.posix.mount``.

    ``mounted`` does both, ``present`` only writes the line, ``ephemeral`` only mounts;
    ``unmounted`` keeps the line, ``absent`` removes line, mount and mount point,
    ``absent_from_fstab`` only the line. A ``boot: false`` line has the option ``noauto``.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "path"}

    path: str
    state: State
    src: str | None = None
    fstype: str | None = None
    opts: str | None = None
    dump: str = "0"
    passno: str = "0"
    boot: bool = True
    fstab: str = FSTAB
    backup: bool = False

    def __post_init__(self) -> None:
        if self.state in (*_WRITES, State.EPHEMERAL) and not (self.src and self.fstype):
            raise InvalidInputError(f"state '{self.state}' needs src and fstype")
        for name in ("path", "src", "fstype", "opts"):
            if "\n" in (getattr(self, name) or ""):
                raise InvalidInputError(f"{name} holds a new line")

    def plan(self, host: Host) -> Plan:
        """Compare the line, then the mount."""
        path = paths.absolute(host, self.path)
        now = mounted_at(host, path)
        values: dict[str, object] = {"name": path, "fstab": self.fstab, "opts": self._options()}
        values |= {"src": self.src, "fstype": self.fstype, "dump": self.dump}
        values |= {"passno": self.passno, "boot": "yes" if self.boot else "no"}
        if self.state is State.ABSENT:
            yield from self._unmount(now)
        if self.state in _WRITES:
            values |= yield from self._line(host, path, self._written(path))
        elif self.state in (State.ABSENT, State.ABSENT_FROM_FSTAB):
            values |= yield from self._line(host, path, None)
        if self.state in _MOUNTS:
            yield from self._mount(host, path, now)
        elif self.state is State.UNMOUNTED:
            yield from self._unmount(now)
        elif self.state is State.REMOUNTED and now:
            yield MountIt(new=now, remount=True)
        elif self.state is State.ABSENT and _is_empty(host, path):
            yield from paths.remove(host, path)
        return values

    def _options(self) -> str:
        words = [word for word in (self.opts or "defaults").split(",") if word]
        if not self.boot and "noauto" not in words:
            words.append("noauto")
        return ",".join(words)

    def _written(self, path: str) -> str:
        fields = (str(self.src), path, str(self.fstype), self._options(), self.dump, self.passno)
        return " ".join(_escaped(field) for field in fields)

    def _line(self, host: Host, path: str, wanted: str | None) -> Plan:
        """The table with this line in place of the one for the same path."""
        fstab = paths.absolute(host, self.fstab)
        text = paths.text_of(host, fstab)
        new: list[str] = []
        for line in text.splitlines():
            if not _is_for(line, path):
                new.append(line)
            elif wanted is not None:
                new.append(line if line.split() == wanted.split() else wanted)
                wanted = None
        new += [] if wanted is None else [wanted]
        if new == text.splitlines():
            return {"backup_file": ""}
        data = paths.as_bytes("".join(f"{line}\n" for line in new))
        told = yield from place(
            host,
            Placement(dest=fstab, name="", data=data, ownership=paths.KEEP, backup=self.backup),
        )
        return {"backup_file": told.get("backup_file", "")}

    def _mount(self, host: Host, path: str, now: Mounted | None) -> Iterator[Change]:
        wanted = Mounted(
            path=path, src=str(self.src), fstype=str(self.fstype), opts=self._options()
        )
        if host.files.stat(path) is None:
            yield from paths.make_directories(host, path, paths.KEEP)
        if now is None:
            yield MountIt(new=wanted)
        elif (now.src, now.fstype) != (wanted.src, wanted.fstype) and "bind" not in wanted.opts:
            yield UnmountIt(old=now)
            yield MountIt(new=wanted)

    def _unmount(self, now: Mounted | None) -> Iterator[Change]:
        if now is not None:
            yield UnmountIt(old=now)


def _is_for(line: str, path: str) -> bool:
    fields = line.split()
    return len(fields) > 1 and not line.lstrip().startswith("#") and fields[1] == _escaped(path)


def _escaped(field: str) -> str:
    """As fstab(5) writes blanks."""
    return field.replace(" ", "\\040").replace("\t", "\\011")


def _is_empty(host: Host, path: str) -> bool:
    found = host.files.stat(path, follow=False)
    if found is None or found.kind != "directory" or posixpath.ismount(path):
        return False
    return not host.files.listdir(path)
