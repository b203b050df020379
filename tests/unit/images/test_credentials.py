import base64
import json
import stat
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.tokens import parameters

HUB = "https://index.docker.io/v1/"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "docker" / "config.json"


def write(path: Path, data: object) -> Credentials:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))
    return Credentials(str(path))


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("reg.example:5000", "reg.example:5000"),
        ("https://reg.example:5000", "reg.example:5000"),
        ("https://reg.example:5000/v2/", "reg.example:5000"),
        (HUB, "docker.io"),
        (HUB, "registry-1.docker.io"),
        ("index.docker.io", "docker.io"),
    ],
)
def test_keys_of_every_age_are_found(path: Path, key: str, host: str) -> None:
    found = write(path, {"auths": {key: {"auth": packed("me:pass:word")}}}).find(host)

    assert found == Login(username="me", password="pass:word")


def test_other_registries_are_told_nothing(path: Path) -> None:
    credentials = write(path, {"auths": {"reg.example": {"auth": packed("me:x")}}})

    assert credentials.find("reg.example:5000") is None
    assert credentials.find("evil.reg.example") is None
    assert Credentials("/nonexistent/config.json").find("x") is None


def test_what_is_stored_is_found_and_forgotten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"HttpHeaders": {"X": "y"}}')
    credentials = Credentials(str(path))

    assert credentials.store("reg.example", Login(username="me", password="x")) == f"'{path}'"
    assert credentials.find("reg.example") == Login(username="me", password="x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert credentials.forget("reg.example")
    assert not credentials.forget("reg.example")
    assert json.loads(path.read_text()) == {"HttpHeaders": {"X": "y"}, "auths": {}}


def test_the_public_registry_is_filed_as_docker_does(path: Path) -> None:
    path.parent.mkdir()
    Credentials(str(path)).store("docker.io", Login(username="me", password="x"))

    assert list(json.loads(path.read_text())["auths"]) == [HUB]


def test_tokens_are_known(path: Path) -> None:
    entry = {"auth": packed("me:"), "identitytoken": "idt", "registrytoken": "rt"}
    found = write(path, {"auths": {"reg.example": entry}}).find("reg.example")

    assert found
    assert (found.token, found.bearer) == ("idt", "rt")
    assert "idt" not in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no valid JSON"),
        ("[]", "expected an object"),
        ('{"auths": {"r": {"auth": "§"}}}', r"auths\.r\.auth: not base64"),
        ('{"credHelpers": []}', ""),
    ],
)
def test_a_broken_file_names_itself(path: Path, text: str, message: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    if not message:
        assert Credentials(str(path)).find("r") is None
        return
    with pytest.raises(InvalidInputError, match=f"{path}: .*{message}"):
        Credentials(str(path)).find("r")


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``docker-credential-test``: keeps what it is told in files."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker-credential-test"
    program.write_text(
        f"""#!/bin/sh
read -r line
case $1 in
get) [ -e {tmp_path}/kept ] && cat {tmp_path}/kept && exit 0
     echo 'credentials not found in native keychain'; exit 1;;
store) echo "$line" > {tmp_path}/kept;;
erase) rm {tmp_path}/kept;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return tmp_path / "kept"


@pytest.mark.parametrize(
    "config", [{"credsStore": "test"}, {"credHelpers": {"reg.example": "test"}}]
)
def test_a_helper_keeps_the_secret(path: Path, helper: Path, config: dict[str, object]) -> None:
    credentials = write(path, config)

    assert credentials.find("reg.example") is None
    where = credentials.store("reg.example", Login(username="me", password="secret"))
    assert where == "credential helper 'test'"
    assert "secret" not in path.read_text()
    assert credentials.find("reg.example") == Login(username="me", password="secret")
    assert credentials.forget("reg.example")
    assert not helper.exists()


def test_a_helper_may_keep_an_identity_token(path: Path, helper: Path) -> None:
    helper.write_text('{"ServerURL": "r", "Username": "<token>", "Secret": "idt"}')

    assert write(path, {"credsStore": "test"}).find("r") == Login(token="idt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nosuch", "'docker-credential-nosuch' is not installed"),
        ("../x", "no name of a credential"),
    ],
)
def test_a_helper_that_cannot_be_is_named(path: Path, name: str, message: str) -> None:
    with pytest.raises(ToolkitError, match=message):
        write(path, {"credsStore": name}).find("r")


def test_a_helper_that_babbles_is_refused(path: Path, helper: Path) -> None:
    helper.write_text("hello")

    with pytest.raises(ToolkitError, match="answered with no credentials"):
        write(path, {"credsStore": "test"}).find("r")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('realm="https://a/t",service="s"', {"realm": "https://a/t", "service": "s"}),
        ('realm = "a, b" , scope=x', {"realm": "a, b", "scope": "x"}),
        ('Realm="a\\"b"', {"realm": 'a"b'}),
        ("", {}),
    ],
)
def test_challenges_are_read(text: str, wanted: dict[str, str]) -> None:
    assert parameters(text) == wanted
