"""Lookups on a host: those that only see values are made here, the controller's are asked for."""

import itertools
import random
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.suggest import did_you_mean
from toolkit.playbook.asking import Ask
from toolkit.playbook.lookup_names import CONTROLLER, KNOWN
from toolkit.playbook.sources import Sources

if TYPE_CHECKING:
    from toolkit.playbook.scope import Scope

Terms = list[Any]
Options = Mapping[str, Any]
_SEQUENCE = re.compile(r"(-?\w+)-(-?\w+)(?:/(-?\w+))?(?::(.*))?")


class Lookups:
    """``lookup``, ``query`` and the older loops of one play."""

    def __init__(self, ask: Ask, sources: Sources) -> None:
        self._ask = ask
        self._sources = sources
        self._scope: Scope | None = None
        self._cached: dict[str, Terms] = {}

    def use(self, scope: "Scope") -> None:
        """The variables that lookups see."""
        self._scope = scope

    def lookup(self, name: str, *terms: Any, **options: Any) -> Any:
        """As Jinja2 calls it: one value as it is, several as text with commas between them."""
        wants_list = options.pop("wantlist", False)
        errors = options.pop("errors", "strict")
        try:
            found = self.query(name, *terms, **options)
        except (NotFoundError, InvalidInputError):
            if errors in ("ignore", "warn"):
                return None if not wants_list else []
            raise
        if wants_list:
            return found
        if len(found) == 1:
            return found[0]
        if not found and name == "first_found":
            return None
        if all(isinstance(each, str) for each in found):
            return ",".join(found)
        return found

    def query(self, name: str, *terms: Any, **options: Any) -> Terms:
        """As ``lookup``, always a list."""
        options.pop("wantlist", None)
        short = name.removeprefix("ansible.builtin.").removeprefix("community.general.")
        if short in _HERE:
            return _HERE[short](self, list(terms), options)
        if short == "template":
            return [self._template(str(term), options) for term in terms]
        if short == "file" and not options:
            return [self._file(str(term)) for term in terms]
        if short in CONTROLLER or short == "path_test":
            return self._controller(short, list(terms), options)
        raise NotFoundError(f"there is no lookup '{name}'", hint=did_you_mean(short, KNOWN))

    def items(self, name: str, value: Any) -> Terms:
        """The items of an older loop, ``with_NAME: value``."""
        terms = value if isinstance(value, list) else [value]
        if name in ("items", "list", "flattened", "nested", "together", "cartesian"):
            return self.query(name, *terms)
        if name in ("dict", "subelements", "indexed_items"):
            return self.query(name, *(terms if name == "subelements" else [value]))
        if name == "first_found":
            return self.query(name, *terms)
        return self.query(name, *terms)

    @property
    def scope(self) -> "Scope":
        """The variables of the play."""
        assert self._scope is not None
        return self._scope

    def _controller(self, name: str, terms: Terms, options: Options) -> Terms:
        if name == "first_found":
            terms = [self.scope.render(term) for term in terms]
        key = repr((name, terms, options))
        if key not in self._cached or name in ("pipe", "password"):
            role = self.scope.find("role_path")
            self._cached[key] = self._ask(
                {
                    "do": "lookup",
                    "name": name,
                    "terms": terms,
                    "options": dict(options),
                    "role": role if isinstance(role, str) else "",
                }
            )
        return self._cached[key]

    def _file(self, name: str) -> str:
        return self._sources.text("files", name).rstrip()

    def _template(self, name: str, options: Options) -> Any:
        text = self._sources.text("templates", name)
        for word, value in dict(options.get("template_vars", {})).items():
            self.scope.set_local(word, value)
        return self.scope.engine.file(text, name)

    def vars(self, terms: Terms, options: Options) -> Terms:
        """``lookup('vars', 'name')``: a variable whose name is only known now."""
        from toolkit.playbook.scope import MISSING  # noqa: PLC0415 - beside its user

        found = []
        for term in terms:
            value = self.scope.find(str(term))
            if value is MISSING:
                if "default" not in options:
                    raise InvalidInputError(f"there is no variable '{term}'")
                value = options["default"]
            found.append(value)
        return found

    def varnames(self, terms: Terms, _: Options) -> Terms:
        """The names that match regular expressions."""
        names = self.scope.names()
        return [name for term in terms for name in names if re.search(str(term), name)]

    def hostnames(self, terms: Terms, _: Options) -> Terms:
        """The hosts that a pattern names."""
        found: Terms = self._ask({"do": "hosts", "pattern": ":".join(map(str, terms))})
        return found


def _items(_: Lookups, terms: Terms, __: Options) -> Terms:
    """One level of lists is taken out."""
    found: Terms = []
    for term in terms:
        found += term if isinstance(term, list | tuple) else [term]
    return found


def _flattened(_: Lookups, terms: Terms, __: Options) -> Terms:
    found: Terms = []
    for term in terms:
        found += _flattened(_, list(term), __) if isinstance(term, list | tuple) else [term]
    return found


def _dict(_: Lookups, terms: Terms, __: Options) -> Terms:
    found: Terms = []
    for term in terms:
        if not isinstance(term, Mapping):
            raise InvalidInputError(f"with_dict expects a mapping, not {term!r}")
        found += [{"key": key, "value": value} for key, value in term.items()]
    return found


def _lists(terms: Terms) -> list[Terms]:
    return [list(term) if isinstance(term, list | tuple) else [term] for term in terms]


def _together(_: Lookups, terms: Terms, __: Options) -> Terms:
    return [list(row) for row in itertools.zip_longest(*_lists(terms))]


def _nested(_: Lookups, terms: Terms, __: Options) -> Terms:
    rows: Terms = [[]]
    for term in _lists(terms):
        rows = [[*row, each] for row in rows for each in term]
    return [_flattened(_, row, __) for row in rows]


def _subelements(_: Lookups, terms: Terms, __: Options) -> Terms:
    """Each item with each of a list in it; as in Ansible, the item has lost that list."""
    whole, path = terms[0], str(terms[1]).split(".")
    skip = bool(terms[2].get("skip_missing")) if len(terms) > 2 else False
    found: Terms = []
    for item in whole.values() if isinstance(whole, Mapping) else whole:
        inner: Any = item
        for part in path:
            if not isinstance(inner, Mapping) or part not in inner:
                if skip:
                    inner = []
                    break
                raise InvalidInputError(f"could not find '{terms[1]}' in {item!r}")
            inner = inner[part]
        rest = _without(item, path)
        found += [[rest, each] for each in inner]
    return found


def _without(item: Any, path: list[str]) -> Any:
    """A mapping without what lies at a path in it."""
    if not isinstance(item, Mapping) or path[0] not in item:
        return item
    if len(path) == 1:
        return {key: value for key, value in item.items() if key != path[0]}
    return {**item, path[0]: _without(item[path[0]], path[1:])}


def _indexed(_: Lookups, terms: Terms, __: Options) -> Terms:
    return [[number, each] for number, each in enumerate(_items(_, terms, __))]


def _random(_: Lookups, terms: Terms, __: Options) -> Terms:
    items = _items(_, terms, __)
    return [random.choice(items)] if items else []  # noqa: S311 - no secret hangs on it


def _sequence(_: Lookups, terms: Terms, options: Options) -> Terms:
    """``start=1 end=4 stride=2 format=web%02d``, or the short ``1-4/2:web%02d``."""
    found: Terms = []
    for term in terms or [""]:
        given = {key: str(value) for key, value in options.items()}
        short = _SEQUENCE.fullmatch(str(term))
        if short:
            names = ("start", "end", "stride", "format")
            given |= {n: v for n, v in zip(names, short.groups(), strict=True) if v is not None}
        else:
            given |= dict(word.split("=", 1) for word in str(term).split() if "=" in word)
        start, stride = int(given.get("start", "1"), 0), int(given.get("stride", "1"), 0)
        if "count" in given:
            end = start + stride * (int(given["count"], 0) - 1)
        elif "end" in given:
            end = int(given["end"], 0)
        else:
            raise InvalidInputError("a sequence needs 'end' or 'count'")
        if stride == 0:
            raise InvalidInputError("a sequence with a stride of zero has no end")
        step = 1 if stride > 0 else -1
        found += [given.get("format", "%d") % n for n in range(start, end + step, stride)]
    return found


_HERE: dict[str, Callable[[Lookups, Terms, Options], Terms]] = {
    "cartesian": lambda _, terms, __: [list(row) for row in itertools.product(*_lists(terms))],
    "dict": _dict,
    "flattened": _flattened,
    "indexed_items": _indexed,
    "inventory_hostnames": Lookups.hostnames,
    "items": _items,
    "list": lambda _, terms, __: terms,
    "nested": _nested,
    "random_choice": _random,
    "sequence": _sequence,
    "subelements": _subelements,
    "together": _together,
    "varnames": Lookups.varnames,
    "vars": Lookups.vars,
}
