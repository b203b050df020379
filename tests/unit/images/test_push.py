"""Pushes to a registry that leads elsewhere: what another host may hear, and what it may not."""

import base64
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from support.images import config_of, entry, sha256, tar_of
from support.registries import Answer, Asked, FakeRegistry, Rule
from toolkit.core.errors import ToolkitError
from toolkit.images.library import Library
from toolkit.images.registry.client import Access, repositories
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.endpoints import Endpoint, Registries
from toolkit.images.registry.http import Http, check_target, same_host
from toolkit.images.registry.push import push
from toolkit.oci.digest import Digest
from toolkit.oci.reference import parse_reference

BASIC = f"Basic {base64.b64encode(b'me:secret').decode()}"
SMALL = tar_of((entry("hello"), b"hello"))
LARGE = tar_of((entry("large"), os.urandom(5_000_000)))


class Uploads:
    """What takes uploads below ``/upload/`` and keeps them by the digest that they end with."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self._parts: dict[str, bytes] = {}

    def __call__(self, asked: Asked) -> Answer | None:
        url = urlsplit(asked.path)
        if not url.path.startswith("/upload/"):
            return None
        sent = self._parts.get(url.path, b"") + asked.body
        self._parts[url.path] = sent
        if asked.method == "PATCH":
            return Answer(202, {"Location": url.path, "Range": f"0-{len(sent) - 1}"})
        (digest,) = parse_qs(url.query)["digest"]
        if digest != sha256(sent):
            return Answer(400)
        self.found[digest] = sent
        return Answer(201)


def leading_to(where: str) -> Rule:
    """A registry that wants a password and has others take the uploads; ``where`` they are."""
    numbers = iter(range(100))

    def rule(asked: Asked) -> Answer | None:
        if asked.headers.get("Authorization") != BASIC:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        if asked.method == "POST":
            return Answer(202, {"Location": f"{where}/upload/{next(numbers)}"})
        return Answer(201) if asked.method == "PUT" and "/manifests/" in asked.path else None

    return rule


def pushed(tmp_path: Path, host: str, layer: bytes) -> Digest:
    """An image of one layer sent to ``host``, where ``me`` is logged in."""
    library = Library(str(tmp_path / "data"))
    library.commit_image(config_of((layer,)), [library.write_layer([layer])], [f"{host}/app:1"])
    return push(library, parse_reference(f"{host}/app:1"), access(tmp_path, host))


def access(tmp_path: Path, host: str) -> Access:
    credentials = Credentials(str(tmp_path / "config.json"))
    credentials.store(host, Login(username="me", password="secret"))
    http = Http(sleep=lambda _: None)
    return Access.of(Registries(certs_d=str(tmp_path)), credentials, http)


@pytest.mark.parametrize("layer", [SMALL, LARGE], ids=["whole", "chunks"])
def test_an_upload_elsewhere_takes_no_password_along(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path, layer: bytes
) -> None:
    uploads = Uploads()
    registry.rules.append(leading_to(f"http://{other.host}"))
    other.rules.append(uploads)

    pushed(tmp_path, registry.host, layer)

    assert len(uploads.found) == 2
    assert other.asked
    assert all("Authorization" not in one.headers for one in other.asked)
    assert registry.got("/manifests/", "PUT")[0].headers["Authorization"] == BASIC


def test_an_upload_to_the_registry_itself_has_it(registry: FakeRegistry, tmp_path: Path) -> None:
    uploads = Uploads()
    registry.rules += [leading_to(f"http://{registry.host}"), uploads]

    pushed(tmp_path, registry.host, SMALL)

    assert len(uploads.found) == 2
    assert all(one.headers["Authorization"] == BASIC for one in registry.got("/upload/", "PUT"))


def test_another_host_that_demands_a_password_gets_none(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path
) -> None:
    registry.rules.append(leading_to(f"http://{other.host}"))
    other.rules.append(lambda asked: Answer(401, {"WWW-Authenticate": 'Basic realm="r"'}))

    with pytest.raises(ToolkitError, match="denies access"):
        pushed(tmp_path, registry.host, SMALL)
    assert all("Authorization" not in one.headers for one in other.asked)


def test_another_host_that_names_a_token_server_gets_no_password_there(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path
) -> None:
    registry.rules.append(leading_to(f"http://{other.host}"))
    realm = f'Bearer realm="http://{other.host}/token",service="it"'
    other.rules.append(lambda asked: Answer(401, {"WWW-Authenticate": realm}))

    with pytest.raises(ToolkitError, match="denies access"):
        pushed(tmp_path, registry.host, SMALL)
    assert not other.got("/token")


def test_a_next_page_elsewhere_is_read_without_a_password(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path
) -> None:
    link = {"Link": f'<http://{other.host}/v2/app/tags/list?last=a>; rel="next"'}

    def pages(asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != BASIC:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        return Answer(headers=link, body=b'{"tags":["a"]}')

    registry.rules.append(pages)
    other.rules.append(lambda asked: Answer(body=b'{"tags":["b"]}'))
    reference = parse_reference(f"{registry.host}/app")
    (server,) = repositories(access(tmp_path, registry.host), reference, "pull")

    assert list(server.tags()) == ["a", "b"]
    assert "Authorization" not in other.asked[0].headers


def test_headers_of_a_mirror_stay_with_it(
    registry: FakeRegistry, other: FakeRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / registry.host
    folder.mkdir()
    (folder / "hosts.toml").write_text(
        f'server = "http://{registry.host}"\n[header]\nX-Key = "secret"\n'
    )
    link = {"Link": f'<http://{other.host}/v2/app/tags/list?last=a>; rel="next"'}
    registry.rules.append(lambda asked: Answer(headers=link, body=b'{"tags":["a"]}'))
    other.rules.append(lambda asked: Answer(body=b'{"tags":["b"]}'))
    reference = parse_reference(f"{registry.host}/app")
    (server,) = repositories(access(tmp_path, registry.host), reference, "pull")

    assert list(server.tags()) == ["a", "b"]
    assert registry.asked[0].headers["X-Key"] == "secret"
    assert "X-Key" not in other.asked[0].headers


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://registry.example/upload", "from https"),
        ("http://elsewhere.example/upload", "from https"),
        ("file:///etc/shadow", "redirects to"),
        ("https:///nowhere", "redirects to"),
    ],
)
def test_where_a_registry_must_not_lead(target: str, said: str) -> None:
    endpoint = Endpoint(base="https://registry.example/v2")
    with pytest.raises(ToolkitError, match=said):
        check_target(endpoint, endpoint.base, target)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/v2", "https://a.example:443/upload", True),
        ("https://a.example/v2", "https://A.EXAMPLE/upload", True),
        ("https://a.example:5000/v2", "http://a.example:5000/upload", True),
        ("https://a.example/v2", "https://me@a.example/upload", True),
        ("https://a.example/v2", "https://a.example:8443/upload", False),
        ("https://a.example/v2", "http://a.example/upload", False),
        ("https://a.example/v2", "https://a.example@b.example/upload", False),
        ("https://a.example/v2", "https://a.example.b.example/upload", False),
    ],
)
def test_what_is_the_same_host(one: str, other: str, *, same: bool) -> None:
    assert same_host(one, other) is same
