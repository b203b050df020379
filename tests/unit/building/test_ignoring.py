"""``.dockerignore``: Docker's own examples and the corners of ``!`` and ``**``."""

import pytest

from toolkit.building.ignoring import Ignore
from toolkit.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("rules", "path", "hidden"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("a", "a/b", True),
        ("a", "b/a", False),
        ("/a/", "a/b", True),
        ("./a", "a", True),
        ("*/temp*", "x/temporary.txt", True),
        ("*/temp*", "temporary.txt", False),
        ("*/*/temp*", "x/y/temp", True),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("**/*.go", "a.go", True),
        ("**/*.go", "x/y/a.go", True),
        ("**", "x/y", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("[ab]c", "bc", True),
        ("[!ab]c", "bc", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("*\n!src", "src/main.c", False),
        ("*\n!src", "other", True),
        ("# comment\n\na", "a", True),
        ("a # b", "a # b", True),
        ("..", "a", False),
        (".", "a", False),
    ],
)
def test_what_is_hidden(rules: str, path: str, *, hidden: bool) -> None:
    assert Ignore.parse(rules).hides(path) == hidden


@pytest.mark.parametrize(
    ("rules", "path", "may"),
    [
        ("*\n!src/keep", "src", True),
        ("*\n!src/keep", "other", False),
        ("*\n!**/keep", "any/where", True),
        ("*\n!*/keep", "x", True),
        ("a", "a", False),
    ],
)
def test_a_hidden_directory_is_entered_only_for_an_exception(
    rules: str, path: str, *, may: bool
) -> None:
    assert Ignore.parse(rules).may_hold(path) == may


@pytest.mark.parametrize("rule", ["[a", "a\\", "!"])
def test_a_broken_pattern_is_refused_with_its_line(rule: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\.dockerignore:2:"):
        Ignore.parse(f"x\n{rule}")
