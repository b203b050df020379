"""``service_facts``: which services there are and how they are, as facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import UnsupportedError
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task

_LIST = ("--no-pager", "--no-legend", "--plain", "--all", "--type", "service")
_BAD = ("not-found", "masked", "failed")


@task("service_facts")
@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceFacts:
    """Tell the services in ``ansible_facts.services``; Ansible's ``service_facts``.

    Each has ``state`` (``running``, ``stopped``, ``inactive``) and ``status`` (``enabled``,
    ``disabled``, ``static``, and before these ``failed``, ``masked`` and ``not-found``).
    """

    reads: ClassVar[bool] = True

    def plan(self, host: Host) -> Plan:
        """Ask systemd; nothing ever changes."""
        yield from ()
        files = host.run(("systemctl", "list-unit-files", *_LIST))
        if files.status == 127:
            raise UnsupportedError(
                "this host has no systemd", hint="dockyard knows of services through systemd only"
            )
        loaded = host.run(("systemctl", "list-units", *_LIST))
        found = dict(_units(loaded.stdout))
        for name, status in _rows(files.stdout):
            if name not in found:
                state = "unknown" if "@." in name else "inactive"
                found[name] = _told(name, state, status)
            elif found[name]["status"] not in _BAD:
                found[name] = _told(name, found[name]["state"], status)
        return {"ansible_facts": {"services": found}}


def _told(name: str, state: str, status: str) -> dict[str, str]:
    return {"name": name, "state": state, "status": status, "source": "systemd"}


def _rows(said: str) -> list[tuple[str, str]]:
    words = [line.split() for line in said.splitlines()]
    return [(row[0], row[1]) for row in words if len(row) > 1 and row[0].endswith(".service")]


def _units(said: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each loaded unit; the columns are unit, load, active and sub state."""
    for row in (line.lstrip("● ").split() for line in said.splitlines()):
        if len(row) > 3 and row[0].endswith(".service"):
            name, states = row[0], row[1:4]
            bad = [word for word in states if word in _BAD]
            state = "running" if states[2] == "running" else "stopped"
            yield name, _told(name, state, bad[0] if bad else "unknown")
