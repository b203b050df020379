"""``ini_file``: an option of a section of an INI file has this value, or is not there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.editing import TextFile, ended, lines_of
from toolkit.tasks.host import Host
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task

_HEADER = re.compile(r"\s*\[(?P<name>.*)\]\s*")
_EMPTY = re.compile(r"\s*([#;].*)?\s*")


@task("ini_file")
@dataclass(frozen=True, kw_only=True, slots=True)
class IniFile(TextFile):
    """Hold one option of an INI file; ``community.general.ini_file``.

    Without ``section`` the option stands before the first one. With ``exclusive`` the option has
    just these values, else they are added or removed beside others. An option that is commented
    out is used with ``modify_inactive_option``. ``absent`` without ``option`` removes the section.
    ``ignore_spaces`` leaves a line alone that differs in blanks only.
    """

    aliases: ClassVar[Mapping[str, str]] = {"dest": "path"}

    section: str | None = None
    option: str | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    state: Presence = Presence.PRESENT
    create: bool = True
    exclusive: bool = True
    no_extra_spaces: bool = False
    ignore_spaces: bool = False
    allow_no_value: bool = False
    modify_inactive_option: bool = True

    def __post_init__(self) -> None:
        if self.value is not None and self.values:
            raise InvalidInputError("value and values exclude each other")
        if self.state is Presence.PRESENT:
            self._check_present()
        elif self.section is None and self.option is None:
            raise InvalidInputError("state 'absent' needs section or option")

    def _check_present(self) -> None:
        if self.option is None and self.section is None:
            raise InvalidInputError("option is missing")
        if self.option is not None and not self._wanted() and not self.allow_no_value:
            raise InvalidInputError(
                "value is missing", hint="'allow_no_value: true' makes an option without one"
            )

    def _wanted(self) -> tuple[str, ...]:
        return self.values if self.value is None else (self.value,)

    def plan(self, host: Host) -> Plan:
        """Compare the section's lines."""
        path, text = self.read(host, create=self.create or self.state is Presence.ABSENT)
        lines = [ended(line) for line in lines_of(text or "")]
        start, end = self._bounds(lines)
        held, said = self._removed(lines[start:end])
        if self.state is Presence.PRESENT:
            held, said = self._present(lines[start:end], known=start >= 0)
        start = len(lines) if start < 0 else start
        end = len(lines) if end < 0 else end
        new = "".join([*lines[:start], *held, *lines[end:]]) if said else text or ""
        kept = yield from self.keep(host, path, new, said or "OK", make=bool(said))
        return {"path": path, **kept}

    def _bounds(self, lines: list[str]) -> tuple[int, int]:
        """First line of the section (its header) and first after it; ``-1`` where it is not."""
        headers = [
            (number, found["name"])
            for number, line in enumerate(lines)
            if (found := _HEADER.fullmatch(line.rstrip("\r\n")))
        ]
        if self.section is None:
            return 0, headers[0][0] if headers else len(lines)
        mine = [number for number, name in headers if name == self.section]
        if not mine:
            return -1, -1
        after = [number for number, _ in headers if number > mine[0]]
        return mine[0], after[0] if after else len(lines)

    def _removed(self, lines: list[str]) -> tuple[list[str], str]:
        if self.option is None:
            return [], "section removed" if lines else ""
        wanted = () if self.exclusive else self._wanted()
        kept = [
            line
            for line in lines
            if not self._assigns(line) or (wanted and _value(line) not in wanted)
        ]
        return kept, "option changed" if kept != lines else ""

    def _present(self, lines: list[str], *, known: bool) -> tuple[list[str], str]:
        said = "" if known else "section and option added" if self.option else "section added"
        if not known:
            lines = [f"[{self.section}]\n"]
        if self.option is None:
            return lines, said
        wanted = [self._line(value) for value in self._wanted()] or [f"{self.option}\n"]
        new, missing = self._in_place(lines, wanted)
        place = _end(new)
        new = [*new[:place], *missing, *new[place:]]
        if new == lines:
            return lines, said
        return new, said or ("option added" if len(new) > len(lines) else "option changed")

    def _in_place(self, lines: list[str], wanted: list[str]) -> tuple[list[str], list[str]]:
        """The lines with the values put where the option stands, and what found no place."""
        held = {_plain(line) for line in lines if self._assigns(line)}
        missing = [line for line in wanted if _plain(line) not in held]
        known = {_plain(line): line for line in wanted}
        new: list[str] = []
        for line in lines:
            free = missing and (
                (self.exclusive and self._assigns(line)) or self._commented_out(line)
            )
            if self._assigns(line) and _plain(line) in known:
                same = known.pop(_plain(line))
                new.append(line if self.ignore_spaces else same)
            elif free:
                new.append(missing.pop(0))
            elif not (self.exclusive and self._assigns(line)):
                new.append(line)
        return new, missing

    def _line(self, value: str) -> str:
        sign = "=" if self.no_extra_spaces else " = "
        return f"{self.option}{sign}{value}\n".replace(" \n", "\n")

    def _assigns(self, line: str) -> bool:
        key = line.partition("=")[0].strip()
        return key == self.option and not _EMPTY.fullmatch(line)

    def _commented_out(self, line: str) -> bool:
        inside = line.strip()
        if not self.modify_inactive_option or not inside.startswith(("#", ";")):
            return False
        key, sign, _ = inside[1:].partition("=")
        return bool(sign) and key.strip() == self.option


def _value(line: str) -> str:
    return line.partition("=")[2].strip()


def _plain(line: str) -> str:
    """Key and value without the blanks around them."""
    key, sign, value = line.partition("=")
    return f"{key.strip()}{sign}{value.strip()}"


def _end(lines: list[str]) -> int:
    """Where a section's next option goes: before the blank lines and comments at its end."""
    place = len(lines)
    while place and _EMPTY.fullmatch(lines[place - 1]):
        place -= 1
    return place
