"""``.dockerignore``: which files of a context a build does not see.

Source: Docker's build documentation, "dockerignore files": a pattern a line, ``*`` and ``?`` within
a name, ``**`` over any number of directories, ``!`` takes a file in again, the last match decides.
A pattern that matches a directory matches all below it.
"""

import re

from toolkit.core.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Ignore:
    """The rules of one file; ``bool()`` tells whether there are any."""

    def __init__(self, rules: "Iterable[tuple[bool, str]]" = ()) -> None:
        self._rules = [(kept, text, _compiled(text)) for kept, text in rules]
        self._exceptions = [text for kept, text, _ in self._rules if kept]

    def __bool__(self) -> bool:
        return bool(self._rules)

    @classmethod
    def parse(cls, text: str, *, file: str = ".dockerignore") -> "Ignore":
        """The rules in ``text``."""
        rules = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
            pattern = line.strip()
            if not pattern or line.startswith("#"):
                continue
            kept = pattern.startswith("!")
            pattern = _cleaned(pattern[1:].strip() if kept else pattern)
            if kept and pattern == ".":
                raise InvalidInputError(f"{file}:{number}: '!' stands alone")
            if pattern != ".":
                try:
                    rules.append((kept, pattern))
                    _compiled(pattern)
                except re.error as error:
                    raise InvalidInputError(f"{file}:{number}: '{pattern}': {error}") from None
        return cls(rules)

    def rules(self) -> list[tuple[bool, str]]:
        """What ``Ignore`` is made of."""
        return [(kept, text) for kept, text, _ in self._rules]

    def hides(self, path: str) -> bool:
        """Whether the file at ``path``, relative to the context, is left out."""
        if not self._rules:
            return False
        parents = _with_parents(path)
        hidden = False
        for kept, _, regex in self._rules:
            if hidden == kept and any(regex.fullmatch(one) for one in parents):
                hidden = not kept
        return hidden

    def may_hold(self, path: str) -> bool:
        """Whether something below a hidden directory may be taken in again."""
        for text in self._exceptions:
            if "**" in text:
                return True
            depth = path.count("/") + 1
            head = "/".join(text.split("/")[:depth])
            if _compiled(head).fullmatch(path):
                return True
        return False


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _cleaned(pattern: str) -> str:
    """Without ``.``, empty parts and ``..`` that leads out, as Go's path.Clean makes it."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or "."


def _compiled(pattern: str) -> "re.Pattern[str]":
    return re.compile(translate(pattern), re.DOTALL)


def translate(pattern: str) -> str:
    """A pattern of paths as a regular expression; ``re.error`` for a broken ``[`` or escape."""
    parts, place = [], 0
    while place < len(pattern):
        one = pattern[place]
        place += 1
        if one == "*":
            doubled = pattern.startswith("*", place)
            place += doubled
            if doubled and pattern.startswith("/", place):
                place += 1
                parts.append("(?:.*/)?")
            else:
                parts.append(".*" if doubled else "[^/]*")
        elif one == "?":
            parts.append("[^/]")
        elif one == "[":
            end = pattern.find("]", place + 1)
            if end < 0:
                raise re.error("the closing ] is missing")
            inner = pattern[place:end].replace("\\", "\\\\")
            parts.append(f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]")
            place = end + 1
        elif one == "\\":
            if place == len(pattern):
                raise re.error("nothing follows the last \\")
            parts.append(re.escape(pattern[place]))
            place += 1
        else:
            parts.append(re.escape(one))
    return "".join(parts)
