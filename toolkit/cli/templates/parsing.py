"""From pieces to nodes, by recursive descent."""

import codecs

from toolkit.cli.templates import nodes
from toolkit.cli.templates.functions import FUNCTIONS
from toolkit.cli.templates.scanning import Token, fault, scan
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.core.errors import InvalidInputError

_BLOCKS: "dict[str, type[nodes.If | nodes.With | nodes.Range]]" = {
    "if": nodes.If,
    "with": nodes.With,
    "range": nodes.Range,
}
_WORDS = {"true": True, "false": False, "nil": None}
_MISSING = ("template", "define", "block")
_TWO = 2


def parse(source: str) -> "tuple[nodes.Node, ...]":
    """The nodes of a template; ``InvalidInputError`` names the place of a fault."""
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = scan(source)
        self._place = 0
        self._ranges = 0
        self._variables = [""]

    def whole(self) -> "tuple[nodes.Node, ...]":
        found, closer = self._body()
        if closer.kind != "end":
            raise self._fault(closer, f"'{closer.text}' without a beginning")
        return found

    def _fault(self, token: Token, message: str, *, hint: str = "") -> "InvalidInputError":
        return fault(self._source, token.at, message, hint=hint)

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._tokens[self._place]
        self._place += 1
        return token

    def _closed(self) -> None:
        token = self._take()
        if token.kind != "close":
            raise self._fault(token, f"'{token.text}' is not expected here")

    # statements

    def _body(self) -> "tuple[tuple[nodes.Node, ...], Token]":
        """Nodes up to ``else``, ``end`` or the end of all, and that word."""
        found: list[nodes.Node] = []
        while True:
            token = self._take()
            if token.kind == "end":
                return tuple(found), token
            if token.kind == "text":
                found.append(nodes.Text(at=token.at, text=token.text))
                continue
            word = self._next
            if word.kind == "name" and word.text in ("else", "end"):
                return tuple(found), self._take()
            found.append(self._statement(word))

    def _statement(self, word: Token) -> "nodes.Node":
        if word.kind == "name" and word.text in _BLOCKS:
            self._take()
            return self._block(word)
        if word.kind == "name" and word.text in ("break", "continue"):
            self._take()
            if not self._ranges:
                raise self._fault(word, f"'{word.text}' outside of a range")
            self._closed()
            return nodes.Jump(at=word.at, word=word.text)
        if word.kind == "name" and word.text in _MISSING:
            raise self._fault(word, f"'{word.text}' is not supported", hint="write it in one piece")
        pipe = self._pipe()
        self._closed()
        return nodes.Action(at=word.at, pipe=pipe)

    def _block(self, word: Token) -> "nodes.Node":
        known = len(self._variables)
        loops = word.text == "range"
        pipe = self._pipe(most=_TWO if loops else 1)
        self._closed()
        self._ranges += loops
        body, closer = self._body()
        self._ranges -= loops
        other: tuple[nodes.Node, ...] = ()
        if closer.text == "else":
            other, closer = self._else(word)
        if closer.kind == "end":
            raise self._fault(word, f"'{word.text}' has no end", hint="close it with {{end}}")
        if closer.text != "end":
            raise self._fault(closer, "a second 'else'")
        self._closed_after(closer)
        del self._variables[known:]
        kind = _BLOCKS[word.text]
        return kind(at=word.at, pipe=pipe, body=body, other=other)

    def _closed_after(self, closer: Token) -> None:
        """``else if`` shares the end of what it stands in."""
        if self._tokens[self._place - 1] is closer:
            self._closed()

    def _else(self, word: Token) -> "tuple[tuple[nodes.Node, ...], Token]":
        inner = self._next
        if inner.kind == "name" and inner.text in ("if", "with") and word.text != "range":
            self._take()
            node = self._block(inner)
            # The end that closed the inner block closes this one as well.
            return (node,), Token(kind="name", text="end", at=inner.at)
        self._closed()
        return self._body()

    # expressions

    def _pipe(self, *, most: int = 1) -> nodes.Pipe:
        at = self._next.at
        names, declares = self._names(most)
        commands = [self._command()]
        while self._next.text == "|" and self._next.kind == "sign":
            self._take()
            commands.append(self._command())
        for command in commands[1:]:
            if isinstance(command.words[0], nodes.Literal):
                raise fault(self._source, command.at, "a value cannot take another one by '|'")
        if declares:
            self._variables += names
        return nodes.Pipe(at=at, commands=tuple(commands), names=names, declares=declares)

    def _names(self, most: int) -> tuple[tuple[str, ...], bool]:
        """``$a, $b :=`` at the beginning of a pipeline, and whether it declares."""
        start, names = self._place, []
        while self._next.kind == "variable":
            names.append(self._take())
            sign = self._take()
            if sign.text == "," and sign.kind == "sign" and len(names) < most:
                continue
            if sign.kind == "sign" and sign.text in (":=", "="):
                if sign.text == "=":
                    for name in names:
                        self._known(name)
                return tuple(name.text[1:] for name in names), sign.text == ":="
            break
        self._place = start
        return (), False

    def _known(self, name: Token) -> str:
        if name.text[1:] not in self._variables:
            raise self._fault(
                name,
                f"variable '{name.text}' is not declared",
                hint=did_you_mean(name.text, [f"${known}" for known in self._variables if known]),
            )
        return name.text[1:]

    def _command(self) -> nodes.Command:
        at = self._next.at
        words: list[nodes.Operand] = []
        while True:
            token = self._next
            if token.kind in ("close", "end") or token.text in ("|", ")"):
                break
            if words and not token.spaced and token.kind != "sign":
                raise self._fault(token, f"a blank is missing before '{token.text}'")
            words.append(self._operand())
        if not words:
            raise self._fault(self._next, "a value is missing")
        return nodes.Command(at=at, words=tuple(words))

    def _operand(self) -> "nodes.Operand":
        token = self._take()
        base = self._base(token)
        fields = [token.text[1:]] if token.kind == "field" else []
        while self._next.kind == "field" and not self._next.spaced:
            fields.append(self._take().text[1:])
        if not fields:
            return base
        if isinstance(base, nodes.Literal):
            raise self._fault(token, f"'{token.text}' has no fields")
        return nodes.Chain(at=token.at, base=base, fields=tuple(fields))

    def _base(self, token: Token) -> "nodes.Operand":
        if token.kind in ("dot", "field"):
            return nodes.Dot(at=token.at)
        if token.kind == "variable":
            return nodes.Variable(at=token.at, name=self._known(token))
        if token.kind == "name":
            return self._word(token)
        if token.kind in ("string", "char", "number"):
            return nodes.Literal(at=token.at, value=self._constant(token))
        if token.text == "(":
            pipe = self._pipe()
            closing = self._take()
            if closing.text != ")":
                raise self._fault(token, "a parenthesis is not closed")
            return pipe
        raise self._fault(token, f"'{token.text}' is not expected here")

    def _word(self, token: Token) -> "nodes.Operand":
        if token.text in _WORDS:
            return nodes.Literal(at=token.at, value=_WORDS[token.text])
        if token.text not in FUNCTIONS:
            hint = did_you_mean(token.text, FUNCTIONS)
            raise self._fault(token, f"function '{token.text}' is not known", hint=hint)
        return nodes.Function(at=token.at, name=token.text)

    def _constant(self, token: Token) -> object:
        text = token.text
        if token.kind == "string":
            return text[1:-1] if text[0] == "`" else self._unescaped(token)
        if token.kind == "char":
            return ord(self._unescaped(token))
        plain = text.replace("_", "")
        try:
            return float(plain) if set(".eE") & set(plain.removeprefix("0x")) else int(plain, 0)
        except ValueError:
            raise self._fault(token, f"'{text}' is no number") from None

    def _unescaped(self, token: Token) -> str:
        """The text between quotes; the escapes of Go are those of Python's latin-1 codec."""
        inner = token.text[1:-1]
        if "\\" not in inner:
            return inner
        try:
            raw = inner.encode("latin-1", "backslashreplace")
            return codecs.decode(raw, "unicode_escape")
        except UnicodeDecodeError:
            raise self._fault(token, f"{token.text} has an escape that is not known") from None
