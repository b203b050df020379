"""``cgroup_delegation``: users may limit what they run, for rootless containers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.tasks import modes, paths
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.service import unit_name
from toolkit.tasks.system_changes import DaemonReload

FOLDER = "/etc/systemd/system"
FILE = "50-dockyard-delegate.conf"

# What systemd can delegate: systemd.resource-control(5).
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids", "hugetlb", "misc", "rdma")
_SECTIONS = {"service": "Service", "scope": "Scope", "slice": "Slice"}


@task("cgroup_delegation")
@dataclass(frozen=True, kw_only=True, slots=True)
class CgroupDelegation:
    """Hand cgroup controllers to what a unit runs, by a drop-in file with ``Delegate=``.

    The default unit is every user's manager, so that rootless containers can have limits. It
    counts for those who log in afterwards.
    """

    aliases: ClassVar[Mapping[str, str]] = {"name": "unit"}
    proves: ClassVar[tuple[str, ...]] = ("HOST-DELEG-17",)

    unit: str = "user@.service"
    controllers: tuple[str, ...] = ("cpu", "cpuset", "io", "memory", "pids")
    state: Presence = Presence.PRESENT

    def __post_init__(self) -> None:
        for name in self.controllers:
            if name not in CONTROLLERS:
                raise InvalidInputError(
                    f"'{name}' is no cgroup controller that can be delegated",
                    hint=did_you_mean(name, CONTROLLERS) or f"known: {', '.join(CONTROLLERS)}",
                )
        if not self.controllers:
            raise InvalidInputError("controllers is empty", hint="'state: absent' delegates none")
        if self._kind() not in _SECTIONS:
            raise InvalidInputError(f"'{self.unit}' is no service, scope or slice")

    def _kind(self) -> str:
        return unit_name(self.unit).rpartition(".")[2]

    def plan(self, host: Host) -> Plan:
        """Compare the drop-in file."""
        folder = f"{FOLDER}/{unit_name(self.unit)}.d"
        path = f"{folder}/{FILE}"
        changed = False
        for change in self._file(host, folder, path):
            changed = True
            yield change
        if changed and host.services.running():
            yield DaemonReload()
        return {"path": path, "controllers": list(self.controllers)}

    def _file(self, host: Host, folder: str, path: str) -> Iterator[Change]:
        if self.state is Presence.ABSENT:
            yield from paths.remove(host, path)
            if host.files.stat(folder) and not host.files.listdir(folder):
                yield from paths.remove(host, folder)
            return
        owned = paths.Ownership(owner="0", group="0", mode=None)
        yield from paths.make_directories(host, folder, owned)
        named = paths.Ownership(owner="0", group="0", mode=f"{modes.NEW_FILE:04o}")
        yield from paths.write(host, path, self._content().encode(), named)

    def _content(self) -> str:
        section = _SECTIONS[self._kind()]
        return (
            "# Written by dockyard: users may limit what they run in containers.\n"
            f"[{section}]\n"
            f"Delegate={' '.join(self.controllers)}\n"
        )
