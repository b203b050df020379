"""``--format`` of what lists and inspects: tables, JSON and templates, as Docker has them."""

import json

from toolkit.cli.containers.tables import table
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from toolkit.cli.templates.template import Template

    Row = Mapping[str, object]

TABLE = "table"

# Maps in a document whose keys anybody may choose: a key that is missing is no mistake there.
_FREE = frozenset(
    (
        "Annotations",
        "Attributes",
        "ExposedPorts",
        "Labels",
        "Networks",
        "Options",
        "PortBindings",
        "Ports",
        "StorageOpt",
        "Sysctls",
        "Tmpfs",
        "Volumes",
    )
)


@record
class Layout:
    """What a list has: ``columns`` (field, heading) of the usual table, and ``more`` of them.

    ``raw`` is the template that ``--format raw`` means; empty where there is none.
    """

    columns: tuple[tuple[str, str], ...]
    more: tuple[tuple[str, str], ...] = ()
    raw: str = ""

    @property
    def headings(self) -> dict[str, str]:
        """The heading of every field."""
        return dict((*self.columns, *self.more))


def lines(layout: Layout, rows: "Iterable[Row]", asked: str = "") -> "Iterator[str]":
    """The lines of a list; ``asked`` is what ``--format`` says, empty for the usual table.

    A row maps field names to values; a function there is a method such as ``.Label``.
    """
    asked = asked.strip(" ")
    if asked in ("", TABLE):
        fields = [name for name, _ in layout.columns]
        heads = [heading for _, heading in layout.columns]
        yield table([heads, *([str(row[name]) for name in fields] for row in rows)])
    elif asked == "json":
        yield from (_json(row) for row in rows)
    elif asked.startswith(TABLE) and asked[len(TABLE)].isspace():
        yield from _table(layout, rows, _unescaped(asked[len(TABLE) :].strip(" ")))
    else:
        text = layout.raw if asked == "raw" and layout.raw else _unescaped(asked)
        template = _template(text)
        yield from (template.render(row) for row in rows)


def documents(found: "Iterable[dict[str, Any]]", asked: str = "") -> "Iterator[str]":
    """What ``inspect`` prints of its documents: one list, or ``asked`` once for each of them."""
    if not asked:
        yield json.dumps(list(found), indent=4, ensure_ascii=False)
    elif asked == "json":
        yield from (_json(document) for document in found)
    else:
        template = _template(_unescaped(asked))
        yield from (template.render(_opened(document)) for document in found)


def _template(text: str) -> "Template":
    from toolkit.cli.templates.template import Template  # noqa: PLC0415 - the usual table needs none

    return Template(text)


def _json(row: "Row") -> str:
    from toolkit.cli.templates.values import to_json  # noqa: PLC0415 - as above

    return to_json(dict(row))


def _unescaped(text: str) -> str:
    r"""``\t`` and ``\n`` are written so on a command line."""
    return text.replace("\\t", "\t").replace("\\n", "\n")


def _table(layout: Layout, rows: "Iterable[Row]", text: str) -> "Iterator[str]":
    from toolkit.cli.templates.functions import HEADER  # noqa: PLC0415 - as above
    from toolkit.cli.templates.template import FreeMap, Template  # noqa: PLC0415 - as above

    heads: dict[str, object] = {**layout.headings, "Label": _label_heading}
    head = Template(text, functions=HEADER).render(FreeMap(heads))
    template = Template(text)
    found = [head, *(template.render(row) for row in rows)]
    yield table([line.split("\t") for whole in found for line in whole.split("\n")])


def _label_heading(name: str) -> str:
    """The last part of a label's name, in words."""
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


def _opened(value: object, *, free: bool = False) -> object:
    """The same document, with its free maps marked."""
    from toolkit.cli.templates.template import FreeMap  # noqa: PLC0415 - as above

    if isinstance(value, dict):
        inner = {key: _opened(item, free=key in _FREE) for key, item in value.items()}
        return FreeMap(inner) if free else inner
    if isinstance(value, list):
        return [_opened(item) for item in value]
    return value
