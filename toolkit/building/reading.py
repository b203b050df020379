"""The lines of a Dockerfile: directives, comments, continuations and here-documents.

Source: Docker's Dockerfile reference, "Format", "Parser directives", "Here-documents". Own code
because the parsers on the package index either lack here-documents or wrap a Go library.
"""

import re

from toolkit.building.faults import Place
from toolkit.building.words import split_words, unquote
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_DIRECTIVES = ("syntax", "escape", "check")
_FRONTEND = re.compile(
    r"(docker\.io/)?docker/dockerfile(-upstream)?(:[\w.-]+)?(@sha256:[0-9a-f]+)?"
)
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]+)$")
_WITH_HEREDOCS = ("RUN", "COPY", "ADD")


@record
class Heredoc:
    """A here-document: what stands in the line for it, its name and its text.

    ``expands`` where the name was not quoted, so variables in it have their values.
    """

    word: str
    name: str
    text: str
    expands: bool


@record
class Line:
    """One instruction as text, joined over its continuations."""

    number: int
    text: str
    heredocs: tuple[Heredoc, ...] = ()


@record
class Source:
    """All instructions of a file, and the character that escapes in it."""

    file: str
    escape: str
    lines: tuple[Line, ...]


def read(text: str, *, file: str) -> Source:
    """The instructions in ``text``; ``InvalidInputError`` names the line."""
    return _Reader(text, file).read()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        self._next = 0
        self._escape = "\\"

    def read(self) -> Source:
        self._directives()
        found = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if not line.strip() or _is_comment(line):
                self._next += 1
            else:
                found.append(self._instruction())
        if not found:
            raise Place(file=self._file, line=1).fault(
                "the file holds no instruction", hint="begin with FROM, as in 'FROM scratch'"
            )
        return Source(file=self._file, escape=self._escape, lines=tuple(found))

    def _place(self, index: int) -> Place:
        return Place(file=self._file, line=index + 1)

    def _directives(self) -> None:
        """``# name=value`` lines at the very top; the first other line ends them."""
        seen = set()
        if self._lines[0].startswith("#!"):
            self._next = 1
        while self._next < len(self._lines):
            found = _DIRECTIVE.match(self._lines[self._next].strip())
            name = found[1].lower() if found else ""
            if found is None or name not in _DIRECTIVES:
                return
            place = self._place(self._next)
            if name in seen:
                raise place.fault(f"the directive '{name}' stands here twice")
            seen.add(name)
            self._directive(name, found[2], place)
            self._next += 1

    def _directive(self, name: str, value: str, place: Place) -> None:
        if name == "escape":
            if value not in ("\\", "`"):
                raise place.fault(f"escape is \\ or `, not '{value}'")
            self._escape = value
        elif name == "syntax" and not _FRONTEND.fullmatch(value):
            raise place.fault(
                f"the syntax '{value}' is another program's",
                hint="docker/dockerfile is what is built in here",
            )

    def _instruction(self) -> Line:
        start = self._next
        text = self._joined()
        line = Line(number=start + 1, text=text)
        if _takes_heredocs(text):
            heredocs = tuple(self._heredoc(*found, at=start) for found in self._announced(text))
            line = Line(number=start + 1, text=text, heredocs=heredocs)
        return line

    def _joined(self) -> str:
        """One logical line; comments and empty lines inside it are left out."""
        parts: list[str] = []
        more = True
        while more and self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if parts and (_is_comment(line) or not line.strip()):
                continue
            part, more = self._continued(line)
            parts.append(part)
        return "".join(parts).strip()

    def _continued(self, line: str) -> tuple[str, bool]:
        """The line without its last escape; a doubled one at the end is no continuation."""
        bare = line.rstrip(" \t")
        escape = self._escape
        if bare.endswith(escape) and not bare.endswith(escape * 2):
            return bare[:-1], True
        return line, False

    def _announced(self, text: str) -> "list[tuple[str, str, str]]":
        """The here-documents that a line begins: the word, the dash and the name as written."""
        found = []
        for word in split_words(text, self._escape):
            match = _HEREDOC.match(word)
            if match:
                found.append((word, match[2], match[3]))
        return found

    def _heredoc(self, word: str, dash: str, written: str, *, at: int) -> Heredoc:
        name = unquote(written)
        lines: list[str] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if dash:
                line = line.lstrip("\t")
            if line == name:
                text = "".join(f"{one}\n" for one in lines)
                return Heredoc(word=word, name=name, text=text, expands=name == written)
            lines.append(line)
        raise self._place(at).fault(
            f"the here-document '{name}' has no end",
            hint=f"write '{name}' alone on a line, without blanks, behind it",
        )


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _takes_heredocs(text: str) -> bool:
    if "<<" not in text:
        return False
    words = text.split(None, 2)
    if words[0].upper() == "ONBUILD":
        words = words[1:]
    return bool(words) and words[0].upper() in _WITH_HEREDOCS


def nearest_instruction(word: str, known: "tuple[str, ...]") -> str:
    """A hint for a word that is no instruction."""
    return did_you_mean(word.upper(), known) or f"one of: {' '.join(known)}"
