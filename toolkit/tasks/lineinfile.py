"""``lineinfile``: a text file has this line, or has it not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.editing import TextFile, ended, lines_of, pattern
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task

BEGIN, END = "BOF", "EOF"


@task("lineinfile")
@dataclass(frozen=True, kw_only=True, slots=True)
class LineInFile(TextFile):
    """Hold one line of a text file; Ansible's ``lineinfile``.

    ``regexp`` or ``search_string`` finds the line to replace, the last one or with ``firstmatch``
    the first. Where none is found, ``line`` goes after ``insertafter`` or before ``insertbefore``
    (regular expressions, ``EOF``, ``BOF``), else to the end. With ``backrefs`` the line is
    made from the groups of ``regexp``, and nothing is added without a match. ``absent`` removes
    every line that fits.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "dest": "path",
        "destfile": "path",
        "name": "path",
        "value": "line",
        "regex": "regexp",
    }

    line: str | None = None
    regexp: str | None = None
    search_string: str | None = None
    state: Presence = Presence.PRESENT
    create: bool = False
    backrefs: bool = False
    insertafter: str | None = None
    insertbefore: str | None = None
    firstmatch: bool = False

    def __post_init__(self) -> None:
        if self.regexp is not None and self.search_string is not None:
            raise InvalidInputError("regexp and search_string exclude each other")
        if self.insertafter is not None and self.insertbefore is not None:
            raise InvalidInputError("insertafter and insertbefore exclude each other")
        if self.backrefs and self.regexp is None:
            raise InvalidInputError("backrefs needs regexp, whose groups it uses")
        if self.state is Presence.PRESENT and self.line is None:
            raise InvalidInputError("line is missing")
        if self.state is Presence.ABSENT and self._sought() == (None, None, None):
            raise InvalidInputError("state 'absent' needs line, regexp or search_string")
        for name in ("regexp", "insertafter", "insertbefore"):
            pattern(name, getattr(self, name) or "")

    def _sought(self) -> tuple[str | None, str | None, str | None]:
        return self.line, self.regexp, self.search_string

    def plan(self, host: Host) -> Plan:
        """Compare the file's lines."""
        if self.state is Presence.ABSENT:
            return (yield from self._remove(host))
        path, text = self.read(host, create=self.create)
        old = lines_of(text or "")
        new, said = self._held(old)
        kept = yield from self.keep(host, path, "".join(new), said, make=bool(said))
        return {"backup": kept.pop("backup_file", ""), **kept}

    def _remove(self, host: Host) -> Plan:
        path, text = self.read(host, create=True)
        if text is None:
            return {"msg": "file not present"}
        old = lines_of(text)
        new = [line for line in old if not self._fits(line)]
        found = len(old) - len(new)
        said = f"{found} line(s) removed" if found else ""
        kept = yield from self.keep(host, path, "".join(new), said)
        return {"found": found, "backup": kept.pop("backup_file", ""), **kept}

    def _fits(self, line: str) -> bool:
        if self.regexp is not None:
            return re.search(self.regexp, line) is not None
        if self.search_string is not None:
            return self.search_string in line
        return line.rstrip("\r\n") == self.line

    def _held(self, old: list[str]) -> tuple[list[str], str]:
        """The lines as they should be, and what was done in Ansible's words."""
        place = self._match(old)
        if place is None:
            return (old, "") if self.backrefs else self._added(old)
        new = self._replacement(old[place])
        if old[place] == new:
            return old, ""
        return [*old[:place], new, *old[place + 1 :]], "line replaced"

    def _match(self, old: list[str]) -> int | None:
        """Which line is to be replaced: one that is searched for, else one that is equal."""
        found: list[int] = []
        if self.regexp is not None or self.search_string is not None:
            found = [number for number, line in enumerate(old) if self._fits(line)]
        if found:
            return found[0] if self.firstmatch else found[-1]
        same = [number for number, line in enumerate(old) if line.rstrip("\r\n") == self.line]
        return same[-1] if same else None

    def _replacement(self, line: str) -> str:
        found = re.search(self.regexp, line) if self.backrefs and self.regexp else None
        if found is None:
            return ended(str(self.line))
        try:
            return ended(found.expand(str(self.line)))
        except (re.error, IndexError) as error:
            raise InvalidInputError(f"line does not fit the groups of regexp: {error}") from None

    def _added(self, old: list[str]) -> tuple[list[str], str]:
        place = self._place(old)
        whole = [*old[:-1], ended(old[-1])] if old else []
        return [*whole[:place], ended(str(self.line)), *whole[place:]], "line added"

    def _place(self, old: list[str]) -> int:
        if BEGIN in (self.insertbefore, self.insertafter):
            return 0
        anchor = self.insertbefore or self.insertafter
        if anchor is None or anchor == END:
            return len(old)
        found = [number for number, line in enumerate(old) if re.search(anchor, line)]
        if not found:
            return len(old)
        chosen = found[0] if self.firstmatch else found[-1]
        return chosen if self.insertbefore else chosen + 1
