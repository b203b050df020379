"""``systemd``: ``service`` under its other name, with what only systemd has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.service import Service
from toolkit.tasks.system_changes import RunCommand


@task("systemd")
@dataclass(frozen=True, kw_only=True, slots=True)
class Systemd(Service):
    """Hold a unit of systemd; Ansible's ``systemd`` and ``systemd_service``.

    As ``service``; ``daemon_reexec`` starts the manager itself anew. Units of a user's own manager
    (``scope: user``) are not managed.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        **Service.aliases,
        "daemon-reexec": "daemon_reexec",
    }

    daemon_reexec: bool = False
    scope: str = "system"

    def __post_init__(self) -> None:
        if self.scope != "system":
            raise InvalidInputError(
                f"scope '{self.scope}' is not managed",
                hint="dockyard manages the system's units; 'systemctl --user' does the others",
            )
        if not (self.daemon_reexec and self.name is None):
            Service.__post_init__(self)

    def plan(self, host: Host) -> Plan:
        """Compare the unit with what is wanted of it."""
        if self.daemon_reexec and host.services.running():
            yield RunCommand(argv=("systemctl", "daemon-reexec"))
        return (yield from Service.plan(self, host))
