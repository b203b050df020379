"""Debian's registry: pushed to, pulled from, with TLS, with passwords, as a mirror."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.images import entry, tar_of
from support.registries import DebianRegistry, debian_registry, make_certificate
from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.images.library import Library
from toolkit.images.progress import Step
from toolkit.images.registry.client import Access
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.endpoints import Registries
from toolkit.images.registry.login import check_login
from toolkit.images.registry.pull import pull
from toolkit.images.registry.push import push
from toolkit.images.stored import StoredImage
from toolkit.oci.reference import parse_reference

pytestmark = pytest.mark.root

Require = Callable[[str], str]
CONFIG = {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]}}
BIG = os.urandom(21_000_000)  # more than one chunk


class Client:
    """Pushes and pulls for one library."""

    def __init__(self, folder: Path, own: dict[str, Any] | None = None) -> None:
        self.library = Library(str(folder / "data"))
        self.credentials = Credentials(str(folder / "config.json"))
        self.steps: list[Step] = []
        registries = Registries(own=own or {}, certs_d=str(folder / "certs.d"))
        self.access = Access.of(registries, self.credentials)

    def commit(self, name: str, *layers: bytes) -> StoredImage:
        blobs = [self.library.write_layer([layer]) for layer in layers]
        return self.library.commit_image(CONFIG, blobs, [name])

    def push(self, name: str) -> str:
        self.steps.clear()
        return str(push(self.library, parse_reference(name), self.access, report=self.steps.append))

    def pull(self, name: str) -> StoredImage:
        self.steps.clear()
        return pull(
            self.library, parse_reference(name), self.access, report=self.steps.append
        ).image

    def told(self) -> list[str]:
        return [step.status for step in self.steps]


@pytest.fixture
def plain(tmp_path: Path, require: Require) -> Iterator[DebianRegistry]:
    with debian_registry(require("docker-registry"), tmp_path / "registry") as found:
        yield found


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "client")


def test_what_is_pushed_others_read_and_we_pull_again(
    plain: DebianRegistry, client: Client, tmp_path: Path, require: Require
) -> None:
    name = f"{plain.host}/team/app:1"
    made = client.commit(name, tar_of((entry("a"), b"a")), tar_of((entry("big"), BIG)))

    digest = client.push(name)

    shown = subprocess.run(
        (require("skopeo"), "inspect", "--tls-verify=false", f"docker://{name}"),
        check=True,
        capture_output=True,
    )
    assert json.loads(shown.stdout)["Digest"] == digest
    assert client.library.find(f"{plain.host}/team/app@{digest}") == client.library.find(name)
    log = plain.log.read_text()
    assert "PATCH" in log, "a large blob goes in chunks"

    other = Client(tmp_path / "other")
    assert other.pull(name).id == made.id
    assert other.pull(f"{plain.host}/team/app@{digest}").id == made.id


def test_what_is_there_is_not_sent_again(plain: DebianRegistry, client: Client) -> None:
    name, copy = f"{plain.host}/app:1", f"{plain.host}/elsewhere/copy:2"
    client.commit(name, tar_of((entry("a"), b"a")))
    first = client.push(name)
    assert client.told().count("Pushed") == 2

    assert client.push(name) == first
    assert client.told().count("Layer already exists") == 2

    client.library.tag(name, copy)
    assert client.push(copy) == first
    assert client.told().count("Mounted from app") == 2


def test_what_skopeo_pushed_we_pull(
    plain: DebianRegistry, client: Client, busybox: Path, require: Require
) -> None:
    for form in ("oci", "v2s2"):
        name = f"{plain.host}/{form}:1"
        subprocess.run(
            (
                require("skopeo"), "copy", "-q", "--format", form, "--dest-tls-verify=false",
                f"oci:{busybox}:busy", f"docker://{name}",
            ),
            check=True,
        )  # fmt: skip
        image = client.pull(name)
        assert client.library.config(image)["config"]["Cmd"] == ["/bin/sh"]
        assert len(image.chains) == 2


def test_every_tag_is_told(plain: DebianRegistry, client: Client) -> None:
    from toolkit.images.registry.client import repositories  # noqa: PLC0415 - one test

    for tag in ("1", "2", "x"):
        name = f"{plain.host}/app:{tag}"
        client.commit(name, tar_of((entry("a"), b"a")))
        client.push(name)

    (server,) = repositories(client.access, parse_reference(f"{plain.host}/app"), "resolve")
    assert sorted(server.tags()) == ["1", "2", "x"]


def test_a_pull_through_mirror(
    plain: DebianRegistry, client: Client, tmp_path: Path, require: Require
) -> None:
    name = f"{plain.host}/app:1"
    made = client.commit(name, tar_of((entry("a"), b"a")))
    client.push(name)
    proxy = {"proxy": {"remoteurl": f"http://{plain.host}"}}

    with debian_registry(require("docker-registry"), tmp_path / "mirror", extra=proxy) as mirror:
        own = {plain.host: {"mirrors": [f"http://{mirror.host}"]}}
        other = Client(tmp_path / "other", own)
        assert other.pull(name).id == made.id
        assert f"Answered by the mirror http://{mirror.host}" in other.told()
    third = Client(tmp_path / "third", own)
    assert third.pull(name).id == made.id, "the mirror is down, and the origin answers"


@pytest.fixture
def guarded(tmp_path: Path, require: Require) -> Iterator[DebianRegistry]:
    """With TLS by an authority of its own, and a password."""
    folder = tmp_path / "guarded"
    make_certificate(folder, require("openssl"))
    known = subprocess.run(
        (require("htpasswd"), "-Bbn", "me", "secret"), check=True, capture_output=True
    )
    (folder / "htpasswd").write_bytes(known.stdout)
    auth = {"auth": {"htpasswd": {"realm": "it", "path": str(folder / "htpasswd")}}}
    with debian_registry(require("docker-registry"), folder, extra=auth, tls=True) as found:
        yield found


def test_with_tls_and_a_password(guarded: DebianRegistry, tmp_path: Path) -> None:
    own = {guarded.host: {"ca": str(guarded.folder / "cert.pem")}}
    client = Client(tmp_path / "client", own)
    name = f"{guarded.host}/app:1"
    made = client.commit(name, tar_of((entry("a"), b"a")))

    with pytest.raises(ToolkitError, match="denies access") as caught:
        client.push(name)
    assert f"dockyard login {guarded.host}" in caught.value.hint
    with pytest.raises(ToolkitError, match="refuses the name or the password"):
        check_login(client.access, guarded.host, Login(username="me", password="wrong"))
    good = Login(username="me", password="secret")
    assert check_login(client.access, guarded.host, good) == good

    client.credentials.store(guarded.host, good)
    client.push(name)
    client.library.remove(name)
    assert client.pull(name).id == made.id


def test_a_certificate_is_believed_only_by_its_authority(
    guarded: DebianRegistry, tmp_path: Path, require: Require
) -> None:
    stranger = make_certificate(tmp_path / "stranger", require("openssl"))
    good = Login(username="me", password="secret")
    name = f"{guarded.host}/app:1"
    careless = Client(tmp_path / "client")
    careless.credentials.store(guarded.host, good)
    careless.commit(name, tar_of((entry("a"), b"a")))
    assert careless.push(name), "loopback is trusted as it is, by Docker too"

    strict = Client(tmp_path / "client", {guarded.host: {"ca": str(stranger)}})
    with pytest.raises(UnavailableError, match="certificate verify failed") as caught:
        strict.push(name)
    assert "'ca'" in caught.value.hint
