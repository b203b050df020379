"""``service``: a unit of systemd runs or not, and starts at boot or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host, Unit
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import ChangeUnit, DaemonReload, UnitAction

_TYPES = (  # systemd.unit(5)
    *("service", "socket", "device", "mount", "automount", "swap"),
    *("target", "path", "timer", "slice", "scope"),
)
_ENABLED = ("enabled", "enabled-runtime", "alias")
_FIXED = ("static", "indirect", "generated", "transient")  # nothing to enable, nothing to disable
_ACTIVE = ("active", "activating", "reloading")


class State(StrEnum):
    """What should be true of the running unit, or what should be done to it."""

    STARTED = "started"
    STOPPED = "stopped"
    RESTARTED = "restarted"
    RELOADED = "reloaded"


@task("service")
@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Hold a unit started or stopped, enabled or disabled, masked or not; Ansible's ``service``.

    Also takes what Ansible's ``systemd`` adds. Where systemd is not the manager of the running
    system (in an image, in a chroot), ``enabled`` and ``masked`` work on the files and ``state`` is
    refused.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "service": "name",
        "unit": "name",
        "daemon-reload": "daemon_reload",
    }

    name: str | None = None
    state: State | None = None
    enabled: bool | None = None
    masked: bool | None = None
    daemon_reload: bool = False

    def __post_init__(self) -> None:
        asked = (self.state, self.enabled, self.masked)
        if self.name is None and any(each is not None for each in asked):
            raise InvalidInputError("name is missing")
        if self.name is not None and not self.daemon_reload and asked == (None, None, None):
            raise InvalidInputError("needs one of state, enabled, masked and daemon_reload")

    def plan(self, host: Host) -> Plan:
        """Compare the unit with what is wanted of it."""
        if self.daemon_reload and host.services.running():
            yield DaemonReload()
        if self.name is None:
            return {}
        unit = self._unit(host, unit_name(self.name))
        if self.masked is not None and self.masked != (unit.enabled == "masked"):
            yield _do(unit, UnitAction.MASK if self.masked else UnitAction.UNMASK)
            unit = host.services.unit(unit.name)
        if self.enabled is not None:
            yield from self._boot(unit)
        if self.state is not None:
            yield from self._now(host, unit)
        return {
            "name": self.name,
            "state": self.state.value if self.state else None,
            "enabled": self.enabled,
        }

    def _unit(self, host: Host, name: str) -> Unit:
        unit = host.services.unit(name)
        if not unit.exists and not host.may_appear(f"/lib/systemd/system/{name}"):
            raise NotFoundError(
                f"there is no service '{name}' on this host",
                hint="install its package first; 'systemctl list-unit-files' lists what there is",
            )
        return unit

    def _boot(self, unit: Unit) -> Iterator[Change]:
        if unit.enabled in _FIXED:
            return
        if self.enabled and unit.enabled == "masked":
            raise ConflictError(f"'{unit.name}' is masked", hint="'masked: false' unmasks it")
        if self.enabled and unit.enabled not in _ENABLED:
            yield _do(unit, UnitAction.ENABLE)
        elif not self.enabled and unit.enabled in _ENABLED:
            yield _do(unit, UnitAction.DISABLE)

    def _now(self, host: Host, unit: Unit) -> Iterator[Change]:
        if not host.services.running():
            raise UnsupportedError(
                f"cannot have '{unit.name}' {self.state}: systemd does not run here",
                hint="leave out 'state' in an image or a chroot; 'enabled: true' has it started "
                "at boot",
            )
        active = unit.active in _ACTIVE
        if self.state is State.STARTED and not active:
            yield _do(unit, UnitAction.START)
        elif self.state is State.STOPPED and active:
            yield _do(unit, UnitAction.STOP)
        elif self.state is State.RESTARTED:
            yield _do(unit, UnitAction.RESTART if active else UnitAction.START)
        elif self.state is State.RELOADED:
            yield _do(unit, UnitAction.RELOAD if active else UnitAction.START)


def unit_name(name: str) -> str:
    """The full name of a unit: ``cron`` is ``cron.service``."""
    return name if name.rpartition(".")[2] in _TYPES else f"{name}.service"


def _do(unit: Unit, action: UnitAction) -> Change:
    return ChangeUnit(name=unit.name, action=action.value)
