"""Expressions and templates: Jinja2 with native values, strict about names it does not know.

``{{ x }}`` alone yields the value itself, never its text; text around it joins to text. Variables
that people wrote may hold expressions and are rendered when they are used; what a host reported
(facts, registered results) is data and never rendered. Importing Jinja2 takes 40 ms, so the
controller's loader and a host's runner import this module only when a play holds an expression.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.lexer import TOKEN_STRING, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END, Lexer
from jinja2.nativetypes import NativeCodeGenerator, NativeEnvironment, NativeTemplate
from jinja2.runtime import Context
from jinja2.utils import missing

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook import filters
from toolkit.playbook.lookup_names import PATH_TESTS
from toolkit.playbook.scope import UNSAFE

Lookup = Callable[[str], Any]
Include = Callable[[str], str | None]
UNKNOWN = missing
_HEADER = "#jinja2:"


def joined(values: Iterable[Any]) -> Any:
    """One value as it is, several as text."""
    parts = list(values)
    if len(parts) == 1:
        return parts[0]
    return "".join(str(part) for part in parts)


class _Undefined(jinja2.ChainableUndefined, jinja2.StrictUndefined):
    """Fails when used, but ``a.b.c | default(1)`` works even where ``a`` is unknown."""


class _Context(Context):
    """Asks the renderer for every name that the template itself did not set."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        environment: Any = self.environment
        value = environment.lookup(key)
        return super().resolve_or_missing(key) if value is UNKNOWN else value


class _CodeGenerator(NativeCodeGenerator):
    """Keeps a constant's type: Jinja2's own turns ``{{ true }}`` into text first."""

    @staticmethod
    def _output_const_repr(group: Iterable[Any]) -> str:
        return repr(joined(group))


class _LiteralBackslashes(Lexer):
    """Keeps a backslash inside the strings of ``{{ }}`` as it is, for it passed through YAML.

    As in Ansible, so that ``regex_replace('(.)', '\\1')`` means what it says. Template files and
    conditions keep Jinja2's own rule.
    """

    def tokeniter(self, *args: Any, **options: Any) -> Iterator[tuple[int, str, str]]:
        inside = False
        for line, kind, text in super().tokeniter(*args, **options):
            if kind in (TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END):
                inside = kind == TOKEN_VARIABLE_BEGIN
            escape = inside and kind == TOKEN_STRING
            yield line, kind, text.replace("\\", "\\\\") if escape else text


class _Native(NativeEnvironment):
    code_generator_class = _CodeGenerator
    context_class = _Context
    concat = staticmethod(joined)
    lookup: Lookup

    @functools.cached_property
    def lexer(self) -> Lexer:
        """The lexer, made once."""
        return _LiteralBackslashes(self)


class _Template(NativeTemplate):
    environment_class = _Native


_Native.template_class = _Template


class _Text(jinja2.Environment):
    context_class = _Context
    lookup: Lookup


def _now(utc: bool = False, fmt: str = "") -> Any:
    """The time now, as ``now()`` gives it to a template."""
    import datetime  # noqa: PLC0415 - few templates ask for the time

    time = datetime.datetime.now(datetime.UTC if utc else None)
    return time.strftime(fmt) if fmt else time.replace(tzinfo=None)


def _undef(hint: str = "a value is needed here") -> Any:
    return _Undefined(hint=hint)


def _path_tests(lookups: Any) -> dict[str, Callable[[Any], bool]]:
    """``is file`` and its kin look at the controller's files, as Ansible's do."""

    def made(kind: str) -> Callable[[Any], bool]:
        def test(path: Any) -> bool:
            if lookups is None:
                raise InvalidInputError(f"'is {kind}' needs the controller")
            return bool(lookups.query("path_test", kind, str(path))[0])

        return test

    return {kind: made(kind) for kind in PATH_TESTS}


_GLOBALS: dict[str, Any] = {"now": _now, "undef": _undef}


def _nothing(key: str) -> Any:
    del key
    return UNKNOWN


def _nowhere(name: str) -> str | None:
    del name
    return None


class Engine:
    """Renders expressions to values and template files to text, over one way to look up names.

    ``include`` finds the text of a template that another one includes, ``None`` if there is none.
    """

    def __init__(
        self, lookup: Lookup = _nothing, include: Include = _nowhere, lookups: Any = None
    ) -> None:
        options: dict[str, Any] = {"undefined": _Undefined, "trim_blocks": True}
        self._native = _Native(**options)
        self._text = _Text(**options, loader=jinja2.FunctionLoader(include))
        for environment in (self._native, self._text):
            environment.filters.update(filters.FILTERS)
            environment.tests.update(filters.TESTS)
            environment.tests.update(_path_tests(lookups))
            environment.globals.update(_GLOBALS)
            if lookups is not None:
                environment.globals.update(lookup=lookups.lookup, query=lookups.query)
                environment.globals["q"] = lookups.query
            environment.lookup = lookup
        self._lookups = lookups
        self._compiled: dict[str, jinja2.Template] = {}
        self._conditions: dict[str, Any] = {}

    def value(self, text: str) -> Any:
        """What ``text`` renders to: a value for a lone expression, else text.

        Raises ``InvalidInputError`` for an unknown name or a failing filter.
        """
        template = self._compiled.get(text)
        with _Told(text):
            if template is None:
                template = self._compiled[text] = self._native.from_string(text)
            value = _defined(template.render())
            return _with_last_newlines(value, text) if text.endswith("\n") else value

    def condition(self, text: str) -> Any:
        """The value of a bare expression, as in ``when``."""
        compiled = self._conditions.get(text)
        with _Told(text):
            if compiled is None:
                compiled = self._native.compile_expression(text, undefined_to_none=False)
                self._conditions[text] = compiled
            return _defined(compiled())

    def loop_items(self, name: str, value: Any) -> list[Any]:
        """The items of ``with_NAME: value``."""
        with _Told(f"with_{name}"):
            found: list[Any] = self._lookups.items(name, value)
            return found

    def file(
        self,
        text: str,
        name: str,
        *,
        trim_blocks: bool = True,
        lstrip_blocks: bool = False,
        marks: Mapping[str, str] | None = None,
    ) -> str:
        """A template file, rendered; ``name`` is how a fault calls it.

        ``marks`` are other signs for ``{{`` and its kin, as ``variable_start_string`` names them.
        """
        environment = self._text
        first, _, rest = text.partition("\n")
        if first.startswith(_HEADER):  # a template may set options in its first line
            text = rest
            given = dict(word.strip().split(":", 1) for word in first[len(_HEADER) :].split(","))
            trim_blocks = given.get("trim_blocks", str(trim_blocks)).strip() == "True"
            lstrip_blocks = given.get("lstrip_blocks", str(lstrip_blocks)).strip() == "True"
        if (trim_blocks, lstrip_blocks) != (True, False) or marks:
            options: Any = {
                "trim_blocks": trim_blocks,
                "lstrip_blocks": lstrip_blocks,
                **(marks or {}),
            }
            environment = environment.overlay(**options)
        with _Told(name):
            return str(_with_last_newlines(environment.from_string(text).render(), text))

    def undefined(self, name: str, reason: str) -> Any:
        """A value that fails when it is used, saying ``reason``."""
        return _Undefined(hint=reason, name=name)

    def fault(self, text: str, *, bare: bool = False, file: bool = False) -> tuple[int, str, str]:
        """Line, message and hint of what is wrong with an expression; line 0 if nothing is.

        Knows syntax and the names of filters and tests; names of variables only a host knows.
        """
        source = "{{ " + text + " }}" if bare else text
        environment = self._text if file else self._native
        try:
            tree = environment.parse(source)
        except jinja2.TemplateSyntaxError as error:
            return error.lineno, f"not a valid expression: {error.message}", ""
        return _unknown_names(tree, environment)

    def tree(self, text: str) -> nodes.Template:
        """The parts of a template; ``jinja2.TemplateSyntaxError`` if it is none."""
        return self._text.parse(text)

    def has_global(self, name: str) -> bool:
        """Whether every template knows the name."""
        return name in self._text.globals

    def included(self, text: str) -> tuple[str, ...]:
        """The templates that a template file includes by a constant name."""
        found = meta.find_referenced_templates(self._text.parse(text))
        return tuple(name for name in found if name)


def _unknown_names(tree: nodes.Template, environment: jinja2.Environment) -> tuple[int, str, str]:
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        assert isinstance(node, nodes.Filter | nodes.Test)
        kind, known = (
            ("filter", environment.filters)
            if isinstance(node, nodes.Filter)
            else ("test", environment.tests)
        )
        if node.name not in known:
            hint = did_you_mean(node.name, known)
            return node.lineno, f"unknown {kind} '{node.name}'", hint
    return 0, "", ""


def _with_last_newlines(value: Any, text: str) -> Any:
    """As Ansible: a text keeps the line feeds at its end, of which Jinja2 drops one."""
    if not isinstance(value, str):
        return value
    lost = (len(text) - len(text.rstrip("\n"))) - (len(value) - len(value.rstrip("\n")))
    return value + "\n" * lost


def _defined(value: Any) -> Any:
    if isinstance(value, jinja2.Undefined):
        str(value)  # a strict one raises here, saying which name
    return value


class _Told:
    """Turns Jinja2's and a filter's errors into ours, naming the expression."""

    def __init__(self, text: str) -> None:
        self._text = text if len(text) <= 80 else text[:77] + "..."

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        del kind, trace
        if isinstance(error, jinja2.UndefinedError):
            raise UndefinedNameError(f"'{self._text}': {error.message}") from None
        if isinstance(error, jinja2.TemplateError):
            raise InvalidInputError(f"'{self._text}': {error.message or type(error).__name__}")
        if isinstance(error, TypeError | ValueError | KeyError | ArithmeticError):
            raise InvalidInputError(f"'{self._text}': {error}") from error


class UndefinedNameError(InvalidInputError):
    """An expression uses a name that nothing defines."""


def strings(value: Any) -> Iterator[str]:
    """Every text inside plain data that holds an expression."""
    if isinstance(value, str):
        if is_expression(value):
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values() if UNSAFE not in value else ():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


def is_expression(text: str) -> bool:
    """Whether ``text`` holds anything that Jinja2 would render."""
    return "{{" in text or "{%" in text or "{#" in text
