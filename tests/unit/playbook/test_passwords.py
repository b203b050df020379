"""Hashes of passwords, held to those that the system's own crypt(3) makes."""

import subprocess
from collections.abc import Callable

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.passwords import password_hash


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
@pytest.mark.parametrize("rounds", [None, 1000, 1234])
@pytest.mark.parametrize("password", ["", "x", "Hello world!", "a" * 70, "grün"])
def test_it_is_what_crypt_makes(
    kind: str, rounds: int | None, password: str, require: Callable[[str], str]
) -> None:
    mark = {"sha256": "5", "sha512": "6"}[kind]
    named = f"rounds={rounds}$" if rounds else ""
    script = "print crypt($ARGV[0], $ARGV[1])"  # Perl's is the C library's
    argv = (require("perl"), "-e", script, password, f"${mark}${named}saltstring")
    theirs = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert password_hash(password, kind, salt="saltstring", rounds=rounds) == theirs


def test_a_salt_is_made_where_none_is_given() -> None:
    one, two = password_hash("x"), password_hash("x")
    assert one != two
    assert one.startswith("$6$")
    assert password_hash("x", "sha512_crypt", salt=one.split("$")[2]) == one


def test_other_schemes_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="'md5' is not supported"):
        password_hash("x", "md5")
