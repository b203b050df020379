"""Runs a template over data."""

from toolkit.cli.templates import nodes, values
from toolkit.cli.templates.functions import FUNCTIONS
from toolkit.cli.templates.parsing import parse
from toolkit.cli.templates.scanning import fault
from toolkit.cli.templates.values import NOTHING, Failure
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Scope = dict[str, object]
    Statement: TypeAlias = nodes.Action | nodes.If | nodes.With | nodes.Range

_LAZY = {"and": False, "or": True}  # the truth that ends looking


class FreeMap(dict[str, object]):
    """A map whose keys anybody may choose (labels): one that is missing is no mistake."""


class Template:
    """A parsed template; ``InvalidInputError`` names line and column of what is wrong.

    Data are mappings, lists, texts, numbers; a function among them is a method: it is called,
    with the words after it.
    """

    def __init__(
        self, source: str, *, functions: "Mapping[str, Callable[..., object]]" = FUNCTIONS
    ) -> None:
        self._source = source
        self._functions = functions
        self._nodes = parse(source)

    def render(self, data: object) -> str:
        """The text for this data."""
        out: list[str] = []
        _Run(self._source, self._functions, out).body(self._nodes, data, {"": data})
        return "".join(out)


class _Run:
    def __init__(
        self, source: str, functions: "Mapping[str, Callable[..., object]]", out: list[str]
    ) -> None:
        self._source = source
        self._functions = functions
        self._out = out

    # statements; each hands back the word of a jump, or nothing

    def body(self, body: "tuple[nodes.Node, ...]", dot: object, scope: "Scope") -> str:
        for node in body:
            if isinstance(node, nodes.Text):
                self._out.append(node.text)
                continue
            if isinstance(node, nodes.Jump):
                return node.word
            jump = self._statement(node, dot, scope)
            if jump:
                return jump
        return ""

    def _statement(
        self,
        node: "nodes.Action | nodes.If | nodes.With | nodes.Range",
        dot: object,
        scope: "Scope",
    ) -> str:
        if isinstance(node, nodes.Action):
            value = self._pipe(node.pipe, dot, scope)
            if not node.pipe.names:
                self._out.append(values.shown(value))
            return ""
        inner = _Scope(scope)
        if isinstance(node, nodes.Range):
            return self._range(node, dot, inner)
        value = self._pipe(node.pipe, dot, inner)
        if not value:
            return self.body(node.other, dot, inner)
        return self.body(node.body, value if isinstance(node, nodes.With) else dot, inner)

    def _range(self, node: nodes.Range, dot: object, scope: "Scope") -> str:
        value = self._pipe(node.pipe, dot, scope)
        try:
            items = list(_elements(value))
        except Failure as error:
            raise self._fault(node.at, error) from None
        for key, item in items:
            inner = _Scope(scope)
            for name, part in zip(reversed(node.pipe.names), (item, key), strict=False):
                inner[name] = part
            if self.body(node.body, item, inner) == "break":
                break
        return "" if items else self.body(node.other, dot, scope)

    # expressions

    def _pipe(self, pipe: nodes.Pipe, dot: object, scope: "Scope") -> object:
        value: object = None
        for place, command in enumerate(pipe.commands):
            value = self._command(command, dot, scope, (value,) if place else ())
        for name in pipe.names:
            if pipe.declares:
                scope[name] = value
            else:
                _assign(scope, name, value)
        return value

    def _command(
        self, command: nodes.Command, dot: object, scope: "Scope", last: tuple[object, ...]
    ) -> object:
        first, *rest = command.words
        if isinstance(first, nodes.Function):
            if first.name in _LAZY:
                return self._lazy(first, (*rest,), dot, scope, last)
            arguments = (*(self._operand(word, dot, scope) for word in rest), *last)
            return self._call(first, arguments)
        arguments = (*(self._operand(word, dot, scope) for word in rest), *last)
        if isinstance(first, nodes.Chain):
            return self._chain(first, dot, scope, arguments)
        if arguments:
            raise fault(self._source, first.at, f"{self._word(first)} takes no arguments")
        return self._operand(first, dot, scope)

    def _lazy(
        self,
        function: nodes.Function,
        words: "tuple[nodes.Operand, ...]",
        dot: object,
        scope: "Scope",
        last: tuple[object, ...],
    ) -> object:
        value: object = None
        for word in words:
            value = self._operand(word, dot, scope)
            if bool(value) is _LAZY[function.name]:
                return value
        if not words and not last:
            raise fault(self._source, function.at, f"'{function.name}' needs an argument")
        return last[0] if last else value

    def _call(self, function: nodes.Function, arguments: tuple[object, ...]) -> object:
        try:
            return self._functions[function.name](*arguments)
        except Failure as error:
            raise self._fault(function.at, error, f"{function.name}: ") from None
        except TypeError:
            count = len(arguments)
            raise fault(
                self._source,
                function.at,
                f"'{function.name}' does not take {count} argument{'' if count == 1 else 's'}",
            ) from None

    def _operand(self, word: "nodes.Operand", dot: object, scope: "Scope") -> object:
        if isinstance(word, nodes.Dot):
            return dot
        if isinstance(word, nodes.Variable):
            return scope[word.name]
        if isinstance(word, nodes.Literal):
            return word.value
        if isinstance(word, nodes.Function):
            return self._call(word, ())
        if isinstance(word, nodes.Chain):
            return self._chain(word, dot, scope, ())
        return self._pipe(word, dot, scope)

    def _chain(
        self, chain: nodes.Chain, dot: object, scope: "Scope", arguments: tuple[object, ...]
    ) -> object:
        value = self._operand(chain.base, dot, scope)
        for place, name in enumerate(chain.fields):
            last = place == len(chain.fields) - 1
            try:
                value = values.called(_field(value, name), arguments if last else ())
            except Failure as error:
                path = ".".join(chain.fields[: place + 1])
                raise self._fault(chain.at, error, f".{path}: ") from None
        return value

    def _fault(self, at: int, error: Failure, before: str = "") -> Exception:
        return fault(self._source, at, f"{before}{error}", hint=error.hint)

    def _word(self, word: "nodes.Operand") -> str:
        return {nodes.Dot: "'.'", nodes.Literal: "a value"}.get(type(word), "this")


class _Scope(dict[str, object]):
    """Variables of a block; those outside are seen as well."""

    def __init__(self, outer: "Scope") -> None:
        super().__init__()
        self.outer = outer

    def __missing__(self, name: str) -> object:
        return self.outer[name]


def _assign(scope: "Scope", name: str, value: object) -> None:
    """Set a variable where it was declared."""
    while name not in scope and isinstance(scope, _Scope):
        scope = scope.outer
    scope[name] = value


def _field(value: object, name: str) -> object:
    if isinstance(value, dict):
        if name in value:
            return value[name]
        if isinstance(value, FreeMap):
            return NOTHING
        raise Failure("there is no such field", hint=did_you_mean(name, map(str, value)))
    raise Failure(f"{values.kind(value)} has no fields")


def _elements(value: object) -> "Iterator[tuple[object, object]]":
    """(key or place, element) of what can be gone through."""
    if isinstance(value, dict):
        for key in values.ordered(value):
            yield key, values.called(value[key], ())
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from enumerate(range(value))
    elif value is not None and value is not NOTHING:
        raise Failure(f"{values.kind(value)} has no elements")
