"""Envelopes as ``ansible-vault`` makes them; ``tests/root/twins`` has whole playbooks of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.core.secret import Secret, is_encrypted, no_password, secret
from toolkit.fleet.vault import Envelope, Password, Vault

HORSE = Password(text=Secret("correct horse"))
TWINS = Path(__file__).parent.parent.parent / "root/twins/language/vault.d"


@pytest.fixture
def envelope() -> bytes:
    return (TWINS / "files/key").read_bytes()


def made(text: str, folder: Path, *words: str) -> bytes:
    """What ``ansible-vault`` itself makes of a text."""
    (folder / "pass").write_text("correct horse\n")
    (folder / "text").write_text(text)
    program = str(Path(sys.executable).with_name("ansible-vault"))
    argv = (sys.executable, program, "encrypt", *words, "text")
    subprocess.run(argv, check=True, capture_output=True, cwd=folder)
    return (folder / "text").read_bytes()


def test_it_opens_what_was_made_before(envelope: bytes) -> None:
    assert is_encrypted(envelope)
    assert Vault([HORSE])(envelope, "key") == b"whole file\nof secrets\n"
    assert Vault([HORSE])(envelope.replace(b"\n", b"\r\n"), "key") == b"whole file\nof secrets\n"


@pytest.mark.parametrize("text", ["x", "a block's 16 byte", "ümlaut\n" * 50, "y" * 16])
def test_it_opens_what_is_made_now(tmp_path: Path, text: str) -> None:
    words = ("--vault-id", "prod@pass", "--encrypt-vault-id", "prod")
    data = made(text, tmp_path, *words)
    assert Envelope.read(data, "here").label == "prod"
    assert Vault([HORSE])(data, "here").decode() == text


def test_the_password_of_the_label_is_tried_first(envelope: bytes) -> None:
    wrong = Password(text=Secret("wrong"), label="")
    assert Vault([wrong, HORSE])(envelope, "key").startswith(b"whole")
    with pytest.raises(InvalidInputError, match=r"key: none of the passwords opens this vault$"):
        Vault([wrong])(envelope, "key")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"$ANSIBLE_VAULT;1.0;AES\n00", "unknown kind: '\\$ANSIBLE_VAULT;1.0;AES'"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n00", "the vault's text is torn"),
        (b"$ANSIBLE_VAULT;1.1;AES256\nzz", "the vault's text is torn"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n", "the vault's text is torn"),
    ],
)
def test_what_is_torn_is_told(data: bytes, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        Vault([HORSE])(data, "a.yml:3:4")


def test_a_changed_sign_is_noticed(envelope: bytes) -> None:
    lines = envelope.splitlines()
    lines[-1] = lines[-1][:-1] + (b"0" if lines[-1][-1:] != b"0" else b"1")
    with pytest.raises(InvalidInputError):
        Vault([HORSE])(b"\n".join(lines), "key")


def test_without_a_password_the_place_is_told() -> None:
    with pytest.raises(InvalidInputError, match=r"a\.yml:3:4: this is encrypted"):
        no_password(b"", "a.yml:3:4")


def test_a_secret_does_not_show_itself() -> None:
    hidden = secret({"a": ["told", 1], "b": {"c": "told"}})
    assert "told" not in repr(hidden)
    assert hidden == {"a": ["told", 1], "b": {"c": "told"}}
    assert f"{hidden['a'][0]}" == "told"
