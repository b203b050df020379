"""Files that came with the play, as tasks get them."""

from typing import Any

import pytest

from support.fake_host import FakeHost
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.playbook.scope import Scope
from toolkit.playbook.shipped import digest
from toolkit.playbook.sources import Sources

EMPTY: dict[str, Any] = {"written": {}, "extra": {}, "magic": {}, "facts": dict}
TEMPLATE = b"{{ n }}\n  {% include 'part.j2' %}\n"


@pytest.fixture
def sources() -> Sources:
    host = FakeHost()
    contents = {"a/b.conf": b"A", "t.j2": TEMPLATE, "part.j2": b"part {{ n }}", "bin.j2": b"\xff"}
    host.artifacts = {digest(content): content for content in contents.values()}
    names = {name: digest(content) for name, content in contents.items()}
    made = Sources(host)
    made.use({"ships": {"files": names, "templates": names}}, Scope(**EMPTY))
    return made


def resolve(sources: Sources, module: str, **arguments: Any) -> dict[str, Any]:
    scope = Scope(**{**EMPTY, "written": {"n": 7}, "include": sources.include})
    return sources.resolve(module, arguments, scope, {"ships": sources.names})


def test_a_copy_s_source_becomes_its_digest(sources: Sources) -> None:
    made = resolve(sources, "copy", src="a/b.conf", dest="/x")
    assert made == {"src": f"{digest(b'A')}#b.conf", "dest": "/x"}


def test_a_template_is_rendered_with_what_it_includes(sources: Sources) -> None:
    made = resolve(sources, "template", src="t.j2", dest="/x")
    assert (made["src"], made["content"]) == ("t.j2", "7\n  part 7\n")


def test_what_lies_on_the_host_is_left_alone(sources: Sources) -> None:
    made = resolve(sources, "copy", src="/etc/x", dest="/x", remote_src="yes")
    assert made["src"] == "/etc/x"
    assert resolve(sources, "file", src="a", path="/b") == {"src": "a", "path": "/b"}


def test_a_name_that_did_not_come_along_is_asked_for(sources: Sources) -> None:
    with pytest.raises(UnsupportedError, match="'file' needs a controller"):
        resolve(sources, "copy", src="b/b.conf", dest="/x")
    asked: list[Any] = []

    def ask(what: Any, body: bytes = b"") -> Any:
        asked.append((what["folder"], what["name"], body))
        return {"body": b"late {{ n }}"}

    host = FakeHost()
    late = Sources(host, ask)
    made = resolve(late, "copy", src="b/b.conf", dest="/x")
    assert made["src"] == f"{digest(b'late {{ n }}')}#b.conf"
    assert host.artifact(digest(b"late {{ n }}")) == b"late {{ n }}"
    assert resolve(late, "template", src="t.j2", dest="/x")["content"] == "late 7"
    assert asked == [("files", "b/b.conf", b""), ("templates", "t.j2", b"")]


def test_a_template_must_be_text(sources: Sources) -> None:
    with pytest.raises(InvalidInputError, match=r"'bin\.j2' is no text"):
        resolve(sources, "template", src="bin.j2", dest="/x")


@pytest.mark.parametrize(
    ("content", "taken"), [({"a": [1]}, '{"a": [1]}'), ([1], "[1]"), ("x", "x")]
)
def test_a_copy_writes_structures_as_json(sources: Sources, content: Any, taken: str) -> None:
    assert resolve(sources, "copy", content=content, dest="/x")["content"] == taken


def test_a_mode_that_was_rendered_to_a_number_was_octal(sources: Sources) -> None:
    assert resolve(sources, "file", path="/x", mode=0o644)["mode"] == "0644"
