"""From a template's text to pieces: text, and the words of its actions.

The grammar is that of Go's ``text/template``: ``{{- `` takes the blanks before an action away,
`` -}}`` those after it, ``{{/* … */}}`` is a comment.
"""

import re

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record

_OPEN, _CLOSE = "{{", "}}"
_BLANK = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(
    r"""
    (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<char>'(?:[^'\\\n]|\\[^x]|\\x[0-9a-fA-F]{2})')
  | (?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?))
  | (?P<field>\.[^\W\d]\w*)
  | (?P<dot>\.)
  | (?P<variable>\$\w*)
  | (?P<name>[^\W\d]\w*)
  | (?P<sign>:=|=|\||\(|\)|,)
    """,
    re.VERBOSE,
)


@record
class Token:
    """One piece. ``kind``: text, open, close, end, or one of the names in ``_WORD``.

    ``spaced``: a blank stands before it.
    """

    kind: str
    text: str
    at: int
    spaced: bool = False


def fault(source: str, at: int, message: str, *, hint: str = "") -> InvalidInputError:
    """An error that names line and column, both from 1."""
    before = source[:at]
    line, column = before.count("\n") + 1, at - before.rfind("\n")
    return InvalidInputError(f"format: {line}:{column}: {message}", hint=hint)


def scan(source: str) -> list[Token]:
    """The pieces of a template, the last of kind ``end``."""
    found: list[Token] = []
    place, trim = 0, False
    while True:
        start = source.find(_OPEN, place)
        text = source[place : start if start >= 0 else len(source)]
        if trim:
            text = text.lstrip(_BLANK)
        if start < 0:
            if text:
                found.append(Token(kind="text", text=text, at=place))
            found.append(Token(kind="end", text="", at=len(source)))
            return found
        inside = start + len(_OPEN)
        if source[inside : inside + 1] == "-" and source[inside + 1 : inside + 2] in tuple(_BLANK):
            text, inside = text.rstrip(_BLANK), inside + 1
        if text:
            found.append(Token(kind="text", text=text, at=place))
        place, trim = _action(source, start, inside, found)


def _action(source: str, start: int, place: int, found: list[Token]) -> tuple[int, bool]:
    """Scan one action; where the text goes on, and whether blanks there are dropped."""
    comment = place + len(source[place:]) - len(source[place:].lstrip(_BLANK))
    if source.startswith("/*", comment):
        return _comment(source, start, comment)
    found.append(Token(kind="open", text=_OPEN, at=start))
    spaced = False
    while True:
        blank = _SPACE.match(source, place)
        if blank:
            place, spaced = blank.end(), True
        if spaced and source.startswith("-}}", place):
            found.append(Token(kind="close", text=_CLOSE, at=place))
            return place + 3, True
        if source.startswith(_CLOSE, place):
            found.append(Token(kind="close", text=_CLOSE, at=place))
            return place + len(_CLOSE), False
        word = _WORD.match(source, place)
        if word is None:
            raise _strange(source, start, place)
        assert word.lastgroup is not None
        found.append(Token(kind=word.lastgroup, text=word.group(), at=place, spaced=spaced))
        place, spaced = word.end(), False


def _comment(source: str, start: int, place: int) -> tuple[int, bool]:
    end = source.find("*/", place + 2)
    if end < 0:
        raise fault(source, start, "a comment is not closed", hint="end it with */}}")
    rest = source[end + 2 :]
    after = rest.lstrip(_BLANK)
    if after.startswith("-}}") and rest != after:
        return len(source) - len(after) + 3, True
    if rest.startswith(_CLOSE):
        return end + 2 + len(_CLOSE), False
    raise fault(source, start, "a comment ends before its action does", hint="end it with */}}")


def _strange(source: str, start: int, place: int) -> InvalidInputError:
    if place >= len(source):
        return fault(source, start, "an action is not closed", hint="end it with }}")
    if source[place] in "\"'`":
        return fault(source, place, "a text is not closed")
    return fault(source, place, f"'{source[place]}' makes no sense in an action")
