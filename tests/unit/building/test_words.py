"""Words: splitting, quotes, and every form of a variable."""

import pytest

from toolkit.building.words import WordError, expand, expand_text, split_words, unquote

_VALUES = {"a": "one", "empty": "", "path": "dir/sub/file.tar.gz", "n": "7"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b  c", ["a", "b", "c"]),
        ("  a\tb ", ["a", "b"]),
        ("a='x y' b", ["a='x y'", "b"]),
        ('"a b" c', ['"a b"', "c"]),
        ("a\\ b c", ["a\\ b", "c"]),
        ("'a\\' b", ["'a\\'", "b"]),
        ('"a\\" b" c', ['"a\\" b"', "c"]),
        ("", []),
    ],
)
def test_words_are_split_at_blanks_outside_of_quotes(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$a", "one"),
        ("${a}", "one"),
        ("x${a}y", "xoney"),
        ("$a-$n", "one-7"),
        ("$nothing", ""),
        ("${nothing:-word}", "word"),
        ("${empty:-word}", "word"),
        ("${empty-word}", ""),
        ("${nothing-word}", "word"),
        ("${a:+word}", "word"),
        ("${empty:+word}", ""),
        ("${empty+word}", "word"),
        ("${nothing+word}", ""),
        ("${nothing:-${a}}", "one"),
        ("${nothing:-$a $n}", "one 7"),
        ("${a:?no}", "one"),
        ("\\$a", "$a"),
        ("'$a'", "$a"),
        ('"$a"', "one"),
        ('"\\$a"', "$a"),
        ('"a\\nb"', "a\\nb"),
        ("'a b'c", "a bc"),
        ("$", "$"),
        ("a$", "a$"),
        ("$ a", "$ a"),
        ("${path#*/}", "sub/file.tar.gz"),
        ("${path##*/}", "file.tar.gz"),
        ("${path%.*}", "dir/sub/file.tar"),
        ("${path%%.*}", "dir/sub/file"),
        ("${path/sub/x}", "dir/x/file.tar.gz"),
        ("${path//?i/X}", "Xr/sub/Xle.tar.gz"),
    ],
)
def test_variables_have_their_values(text: str, value: str) -> None:
    assert expand(text, _VALUES) == value


def test_another_escape_character() -> None:
    assert expand("`$a\\b", _VALUES, "`") == "$a\\b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("'a", "quote"),
        ('"a', "quote"),
        ("${a", "modifier"),
        ("${a:-b", "closing '}'"),
        ("${a:=b}", "modifier"),
        ("${}", "name is expected"),
        ("${nothing:?must be given}", "nothing: must be given"),
        ("${empty:?}", "empty: it is not set"),
    ],
)
def test_what_is_wrong_with_a_word_is_said(text: str, said: str) -> None:
    with pytest.raises(WordError, match=said.replace("{", "\\{")):
        expand(text, _VALUES)


def test_quotes_go_and_nothing_is_a_variable() -> None:
    assert unquote("'a b'\"$c\"\\ d") == "a b$c d"


def test_a_here_document_keeps_its_quotes() -> None:
    assert expand_text("'$a' \"x\" \\$a\n", _VALUES) == "'one' \"x\" $a\n"
