"""What the tasks that edit a text file share: reading it, and writing it again.

Bytes that are no text of the file's encoding come through unharmed, and a file that ends without a
newline is only given one where a line has to follow.
"""

import io
import posixpath
import re
from dataclasses import dataclass

from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.tasks import modes, paths
from toolkit.tasks.host import Attributes, Host
from toolkit.tasks.paths import Ownership
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan

_OWNED = "ownership, perms or SE linux context changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """The arguments that these tasks have in common; they inherit them.

    ``backup`` keeps the old file beside the new one. ``validate`` is a program that judges the new
    content, ``%s`` its file.
    """

    path: str
    backup: bool = False
    validate: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None

    def read(self, host: Host, *, create: bool = False) -> tuple[str, str | None]:
        """Where the file is, links followed, and its text; ``None`` where it is to be made."""
        path = paths.resolve(host, paths.absolute(host, self.path))
        found = host.files.stat(path)
        if found is None:
            if not create and not host.may_appear(path):
                raise NotFoundError(f"'{path}' does not exist", hint="the task 'copy' makes a file")
            return path, None
        if found.kind != "file":
            raise ConflictError(f"'{path}' is a {found.kind}, not a file")
        return path, paths.text_of(host, path)

    def keep(self, host: Host, path: str, text: str, said: str, *, make: bool = True) -> Plan:
        """Hold the file at ``text`` and its attributes, and ``make`` it with those above it.

        The values are Ansible's ``msg``, which is ``said`` and whether attributes changed as well,
        and ``backup_file``, the name of the old file where one was kept.
        """
        ownership = Ownership(owner=self.owner, group=self.group, mode=self.mode)
        found = host.files.stat(path)
        if found is None:
            if not make:
                return {"msg": said}
            yield from paths.make_directories(host, posixpath.dirname(path), paths.KEEP)
        now = paths.attributes_of(found) if found else Attributes(mode=modes.NEW_FILE)
        if ownership.wanted(host, now) != now:
            said = f"{said} and {_OWNED}" if said else _OWNED
        placement = Placement(
            dest=path,
            name="",
            data=paths.as_bytes(text),
            ownership=ownership,
            backup=self.backup,
            validate=self.validate,
        )
        values = yield from place(host, placement)
        backup = values.get("backup_file")
        return {"msg": said} | ({"backup_file": backup} if backup else {})


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only a newline ends one."""
    return io.StringIO(text, newline="\n").readlines()


def ended(line: str) -> str:
    """The line with a newline at its end."""
    return line if line.endswith("\n") else f"{line}\n"


def pattern(argument: str, text: str, flags: int = 0) -> re.Pattern[str]:
    """The regular expression of an argument; a broken one is told with its place."""
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise InvalidInputError(f"{argument} is no regular expression: {error}: '{text}'") from None
