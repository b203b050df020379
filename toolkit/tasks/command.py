"""``command``: run a program, without a shell."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import commanding
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task


@task("command")
@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Run a program with its arguments; Ansible's ``command``.

    ``creates`` and ``removes`` say which file makes it needless. Where check mode would run it, its
    result is unknown, and a condition that asks for it is not decided.
    """

    aliases: ClassVar[Mapping[str, str]] = {"_raw_params": "cmd", "free_form": "cmd"}
    acts: ClassVar[bool] = True

    cmd: str | None = None
    argv: tuple[str, ...] = ()
    chdir: str | None = None
    creates: str | None = None
    removes: str | None = None
    stdin: str | None = None
    stdin_add_newline: bool = True
    strip_empty_ends: bool = True
    expand_argument_vars: bool = True

    def __post_init__(self) -> None:
        if (self.cmd is None) == (not self.argv):
            raise InvalidInputError("needs either a command or argv")
        if self.cmd is not None and not self._words():
            raise InvalidInputError("no command given")

    def _words(self) -> tuple[str, ...]:
        if self.cmd is None:
            return self.argv
        try:
            return tuple(shlex.split(self.cmd))
        except ValueError as error:
            raise InvalidInputError(f"{str(error).lower()}: '{self.cmd}'") from None

    def plan(self, host: Host) -> Plan:
        """Run it if its files ask for it."""
        words = self._words()
        if self.expand_argument_vars:
            words = tuple(os.path.expandvars(word) for word in words)
        command = commanding.Command(
            argv=words,
            shown=list(words),
            chdir=self.chdir,
            creates=self.creates,
            removes=self.removes,
            stdin=commanding.typed(self.stdin, newline=self.stdin_add_newline),
            strip=self.strip_empty_ends,
        )
        return (yield from commanding.run(host, command))
