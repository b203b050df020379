"""``raw``: run a line in a shell, on a host that may lack everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.tasks import commanding
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task


@task("raw")
@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """Run a line in ``/bin/sh`` or ``executable``; Ansible's ``raw``.

    A host without python gets one before any task runs, so here it is a ``shell`` that has no
    options.
    """

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "cmd", "free_form": "cmd"}
    acts: ClassVar[bool] = True

    cmd: str
    executable: str | None = None

    def plan(self, host: Host) -> Plan:
        """Run it."""
        argv = (self.executable or "/bin/sh", "-c", self.cmd)
        command = commanding.Command(argv=argv, shown=self.cmd, strip=False, brief=True)
        return (yield from commanding.run(host, command))
