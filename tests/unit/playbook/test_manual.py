"""The pages about modules."""

from pathlib import Path

import pytest

from toolkit.core.errors import NotFoundError
from toolkit.playbook import manual

DOCS = Path(__file__).parents[3] / "docs/modules.md"


def test_the_page_in_docs_is_what_the_code_says() -> None:
    assert DOCS.read_text() == manual.markdown(), "make it anew: dockyard doc --markdown"


def test_every_module_has_a_page() -> None:
    for name in manual.names():
        page = manual.page(name)
        assert page.summary.endswith((".", ":")), f"{name}: {page.summary}"
        assert page.nature in ("holds", "acts", "tells", "the runner")


def test_an_argument_is_told_in_words() -> None:
    page = manual.page("ansible.builtin.file")
    known = {each.name: each for each in page.arguments}
    assert (known["path"].required, known["path"].others) == (True, ("dest", "name"))
    assert known["state"].kind.startswith("`absent`, `directory`")
    assert (known["recurse"].kind, known["recurse"].default) == ("yes or no", "no")
    assert manual.page("set_fact").open_keys


def test_an_unknown_module_is_told_with_the_nearest_name() -> None:
    with pytest.raises(NotFoundError, match="there is no module 'copyy'") as caught:
        manual.page("copyy")
    assert "copy" in caught.value.hint
