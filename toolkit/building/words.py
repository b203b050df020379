"""Words of a Dockerfile: splitting, quoting and the values of variables.

Source: Docker's Dockerfile reference, "Environment replacement": ``$name ${name} ${name:-word}
${name:+word} ${name:?word}``, each without the colon too, and the patterns ``# ## % %% / //``.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_BLANKS = " \t\n"
_SPECIAL = "@*#?-!0123456789"


class WordError(ValueError):
    """What is wrong with a word; the caller knows the place."""


def split_words(text: str, escape: str = "\\") -> list[str]:
    """Words as written, quotes and all; blanks inside quotes or behind an escape do not split."""
    words: list[str] = []
    current: list[str] = []
    quote = ""
    place = 0
    while place < len(text):
        one = text[place]
        if one == escape and quote != "'" and place + 1 < len(text):
            current.append(text[place : place + 2])
            place += 2
            continue
        place += 1
        if not quote and one in _BLANKS:
            if current:
                words.append("".join(current))
                current = []
            continue
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        current.append(one)
    if current:
        words.append("".join(current))
    return words


def exec_form(text: str) -> tuple[str, ...] | None:
    """The words of a JSON list of texts; ``None`` for anything else, which is then shell form."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return tuple(found) if all(isinstance(item, str) for item in found) else None


def unquote(word: str, escape: str = "\\") -> str:
    """A word without its quotes and escapes; nothing in it is a variable."""
    return _Expander(word, None, escape).until("")


def expand(word: str, variables: "Mapping[str, str]", escape: str = "\\") -> str:
    """A word with the values of its variables, without quotes; an unknown one is empty."""
    if not any(one in word for one in ("$", "'", '"', escape)):
        return word
    return _Expander(word, variables, escape).until("")


def expand_text(text: str, variables: "Mapping[str, str]", escape: str = "\\") -> str:
    """A here-document with the values of its variables; quotes in it are text."""
    return _Expander(text, variables, escape).document()


class _Expander:
    """Reads one word from left to right; without variables ``$`` is a character like others."""

    def __init__(self, text: str, variables: "Mapping[str, str] | None", escape: str) -> None:
        self._text = text
        self._variables = variables
        self._escape = escape
        self._next = 0

    def _peek(self) -> str:
        return self._text[self._next : self._next + 1]

    def _take(self) -> str:
        one = self._peek()
        self._next += 1
        return one

    def until(self, stop: str) -> str:
        """Everything up to ``stop``, which is taken too; up to the end where it is empty."""
        parts: list[str] = []
        while one := self._take():
            if one == stop:
                return "".join(parts)
            if one == "'":
                parts.append(self._single())
            elif one == '"':
                parts.append(self._double())
            elif one == "$" and self._variables is not None:
                parts.append(self._variable())
            elif one == self._escape:
                parts.append(self._take())
            else:
                parts.append(one)
        if stop:
            raise WordError(f"'{self._text}': the closing '{stop}' is missing")
        return "".join(parts)

    def document(self) -> str:
        parts: list[str] = []
        while one := self._take():
            if one == self._escape and self._peek() in ("$", self._escape):
                parts.append(self._take())
            elif one == "$":
                parts.append(self._variable())
            else:
                parts.append(one)
        return "".join(parts)

    def _single(self) -> str:
        end = self._text.find("'", self._next)
        if end < 0:
            raise WordError(f"{self._text}: the closing quote (') is missing")
        found, self._next = self._text[self._next : end], end + 1
        return found

    def _double(self) -> str:
        parts: list[str] = []
        while one := self._take():
            if one == '"':
                return "".join(parts)
            if one == "$" and self._variables is not None:
                parts.append(self._variable())
            elif one == self._escape and self._peek() in ('"', "$", self._escape):
                parts.append(self._take())
            else:
                parts.append(one)
        raise WordError(f'{self._text}: the closing quote (") is missing')

    def _variable(self) -> str:
        if self._peek() == "{":
            self._next += 1
            return self._braced()
        name = self._name()
        if not name:
            return "$"
        return self._value(name) or ""

    def _name(self) -> str:
        start = self._next
        one = self._peek()
        if one and one in _SPECIAL:
            self._next += 1
            return one
        while (one := self._peek()) and one.isascii() and (one.isalnum() or one == "_"):
            self._next += 1
        return self._text[start : self._next]

    def _value(self, name: str) -> str | None:
        assert self._variables is not None
        return self._variables.get(name)

    def _braced(self) -> str:
        name = self._name()
        if not name:
            raise WordError(f"'{self._text}': a name is expected behind '${{'")
        value = self._value(name)
        one = self._take()
        if one == "}":
            return value or ""
        if one in ("#", "%"):
            return self._cut(one, value or "")
        if one == "/":
            return self._replaced(value or "")
        colon = one == ":"
        if colon:
            one = self._take()
        if one not in ("-", "+", "?") or not one:
            raise WordError(f"'{self._text}': '{one}' is no modifier of a variable")
        word = self.until("}")
        return self._chosen(one, name, value if not colon else value or None, word)

    def _chosen(self, modifier: str, name: str, value: str | None, word: str) -> str:
        if modifier == "+":
            return "" if value is None else word
        if value is not None:
            return value
        if modifier == "?":
            raise WordError(f"{name}: {word or 'it is not set'}")
        return word

    def _cut(self, kind: str, value: str) -> str:
        """``#`` and ``%``: the shortest match of a pattern off an end; doubled, the longest."""
        longest = self._peek() == kind
        self._next += longest
        pattern = _pattern(self.until("}"))
        sizes = range(len(value) + 1)
        for size in reversed(sizes) if longest else sizes:
            rest = len(value) - size
            part = value[:size] if kind == "#" else value[rest:]
            if pattern(part):
                return value[size:] if kind == "#" else value[:rest]
        return value

    def _replaced(self, value: str) -> str:
        every = self._peek() == "/"
        self._next += every
        pattern = _pattern(self.until("/"))
        put = self.until("}")
        parts: list[str] = []
        place = 0
        while place < len(value):
            ends = range(len(value), place, -1)
            end = next((end for end in ends if pattern(value[place:end])), 0)
            if not end:
                parts.append(value[place])
                place += 1
                continue
            parts.append(put)
            place = end
            if not every:
                break
        return "".join(parts) + value[place:]


def _pattern(text: str) -> "Pattern":
    """Whether a text is matched whole by a shell pattern of ``*`` and ``?``."""
    import re  # noqa: PLC0415 - few variables are cut

    parts = {"*": ".*", "?": "."}
    regex = re.compile("".join(parts.get(one, re.escape(one)) for one in text), re.DOTALL)
    return lambda value: regex.fullmatch(value) is not None


if TYPE_CHECKING:
    from collections.abc import Callable

    Pattern = Callable[[str], bool]
