"""``replace``: every place in a text file that fits a pattern reads like this."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.editing import TextFile, pattern
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task


@task("replace")
@dataclass(frozen=True, kw_only=True, slots=True)
class Replace(TextFile):
    """Replace what fits ``regexp``, in the whole file, by ``replace``; Ansible's ``replace``.

    ``^`` and ``$`` mean lines; groups of the pattern can stand in ``replace``. ``after`` and
    ``before`` are patterns that bound the part of the file that is looked at.
    """

    aliases: ClassVar[Mapping[str, str]] = {"dest": "path", "destfile": "path", "name": "path"}

    regexp: str
    replace: str = ""
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        for name in ("regexp", "after", "before"):
            pattern(name, getattr(self, name) or "")

    def plan(self, host: Host) -> Plan:
        """Compare the file with what the substitution gives."""
        path, text = self.read(host)
        text = text or ""
        start, end = self._part(text)
        if start < 0:
            kept = yield from self.keep(host, path, text, self._nothing(), make=False)
            return {"rc": 0, **kept}
        new, count = self._substituted(text[start:end])
        new = f"{text[:start]}{new}{text[end:]}"
        said = f"{count} replacements made" if new != text else ""
        kept = yield from self.keep(host, path, new, said, make=False)
        return {"rc": 0, **kept}

    def _substituted(self, part: str) -> tuple[str, int]:
        try:
            return pattern("regexp", self.regexp, re.MULTILINE).subn(self.replace, part)
        except (re.error, IndexError) as error:
            raise InvalidInputError(f"replace does not fit regexp's groups: {error}") from None

    def _part(self, text: str) -> tuple[int, int]:
        """Where the part that is looked at begins and ends; ``-1`` where there is none."""
        if not self.after and not self.before:
            return 0, len(text)
        bounds = self._bounds()
        found = pattern("after", bounds, re.DOTALL).search(text)
        return found.span("subsection") if found else (-1, -1)

    def _bounds(self) -> str:
        part = ".*?" if self.before and self.after else ".*"
        return f"{self.after or ''}(?P<subsection>{part}){self.before or ''}"

    def _nothing(self) -> str:
        return f"Pattern for before/after params did not match the given file: {self._bounds()}"
