"""``shell``: run a line in a shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.tasks import commanding
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task


@task("shell")
@dataclass(frozen=True, kw_only=True, slots=True)
class Shell:
    """Run a line in ``/bin/sh``, or in ``executable``; Ansible's ``shell``.

    As ``command`` otherwise.
    """

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "cmd", "free_form": "cmd"}
    acts: ClassVar[bool] = True

    cmd: str
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    executable: str | None = None
    stdin: str | None = None
    stdin_add_newline: bool = True

    def plan(self, host: Host) -> Plan:
        """Run it if its files ask for it."""
        command = commanding.Command(
            argv=(self.executable or "/bin/sh", "-c", self.cmd),
            shown=self.cmd,
            chdir=self.chdir,
            creates=self.creates,
            removes=self.removes,
            stdin=commanding.typed(self.stdin, newline=self.stdin_add_newline),
        )
        return (yield from commanding.run(host, command))
