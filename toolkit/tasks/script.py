"""``script``: run a script of the controller on the host."""

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import commanding
from toolkit.tasks.copy import DIGEST
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import RunScript


@task("script")
@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """Send a script with the play and run it with its arguments; Ansible's ``script``.

    ``cmd`` begins with the script's name, which the runner has replaced by ``sha256:…#name``.
    ``creates`` and ``removes`` say which file makes it needless.
    """

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "cmd", "free_form": "cmd"}
    acts: ClassVar[bool] = True

    cmd: str
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    executable: str | None = None

    def __post_init__(self) -> None:
        if not self._words():
            raise InvalidInputError("no script given")

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.cmd)
        except ValueError as error:
            raise InvalidInputError(f"{str(error).lower()}: '{self.cmd}'") from None

    def plan(self, host: Host) -> Plan:
        """Run it if its files ask for it."""
        source, *words = self._words()
        if not source.startswith(DIGEST):
            raise NotFoundError(f"the script '{source}' did not come with the play")
        digest, _, name = source.partition("#")
        change = RunScript(
            name=posixpath.basename(name) or "script",
            content=host.artifact(digest),
            words=tuple(words),
            executable=tuple(shlex.split(self.executable or "")),
            cwd=self.chdir or "",
        )
        command = commanding.Command(
            argv=(name, *words),
            shown=" ".join((name, *words)),
            chdir=self.chdir,
            creates=self.creates,
            removes=self.removes,
            strip=False,
            brief=True,
        )
        return (yield from commanding.run(host, command, change))
