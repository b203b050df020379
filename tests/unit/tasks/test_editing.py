"""The tasks that edit a text file; what is expected is what Ansible's modules do."""

import pytest

from support.fake_host import FakeHost
from support.tasks import run
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError, ToolkitError

PATH = "/etc/f"


def edited(task: str, text: str, **arguments: object) -> tuple[str, object]:
    """The file's new text, and what was said."""
    host = FakeHost()
    host.files.seed(PATH, text)
    outcome = run(host, task, path=PATH, **arguments)
    return host.files.read(PATH).decode(), outcome.values["msg"]


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        ({"line": "b"}, "a\nb\nab\n", ""),
        ({"line": "c"}, "a\nb\nab\nc\n", "line added"),
        ({"line": "c", "insertafter": "EOF"}, "a\nb\nab\nc\n", "line added"),
        ({"line": "c", "insertbefore": "BOF"}, "c\na\nb\nab\n", "line added"),
        ({"line": "c", "insertafter": "BOF"}, "c\na\nb\nab\n", "line added"),
        ({"line": "c", "insertafter": "a"}, "a\nb\nab\nc\n", "line added"),
        ({"line": "c", "insertafter": "a", "firstmatch": True}, "a\nc\nb\nab\n", "line added"),
        ({"line": "c", "insertbefore": "b"}, "a\nb\nc\nab\n", "line added"),
        ({"line": "c", "insertbefore": "b", "firstmatch": True}, "a\nc\nb\nab\n", "line added"),
        ({"line": "c", "insertafter": "none"}, "a\nb\nab\nc\n", "line added"),
        ({"line": "c", "regexp": "a"}, "a\nb\nc\n", "line replaced"),
        ({"line": "c", "regexp": "a", "firstmatch": True}, "c\nb\nab\n", "line replaced"),
        ({"line": "c", "search_string": "b"}, "a\nb\nc\n", "line replaced"),
        ({"line": "c", "regexp": "no", "insertbefore": "^b"}, "a\nc\nb\nab\n", "line added"),
        ({"line": "b", "regexp": "no"}, "a\nb\nab\n", ""),
        ({"line": r"\1!", "regexp": "a(b)", "backrefs": True}, "a\nb\nb!\n", "line replaced"),
        ({"line": r"\1!", "regexp": "no(x)", "backrefs": True}, "a\nb\nab\n", ""),
        ({"regexp": "a", "state": "absent"}, "b\n", "2 line(s) removed"),
        ({"line": "a", "state": "absent"}, "b\nab\n", "1 line(s) removed"),
        ({"search_string": "x", "state": "absent"}, "a\nb\nab\n", ""),
    ],
)
def test_a_line(arguments: dict[str, object], expected: str, said: str) -> None:
    assert edited("lineinfile", "a\nb\nab\n", **arguments) == (expected, said)


def test_a_line_is_never_glued_to_an_unended_one() -> None:
    assert edited("lineinfile", "a", line="b") == ("a\nb\n", "line added")
    assert edited("lineinfile", "a", line="a") == ("a\n", "line replaced")
    assert edited("lineinfile", "a\x0cb\r\n", line="c") == ("a\x0cb\r\nc\n", "line added")


def test_bytes_that_are_no_text_stay() -> None:
    host = FakeHost()
    host.files.seed(PATH, b"\xff\nport 1\n")
    run(host, "lineinfile", path=PATH, regexp="^port", line="port 2")
    assert host.files.read(PATH) == b"\xff\nport 2\n"


def test_a_missing_file_is_made_only_when_asked() -> None:
    host = FakeHost()
    with pytest.raises(NotFoundError, match="'/new/f' does not exist"):
        run(host, "lineinfile", path="/new/f", line="a")
    run(host, "lineinfile", path="/new/f", line="a", create=True, mode="0600")
    assert host.files.read("/new/f") == b"a\n"
    assert host.files.nodes["/new/f"].attributes.mode == 0o600
    gone = run(host, "lineinfile", path="/not/there", line="a", state="absent")
    assert (gone.changed, gone.values["msg"]) == (False, "file not present")


def test_a_link_leads_to_the_file_that_is_edited() -> None:
    host = FakeHost()
    host.files.seed("/srv/real", "a\n")
    host.files.symlink(PATH, "/srv/real")
    run(host, "lineinfile", path=PATH, line="b")
    assert host.files.read("/srv/real") == b"a\nb\n"
    assert host.files.readlink(PATH) == "/srv/real"


def test_a_directory_is_no_text() -> None:
    with pytest.raises(ConflictError, match="'/etc' is a directory"):
        run(FakeHost(), "lineinfile", path="/etc", line="a")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"line": "x", "regexp": "("}, "regexp is no regular expression"),
        ({"line": "x", "regexp": "a", "search_string": "b"}, "exclude each other"),
        ({"line": "x", "insertafter": "a", "insertbefore": "b"}, "exclude each other"),
        ({"line": "x", "backrefs": True}, "backrefs needs regexp"),
        ({"state": "present"}, "line is missing"),
        ({"state": "absent"}, "needs line, regexp or search_string"),
        ({"line": r"\2", "regexp": "(a)", "backrefs": True}, "does not fit the groups"),
    ],
)
def test_a_line_that_cannot_be(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        edited("lineinfile", "a\n", **arguments)


def test_the_old_file_is_kept_when_asked() -> None:
    host = FakeHost()
    host.files.seed(PATH, "a\n")
    owned = run(host, "lineinfile", path=PATH, line="a", mode="0600").values["msg"]
    assert owned == "ownership, perms or SE linux context changed"
    kept = run(host, "lineinfile", path=PATH, line="b", backup=True).values["backup"]
    assert host.files.read(str(kept)) == b"a\n"
    assert run(host, "lineinfile", path=PATH, line="b", backup=True).values["backup"] == ""


def test_new_content_is_judged_before_it_counts() -> None:
    host = FakeHost()
    host.files.seed(PATH, "a\n")
    with pytest.raises(ToolkitError, match="refuses the new content"):
        run(host, "lineinfile", path=PATH, line="b", validate="visudo -cf %s")
    assert host.files.read(PATH) == b"a\n"


BLOCK = "# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\n"


@pytest.mark.parametrize(
    ("text", "arguments", "expected", "said"),
    [
        ("a\nb\n", {"block": "x"}, f"a\nb\n{BLOCK}", "Block inserted"),
        ("a\nb", {"block": "x\n"}, f"a\nb\n{BLOCK}", "Block inserted"),
        ("a\nb\n", {"block": "x", "insertafter": "^a"}, f"a\n{BLOCK}b\n", "Block inserted"),
        ("a\nb\n", {"block": "x", "insertbefore": "^b"}, f"a\n{BLOCK}b\n", "Block inserted"),
        ("a\nb\n", {"block": "x", "insertbefore": "BOF"}, f"{BLOCK}a\nb\n", "Block inserted"),
        ("a\nb\n", {"block": "x", "insertafter": "no"}, f"a\nb\n{BLOCK}", "Block inserted"),
        (f"a\n{BLOCK}b\n", {"block": "x"}, f"a\n{BLOCK}b\n", ""),
        (f"a\n{BLOCK}b\n", {"block": ""}, "a\nb\n", "Block removed"),
        (f"a\n{BLOCK}b", {"state": "absent"}, "a\nb", "Block removed"),
        ("a", {"state": "absent"}, "a", ""),
        (
            "a\nb\n",
            {"block": "x", "insertafter": "a", "append_newline": True, "prepend_newline": True},
            f"a\n\n{BLOCK}\nb\n",
            "Block inserted",
        ),
    ],
)
def test_a_block(text: str, arguments: dict[str, object], expected: str, said: str) -> None:
    assert edited("blockinfile", text, **arguments) == (expected, said)
    assert edited("blockinfile", expected, **arguments) == (expected, "")


def test_markers_can_be_chosen_but_not_equal() -> None:
    text, _ = edited("blockinfile", "", block="x", marker="<!-- {mark} -->", marker_begin="b")
    assert text == "<!-- b -->\nx\n<!-- END -->\n"
    with pytest.raises(InvalidInputError, match="both markers are equal"):
        edited("blockinfile", "", block="x", marker="# here")


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        ({"regexp": "o", "replace": "0"}, "0ne\ntw0\n[x]\n0ne\n", "3 replacements made"),
        ({"regexp": "^o(n)", "replace": r"\1"}, "ne\ntwo\n[x]\nne\n", "2 replacements made"),
        ({"regexp": "two\n"}, "one\n[x]\none\n", "1 replacements made"),
        ({"regexp": "zzz"}, "one\ntwo\n[x]\none\n", ""),
        ({"regexp": "one", "after": r"\[x\]"}, "one\ntwo\n[x]\n\n", "1 replacements made"),
        ({"regexp": "one", "before": r"\[x\]"}, "\ntwo\n[x]\none\n", "1 replacements made"),
        (
            {"regexp": "[eo]", "after": "one", "before": "x"},
            "one\ntw\n[x]\none\n",
            "1 replacements made",
        ),
        (
            {"regexp": "one", "after": "nope"},
            "one\ntwo\n[x]\none\n",
            "Pattern for before/after params did not match the given file: nope(?P<subsection>.*)",
        ),
    ],
)
def test_a_replacement(arguments: dict[str, object], expected: str, said: str) -> None:
    assert edited("replace", "one\ntwo\n[x]\none\n", **arguments) == (expected, said)


def test_a_replacement_needs_its_groups() -> None:
    with pytest.raises(InvalidInputError, match="does not fit regexp's groups"):
        edited("replace", "a\n", regexp="a", replace=r"\3")


INI = "top=1\n[web]\nport = 80\n#host = a\n\n; of the database\n[db]\nport=1\nport=2\n"


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        ({"section": "web", "option": "port", "value": "81"}, "port = 80", "port = 81"),
        ({"section": "web", "option": "host", "value": "b"}, "#host = a", "host = b"),
        ({"option": "top", "value": "2", "no_extra_spaces": True}, "top=1", "top=2"),
        ({"option": "x", "value": "y"}, "top=1\n", "top=1\nx = y\n"),
        ({"section": "db", "option": "port", "value": "3"}, "port=1\nport=2\n", "port = 3\n"),
        (
            {"section": "db", "option": "port", "value": "3", "exclusive": False},
            "port=2\n",
            "port=2\nport = 3\n",
        ),
        (
            {"section": "web", "option": "u", "value": "v", "modify_inactive_option": False},
            "port = 80\n",
            "port = 80\nu = v\n",
        ),
        (
            {"section": "new", "option": "a", "values": ["1", "2"]},
            "port=2\n",
            "port=2\n[new]\na = 1\na = 2\n",
        ),
        ({"section": "web", "option": "on", "allow_no_value": True}, "80\n", "80\non\n"),
        ({"section": "web", "option": "port", "state": "absent"}, "port = 80\n", ""),
        (
            {
                "section": "db",
                "option": "port",
                "value": "2",
                "state": "absent",
                "exclusive": False,
            },
            "port=2\n",
            "",
        ),
        ({"section": "db", "state": "absent"}, "[db]\nport=1\nport=2\n", ""),
        ({"section": "none", "state": "absent"}, "", ""),
        (
            {"section": "db", "option": "port", "values": ["1", "2"], "ignore_spaces": True},
            "",
            "",
        ),
    ],
)
def test_an_option(arguments: dict[str, object], old: str, new: str) -> None:
    expected = INI.replace(old, new) if old else INI
    assert edited("ini_file", INI, **arguments)[0] == expected
    assert edited("ini_file", expected, **arguments) == (expected, "OK")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"section": "a", "option": "b"}, "value is missing"),
        ({"value": "b"}, "option is missing"),
        ({"state": "absent"}, "needs section or option"),
        ({"option": "a", "value": "b", "values": ["c"]}, "exclude each other"),
    ],
)
def test_an_option_that_cannot_be(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        edited("ini_file", INI, **arguments)
