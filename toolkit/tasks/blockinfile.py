"""``blockinfile``: a text file has this block of lines between two markers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.editing import TextFile, ended, lines_of, pattern
from toolkit.tasks.host import Host
from toolkit.tasks.lineinfile import BEGIN, END
from toolkit.tasks.presence import Presence
from toolkit.tasks.registry import Plan, task


@task("blockinfile")
@dataclass(frozen=True, kw_only=True, slots=True)
class BlockInFile(TextFile):
    """Hold a block of lines between two marker lines; Ansible's ``blockinfile``.

    ``{mark}`` in ``marker`` stands for ``marker_begin`` and ``marker_end``. A new block goes
    after the last line that fits ``insertafter``, before the last that fits ``insertbefore``, else
    to the end. An empty block is as ``absent``.
    """

    aliases: ClassVar[Mapping[str, str]] = {
        "dest": "path",
        "destfile": "path",
        "name": "path",
        "content": "block",
    }

    block: str = ""
    state: Presence = Presence.PRESENT
    create: bool = False
    marker: str = "# {mark} ANSIBLE MANAGED BLOCK"
    marker_begin: str = "BEGIN"
    marker_end: str = "END"
    insertafter: str | None = None
    insertbefore: str | None = None
    append_newline: bool = False
    prepend_newline: bool = False

    def __post_init__(self) -> None:
        if self.insertafter is not None and self.insertbefore is not None:
            raise InvalidInputError("insertafter and insertbefore exclude each other")
        if "\n" in "".join((self.marker, self.marker_begin, self.marker_end)):
            raise InvalidInputError("a marker is one line")
        if self._marker(self.marker_begin) == self._marker(self.marker_end):
            raise InvalidInputError(
                "both markers are equal, so the end of the block could not be found",
                hint="put '{mark}' into marker, and give marker_begin and marker_end two words",
            )
        for name in ("insertafter", "insertbefore"):
            pattern(name, getattr(self, name) or "")

    def _marker(self, mark: str) -> str:
        return self.marker.replace("{mark}", mark) + "\n"

    def plan(self, host: Host) -> Plan:
        """Compare what stands between the markers."""
        path, text = self.read(host, create=self.create)
        block = self._block()
        new = "".join(self._held(lines_of(text or ""), block))
        said = _said(text, new, block)
        return (yield from self.keep(host, path, new, said, make=bool(block)))

    def _block(self) -> list[str]:
        """The block with its markers; nothing where there is to be none."""
        if self.state is Presence.ABSENT or not self.block:
            return []
        return [
            self._marker(self.marker_begin),
            *lines_of(ended(self.block)),
            self._marker(self.marker_end),
        ]

    def _held(self, lines: list[str], block: list[str]) -> list[str]:
        before, after = self._around(lines)
        if before and (block or after):
            before = [*before[:-1], ended(before[-1])]
        if block and self.prepend_newline and before and before[-1] != "\n":
            block = ["\n", *block]
        if block and self.append_newline and after and after[0] != "\n":
            block = [*block, "\n"]
        return [*before, *block, *after]

    def _around(self, lines: list[str]) -> tuple[list[str], list[str]]:
        """What stands before the block and after it, now or where it will be."""
        begin = _last(lines, self._marker(self.marker_begin))
        end = _last(lines, self._marker(self.marker_end))
        if begin is not None and end is not None:
            return lines[: min(begin, end)], lines[max(begin, end) + 1 :]
        place = self._place(lines)
        return lines[:place], lines[place:]

    def _place(self, lines: list[str]) -> int:
        if self.insertbefore == BEGIN:
            return 0
        anchor = self.insertbefore or self.insertafter
        if anchor is None or anchor == END:
            return len(lines)
        found = [number for number, line in enumerate(lines) if re.search(anchor, line)]
        if not found:
            return len(lines)
        return found[-1] if self.insertbefore else found[-1] + 1


def _last(lines: list[str], wanted: str) -> int | None:
    found = [number for number, line in enumerate(lines) if ended(line) == wanted]
    return found[-1] if found else None


def _said(old: str | None, new: str, block: list[str]) -> str:
    if (old or "") == new:
        return ""
    if old is None:
        return "File created"
    return "Block inserted" if block else "Block removed"
