"""``engine``: Docker's API is served on a socket, by a unit that systemd starts on demand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import modes, paths
from toolkit.tasks.changes import Change
from toolkit.tasks.group import Group
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import ChangeUnit, DaemonReload, UnitAction

FOLDER = "/etc/systemd/system"
SOCKET, SERVICE = "dockyard.socket", "dockyard.service"
_ACTIVE = ("active", "activating", "reloading")

_SOCKET_UNIT = """\
# Written by dockyard's task 'engine'.
[Unit]
Description=Docker's API of Dockyard

[Socket]
ListenStream={socket}
SocketMode=0660
SocketUser=root
SocketGroup={group}
DirectoryMode=0711
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""

# KillMode=process: a stop or an upgrade ends the server, and every container goes on. Delegate=yes:
# systemd leaves the groups of containers alone. Type=notify: who asks meanwhile waits.
_SERVICE_UNIT = """\
# Written by dockyard's task 'engine'.
[Unit]
Description=Dockyard's engine
Requires={socket_unit}
After={socket_unit} network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={command}
KillMode=process
Delegate=yes
Restart=on-failure
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""


@task("engine")
@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """Serve Docker's API: ``dockyard engine serve`` as a systemd service, started by its socket.

    ``program`` is the ``dockyard`` of the host. The socket is for root and for ``group``, whose
    members are root as far as containers go; the group is made, and stays when the engine is taken
    away. ``tcp`` (``HOST:PORT``) listens for clients with certificates as well. A changed unit
    restarts the server, never a container.
    """

    aliases: ClassVar[Mapping[str, str]] = {"path": "program"}
    proves: ClassVar[tuple[str, ...]] = ("HOST-ENGINE-18",)

    program: str = "/usr/local/bin/dockyard"
    socket: str = "/run/dockyard/engine.sock"
    group: str = "dockyard"
    tcp: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    state: Presence = Presence.PRESENT
    enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("program", "socket"):
            value = getattr(self, name)
            if not value.startswith("/") or any(char.isspace() for char in value):
                raise InvalidInputError(f"{name}: '{value}' is no absolute path without blanks")
        given = [bool(getattr(self, f"tls_{name}")) for name in ("cert", "key", "ca")]
        if self.tcp and not all(given):
            raise InvalidInputError(
                "tcp needs tls_cert, tls_key and tls_ca",
                hint="whoever reaches the API is root there, so it is for client certificates only",
            )
        if not self.tcp and any(given):
            raise InvalidInputError("tls_cert, tls_key and tls_ca have no meaning without tcp")

    def plan(self, host: Host) -> Plan:
        """Compare group, units and what runs."""
        if self.state is Presence.ABSENT:
            yield from self._remove(host)
            return {"socket": self.socket}
        if host.files.stat(self.program) is None and not host.may_appear(self.program):
            raise NotFoundError(
                f"there is no '{self.program}' on this host",
                hint="install dockyard there, or name it with 'program'",
            )
        yield from Group(name=self.group, system=True).plan(host)
        changed = set()
        for name, text in self._units().items():
            for change in _hold(host, name, text):
                changed.add(name)
                yield change
        if changed and host.services.running():
            yield DaemonReload()
        yield from self._boot(host)
        if host.services.running():
            yield from self._now(host, changed)
        return {"socket": self.socket, "group": self.group}

    def _units(self) -> dict[str, str]:
        words = [self.program, "engine", "serve"]
        if self.tcp:
            words += ["--tcp", self.tcp, "--tls-cert", self.tls_cert]
            words += ["--tls-key", self.tls_key, "--tls-ca", self.tls_ca]
        command = " ".join(word.replace("%", "%%") for word in words)
        return {
            SOCKET: _SOCKET_UNIT.format(socket=self.socket, group=self.group),
            SERVICE: _SERVICE_UNIT.format(socket_unit=SOCKET, command=command),
        }

    def _boot(self, host: Host) -> Iterator[Change]:
        for name in (SOCKET, SERVICE):
            enabled = host.services.unit(name).enabled == "enabled"
            if self.enabled and not enabled:
                yield ChangeUnit(name=name, action=UnitAction.ENABLE.value)
            elif enabled and not self.enabled:
                yield ChangeUnit(name=name, action=UnitAction.DISABLE.value)

    def _now(self, host: Host, changed: set[str]) -> Iterator[Change]:
        """The socket listens; a running server is one of the units as they are now."""
        serves = host.services.unit(SERVICE).active in _ACTIVE
        if host.services.unit(SOCKET).active not in _ACTIVE:
            yield ChangeUnit(name=SOCKET, action=UnitAction.START.value)
        elif SOCKET in changed:
            if serves:  # systemd makes no socket anew whose service runs
                yield ChangeUnit(name=SERVICE, action=UnitAction.STOP.value)
            yield ChangeUnit(name=SOCKET, action=UnitAction.RESTART.value)
            return
        if serves and changed:
            yield ChangeUnit(name=SERVICE, action=UnitAction.RESTART.value)

    def _remove(self, host: Host) -> Iterator[Change]:
        """Containers go on; the server and its socket are gone."""
        gone = False
        for name in (SERVICE, SOCKET):
            unit = host.services.unit(name)
            if unit.active in _ACTIVE:
                yield ChangeUnit(name=name, action=UnitAction.STOP.value)
            if unit.enabled == "enabled":
                yield ChangeUnit(name=name, action=UnitAction.DISABLE.value)
            for change in paths.remove(host, f"{FOLDER}/{name}"):
                gone = True
                yield change
        if gone and host.services.running():
            yield DaemonReload()


def _hold(host: Host, name: str, text: str) -> Iterator[Change]:
    owned = paths.Ownership(owner="0", group="0", mode=f"{modes.NEW_FILE:04o}")
    yield from paths.make_directories(
        host, FOLDER, paths.Ownership(owner="0", group="0", mode=None)
    )
    yield from paths.write(host, f"{FOLDER}/{name}", text.encode(), owned)
