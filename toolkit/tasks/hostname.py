"""``hostname``: the machine has this name, now and after a reboot."""

import re
from dataclasses import dataclass

from toolkit.core.errors import InvalidInputError
from toolkit.facts.machine import text
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import SetSysctl

FILE = "/etc/hostname"
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # hostname(7)


@task("hostname")
@dataclass(frozen=True, kw_only=True, slots=True)
class Hostname:
    """Hold the machine's name in the kernel and in ``/etc/hostname``; Ansible's ``hostname``."""

    name: str
    use: str | None = None

    def __post_init__(self) -> None:
        labels = self.name.split(".")
        if len(self.name) > 64 or not all(_LABEL.fullmatch(label) for label in labels):
            raise InvalidInputError(
                f"'{self.name}' is no host name",
                hint="letters, digits and '-', in parts of at most 63, 64 in all",
            )
        if self.use not in (None, "generic", "debian", "systemd"):
            raise InvalidInputError(f"dockyard cannot use the strategy '{self.use}'")

    def plan(self, host: Host) -> Plan:
        """Compare the kernel's name, then the file's."""
        now = text(host, "/proc/sys/kernel/hostname").strip()
        if now != self.name:
            yield SetSysctl(name="kernel.hostname", new=self.name, old=now)
        kept = text(host, FILE)
        if kept.strip() != self.name:
            yield from paths.write(host, FILE, f"{self.name}\n".encode(), paths.KEEP)
        return {"name": self.name, "ansible_facts": _facts(self.name)}


def _facts(name: str) -> dict[str, str]:
    short, _, domain = name.partition(".")
    return {
        "ansible_hostname": short,
        "ansible_nodename": name,
        "ansible_fqdn": name,
        "ansible_domain": domain,
    }
