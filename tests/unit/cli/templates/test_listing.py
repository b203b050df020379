"""``--format`` of lists and documents."""

import json

import pytest

from toolkit.cli.templates.listing import Layout, documents, lines
from toolkit.core.errors import InvalidInputError

LAYOUT = Layout(
    columns=(("ID", "CONTAINER ID"), ("Names", "NAMES")),
    more=(("Status", "STATUS"), ("Labels", "LABELS")),
    raw="id: {{.ID}}\n",
)
ROWS = [
    {"ID": "abc", "Names": "web", "Status": "Up", "Labels": "", "Label": lambda key: key.upper()},
    {"ID": "def", "Names": "db", "Status": "Exited (0)", "Labels": "a=1", "Label": lambda _: ""},
]


def shown(asked: str) -> str:
    return "\n".join(lines(LAYOUT, ROWS, asked))


def test_the_usual_table() -> None:
    expected = "CONTAINER ID   NAMES\nabc            web\ndef            db"
    assert shown("") == expected == shown("table")


def test_a_table_without_rows_has_a_head() -> None:
    assert list(lines(LAYOUT, [])) == ["CONTAINER ID   NAMES"]
    assert list(lines(LAYOUT, [], "table {{.ID}}")) == ["CONTAINER ID"]
    assert list(lines(LAYOUT, [], "{{.ID}}")) == []


def test_a_table_of_ones_own() -> None:
    assert shown("table {{.Names}}\\t{{.Status}}") == (
        "NAMES     STATUS\nweb       Up\ndb        Exited (0)"
    )


def test_what_shapes_a_cell_leaves_its_heading_alone() -> None:
    assert shown("table {{upper .Names}}\t{{truncate .ID 1}}").splitlines() == [
        "NAMES     CONTAINER ID",
        "WEB       a",
        "DB        d",
    ]


def test_a_label_is_headed_by_its_name() -> None:
    text = shown('table {{.Label "com.example.first-name"}}')
    assert text.splitlines()[0] == "first name"
    assert "COM.EXAMPLE.FIRST-NAME" in text


def test_json_lines_hold_every_field_and_no_method() -> None:
    first = json.loads(shown("json").splitlines()[0])
    assert first == {"ID": "abc", "Names": "web", "Status": "Up", "Labels": ""}


def test_a_plain_template_and_raw() -> None:
    assert shown("{{.ID}}\\n{{.Names}}") == "abc\nweb\ndef\ndb"
    assert shown("raw") == "id: abc\n\nid: def\n"


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(InvalidInputError, match=r"1:3: \.Name: there is no such field"):
        shown("{{.Name}}")


DOCUMENT = {"Id": "x", "Config": {"Labels": {"a": "1"}, "Cmd": ["sh"]}}


def test_documents() -> None:
    assert json.loads("\n".join(documents([DOCUMENT]))) == [DOCUMENT]
    assert list(documents([DOCUMENT], "json")) == [json.dumps(DOCUMENT, separators=(",", ":"))]
    assert list(documents([DOCUMENT], "{{.Id}} {{index .Config.Cmd 0}}")) == ["x sh"]
    assert list(documents([DOCUMENT], "{{.Config.Labels.zz}}")) == ["<no value>"]
    with pytest.raises(InvalidInputError, match="no such field"):
        list(documents([DOCUMENT], "{{.Config.Foo}}"))
