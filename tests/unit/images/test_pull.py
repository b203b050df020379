import base64
import itertools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.images import entry, tar_of
from support.registries import OCI_INDEX, Answer, Asked, FakeRegistry
from toolkit.core.errors import NotFoundError, ToolkitError, UnavailableError, UnsupportedError
from toolkit.images.library import Library
from toolkit.images.progress import Step
from toolkit.images.registry.client import Access
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.endpoints import Registries
from toolkit.images.registry.http import Http
from toolkit.images.registry.pull import Pulled, pull
from toolkit.images.store import ImageStore
from toolkit.oci.image import Platform, this_platform
from toolkit.oci.reference import parse_reference

LAYER = tar_of((entry("hello"), b"hello"))
BIG = tar_of((entry("big"), os.urandom(700_000)))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "data"))


class Puller:
    """Pulls into a library, and remembers how long it was told to wait."""

    def __init__(self, library: Library, tmp_path: Path) -> None:
        self.library = library
        self.credentials = Credentials(str(tmp_path / "config.json"))
        self.waited: list[float] = []
        self.steps: list[Step] = []
        self.own: dict[str, Any] = {}
        self.certs_d = str(tmp_path / "certs.d")

    def __call__(self, name: str, platform: Platform | None = None) -> Pulled:
        http = Http(sleep=self.waited.append)
        registries = Registries(own=self.own, certs_d=self.certs_d)
        access = Access.of(registries, self.credentials, http)
        try:
            return pull(
                self.library,
                parse_reference(name),
                access,
                platform=platform,
                report=self.steps.append,
            )
        finally:
            http.close()


@pytest.fixture
def puller(library: Library, tmp_path: Path) -> Puller:
    return Puller(library, tmp_path)


def nothing_left(library: Library) -> bool:
    layers = Path(library.data_root, "layers")
    known = [name for name in os.listdir(layers) if name[0] != "."] if layers.exists() else []
    return not known and library.all() == []


def content(library: Library, name: str) -> dict[str, bytes]:
    top = Path(ImageStore(library.data_root).resolve(name).lower[0])
    return {path.name: path.read_bytes() for path in top.iterdir()}


def on_blob(answer: Callable[[Asked], Answer | None]) -> Callable[[Asked], Answer | None]:
    return lambda asked: answer(asked) if "/blobs/" in asked.path else None


def test_brings_an_image_and_names_it(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    digest = registry.image("team/app", "1", LAYER, BIG, Cmd=["/hello"])

    found = puller(f"{registry.host}/team/app:1")

    assert found.news
    assert found.image.names == (f"{registry.host}/team/app:1",)
    assert found.image.digests == (f"{registry.host}/team/app@{digest}",)
    assert str(found.digest) == digest
    assert set(content(library, f"{registry.host}/team/app:1")) == {"big"}
    assert not puller(f"{registry.host}/team/app:1").news
    assert len(registry.got("/blobs/")) == 3, "the second time nothing is fetched"


def test_by_digest_there_is_no_name(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    digest = registry.image("app", "1", LAYER)

    found = puller(f"{registry.host}/app@{digest}")

    assert found.image.names == ()
    assert library.find(f"{registry.host}/app@{digest}") == found.image


def test_an_index_is_read_by_platform(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    here = this_platform()
    mine = registry.image("app", "mine", LAYER)
    theirs = registry.image("app", "theirs", BIG)
    manifests = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": len(registry.manifests[f"app/manifests/{digest}"][1]),
            "platform": platform,
        }
        for digest, platform in (
            (theirs, {"os": "linux", "architecture": "mips64le"}),
            (mine, {"os": here.os, "architecture": here.architecture}),
        )
    ]
    index = registry.put(
        "app", "1", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    )

    found = puller(f"{registry.host}/app:1")
    assert str(found.image.manifest) == mine
    assert found.image.digests == (f"{registry.host}/app@{index}",)
    assert library.find(f"{registry.host}/app@{index}") == found.image

    other = puller(f"{registry.host}/app:1", Platform(os="linux", architecture="mips64le"))
    assert str(other.image.manifest) == theirs
    with pytest.raises(UnsupportedError, match=r"no image for linux/s390x"):
        puller(f"{registry.host}/app:1", Platform(os="linux", architecture="s390x"))


def test_what_is_not_there_is_said(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    with pytest.raises(NotFoundError, match=r"has no manifest 'app:2': not known"):
        puller(f"{registry.host}/app:2")
    assert library.all() == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(
    registry: FakeRegistry, puller: Puller, status: int
) -> None:
    registry.image("app", "1", LAYER)
    busy = iter([Answer(status, {"Retry-After": "7"}), Answer(status)])
    registry.rules.append(lambda asked: next(busy, None))

    assert puller(f"{registry.host}/app:1").news
    assert puller.waited[0] == 7
    assert 0 < puller.waited[1] < 1.5


def test_a_server_that_stays_busy_is_given_up(registry: FakeRegistry, puller: Puller) -> None:
    registry.rules.append(lambda asked: Answer(503))

    with pytest.raises(UnavailableError, match="fails with status 503"):
        puller(f"{registry.host}/app:1")
    assert len(puller.waited) == 4


def test_nobody_waits_an_hour(registry: FakeRegistry, puller: Puller) -> None:
    registry.rules.append(lambda asked: Answer(429, {"Retry-After": "3600"}))

    with pytest.raises(UnavailableError, match="too many requests"):
        puller(f"{registry.host}/app:1")
    assert puller.waited == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_line_that_breaks_is_taken_up_again(
    registry: FakeRegistry, puller: Puller, library: Library, *, ranges: bool
) -> None:
    registry.image("app", "1", BIG)
    registry.ranges = ranges
    cuts = iter([300_000])

    def cut(asked: Asked) -> Answer | None:
        data = registry.blobs[asked.path.rpartition("/")[2]]
        if len(data) < 300_000 or not (at := next(cuts, 0)):
            return None
        return Answer(body=data, cut=at)

    registry.rules.append(on_blob(cut))

    puller(f"{registry.host}/app:1")

    asked = [one.headers.get("Range") for one in registry.got("/blobs/")]
    assert "bytes=300000-" in asked
    assert len(content(library, f"{registry.host}/app:1")["big"]) == 700_000


def test_a_pull_that_was_killed_goes_on_where_it_was(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    registry.image("app", "1", BIG)
    digest, data = next(item for item in registry.blobs.items() if len(item[1]) > 300_000)
    library.blobs.prepare()
    part = Path(library.blobs.directory, ".parts", digest.partition(":")[2])
    part.write_bytes(data[:123_456])

    puller(f"{registry.host}/app:1")

    assert [one.headers.get("Range") for one in registry.got(digest)] == ["bytes=123456-"]
    assert not part.exists()


def test_a_part_that_was_torn_is_thrown_away(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    registry.image("app", "1", BIG)
    digest, _ = next(item for item in registry.blobs.items() if len(item[1]) > 300_000)
    library.blobs.prepare()
    part = Path(library.blobs.directory, ".parts", digest.partition(":")[2])
    part.write_bytes(b"\0" * 1000)

    with pytest.raises(ToolkitError, match="part of it from an earlier try"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)
    assert puller(f"{registry.host}/app:1").news


def test_two_pulls_at_once_fetch_a_layer_once(
    registry: FakeRegistry, puller: Puller, library: Library, tmp_path: Path
) -> None:
    registry.image("app", "1", BIG)
    both = threading.Barrier(2)

    def wait(asked: Asked) -> None:
        if "/manifests/" in asked.path:
            both.wait(60)

    registry.rules.append(wait)
    found: list[Pulled] = []
    second = Puller(library, tmp_path)
    threads = [
        threading.Thread(target=lambda one=one: found.append(one(f"{registry.host}/app:1")))
        for one in (puller, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    layers = [one for one in registry.got("/blobs/") if len(registry.blobs[one.path[-71:]]) > 1000]
    assert len(layers) == 1


# lies


def test_a_wrong_layer_is_refused(registry: FakeRegistry, puller: Puller, library: Library) -> None:
    registry.image("app", "1", LAYER)
    registry.rules.append(
        on_blob(lambda asked: Answer(body=registry.blobs[asked.path[-71:]].swapcase()))
    )

    with pytest.raises(ToolkitError, match=r"cannot be believed: blob .* has the digest"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)


def test_a_wrong_layer_is_refused_though_it_unpacks(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    """Another compression level: the same size at best, the same tar, other bytes."""
    registry.image("app", "1", LAYER)

    def changed(asked: Asked) -> Answer | None:
        data = registry.blobs[asked.path[-71:]]
        return Answer(body=data[:9] + b"\x07" + data[10:]) if data[:2] == b"\x1f\x8b" else None

    registry.rules.append(on_blob(changed))

    with pytest.raises(ToolkitError, match="cannot be believed"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)


def test_a_wrong_manifest_is_refused(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    digest = registry.image("app", "1", LAYER)
    kind, raw = registry.manifests["app/manifests/1"]
    registry.manifests[f"app/manifests/{digest}"] = (kind, raw + b" ")

    with pytest.raises(ToolkitError, match="cannot be believed: the manifest"):
        puller(f"{registry.host}/app@{digest}")
    assert nothing_left(library)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_what_never_ends_is_cut_off(
    registry: FakeRegistry, puller: Puller, library: Library, size: int
) -> None:
    registry.image("app", "1", LAYER)
    endless = on_blob(lambda asked: Answer(body=itertools.repeat(b"x" * size)))
    registry.rules.append(endless)

    with pytest.raises(ToolkitError, match=r"is longer than"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)


def test_an_endless_manifest_is_cut_off(registry: FakeRegistry, puller: Puller) -> None:
    registry.rules.append(lambda asked: Answer(body=itertools.repeat(b" " * 65536)))

    with pytest.raises(ToolkitError, match=r"an answer is longer than"):
        puller(f"{registry.host}/app:1")


@pytest.mark.parametrize(
    "target", ["file:///etc/shadow", "ftp://127.0.0.1/x", "unix:///run/x.sock", ""]
)
def test_a_redirect_leads_to_http_only(
    registry: FakeRegistry, puller: Puller, library: Library, target: str
) -> None:
    registry.image("app", "1", LAYER)
    registry.rules.append(on_blob(lambda asked: Answer(307, {"Location": target})))

    with pytest.raises(ToolkitError, match="redirects"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)


def test_a_layer_that_lies_about_its_tar_leaves_nothing(
    registry: FakeRegistry, puller: Puller, library: Library
) -> None:
    registry.image("app", "1", tar_of((entry("../../escape"), b"x")))

    with pytest.raises(ToolkitError, match="leads out of the image"):
        puller(f"{registry.host}/app:1")
    assert nothing_left(library)


# who may


def protected(registry: FakeRegistry, *, token: str = "t0ken") -> None:
    def rule(asked: Asked) -> Answer | None:
        if asked.path.startswith("/token"):
            wanted = f"Basic {base64.b64encode(b'me:secret').decode()}"
            if asked.headers.get("Authorization") != wanted:
                return Answer(401)
            return Answer(body=json.dumps({"token": token, "expires_in": 300}).encode())
        if asked.headers.get("Authorization") == f"Bearer {token}":
            return None
        realm = f'Bearer realm="http://{registry.host}/token",service="it",scope="x"'
        return Answer(401, {"WWW-Authenticate": realm})

    registry.rules.append(rule)


def test_a_token_is_fetched_once_and_used(registry: FakeRegistry, puller: Puller) -> None:
    registry.image("team/app", "1", LAYER, BIG)
    protected(registry)
    puller.credentials.store(registry.host, Login(username="me", password="secret"))

    puller(f"{registry.host}/team/app:1")

    (asked,) = registry.got("/token")
    assert "scope=repository%3Ateam%2Fapp%3Apull" in asked.path
    assert "service=it" in asked.path


def test_without_a_login_access_is_denied(registry: FakeRegistry, puller: Puller) -> None:
    registry.image("app", "1", LAYER)
    protected(registry)

    with pytest.raises(ToolkitError, match="refuses access") as caught:
        puller(f"{registry.host}/app:1")
    assert "dockyard login" in caught.value.hint


def test_basic_authentication(registry: FakeRegistry, puller: Puller) -> None:
    registry.image("app", "1", LAYER)
    wanted = f"Basic {base64.b64encode(b'me:secret').decode()}"
    registry.rules.append(
        lambda asked: (
            None
            if asked.headers.get("Authorization") == wanted
            else Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        )
    )

    with pytest.raises(ToolkitError, match="denies access"):
        puller(f"{registry.host}/app:1")
    puller.credentials.store(registry.host, Login(username="me", password="secret"))
    assert puller(f"{registry.host}/app:1").news


def test_another_host_hears_no_password(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller
) -> None:
    registry.image("app", "1", LAYER)
    other.blobs = registry.blobs
    wanted = f"Basic {base64.b64encode(b'me:secret').decode()}"

    def rule(asked: Asked) -> Answer | None:
        if asked.headers.get("Authorization") != wanted:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})
        if "/blobs/" in asked.path:
            return Answer(307, {"Location": f"http://{other.host}{asked.path}"})
        return None

    registry.rules.append(rule)
    puller.credentials.store(registry.host, Login(username="me", password="secret"))

    assert puller(f"{registry.host}/app:1").news
    assert other.got("/blobs/")
    assert all("Authorization" not in one.headers for one in other.asked)


# mirrors


def test_a_mirror_is_asked_first_and_the_name_stays(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller
) -> None:
    registry.image("app", "1", LAYER)
    other.image("app", "1", LAYER)
    puller.own = {registry.host: {"mirrors": [f"http://{other.host}"]}}
    puller.credentials.store(registry.host, Login(username="me", password="secret"))

    found = puller(f"{registry.host}/app:1")

    assert found.server == f"http://{other.host}"
    assert found.image.names == (f"{registry.host}/app:1",)
    assert registry.asked == []
    assert all("Authorization" not in one.headers for one in other.asked)
    assert f"ns={registry.host.replace(':', '%3A')}" in other.asked[0].path
    assert any("mirror" in step.status and other.host in step.status for step in puller.steps)


@pytest.mark.parametrize("fault", ["empty", "broken", "lying", "down"])
def test_the_origin_helps_where_a_mirror_fails(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller, fault: str
) -> None:
    registry.image("app", "1", LAYER)
    mirror = "http://127.0.0.1:1" if fault == "down" else f"http://{other.host}"
    if fault == "broken":
        other.rules.append(lambda asked: Answer(500))
    if fault == "lying":
        other.rules.append(
            lambda asked: Answer(headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"}, body=b"x")
        )
    puller.own = {registry.host: {"mirrors": [mirror]}}

    found = puller(f"{registry.host}/app:1")

    assert found.server.endswith(registry.host)


def test_blobs_come_from_the_origin_where_a_mirror_lost_them(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller
) -> None:
    registry.image("app", "1", LAYER)
    other.manifests = registry.manifests
    puller.own = {registry.host: {"mirrors": [f"http://{other.host}"]}}

    assert puller(f"{registry.host}/app:1").news
    assert registry.got("/blobs/")
    assert not registry.got("/manifests/")


@pytest.mark.parametrize("lie", ["other bytes", "more", "endless"])
def test_the_origin_helps_where_a_mirror_lies_about_a_layer(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller, library: Library, lie: str
) -> None:
    registry.image("app", "1", LAYER, BIG)
    other.manifests, other.blobs = registry.manifests, registry.blobs

    def lying(asked: Asked) -> Answer | None:
        data = registry.blobs[asked.path.partition("?")[0][-71:]]
        if len(data) < 300_000:
            return None
        if lie == "endless":
            return Answer(body=itertools.repeat(b"x" * 65536))
        return Answer(body=data + b"x" if lie == "more" else data[:-9] + b"x" + data[-8:])

    other.rules.append(on_blob(lying))
    puller.own = {registry.host: {"mirrors": [f"http://{other.host}"]}}

    found = puller(f"{registry.host}/app:1")

    assert len(content(library, found.image.names[0])["big"]) == 700_000
    assert len(registry.got("/blobs/")) == 1, "what the mirror gave honestly is kept"
    (told,) = [step.status for step in puller.steps if "cannot be believed" in step.status]
    assert told.endswith(f"asking https://{registry.host} instead")


def test_all_that_was_tried_is_told(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller
) -> None:
    puller.own = {registry.host: {"mirrors": [f"http://{other.host}"]}}

    with pytest.raises(NotFoundError, match=registry.host) as caught:
        puller(f"{registry.host}/app:1")
    assert other.host in caught.value.hint


def test_containerd_s_files_are_read(
    registry: FakeRegistry, other: FakeRegistry, puller: Puller
) -> None:
    other.image("prefix/app", "1", LAYER)
    folder = Path(puller.certs_d, registry.host)
    folder.mkdir(parents=True)
    (folder / "hosts.toml").write_text(
        f'server = "http://{registry.host}"\n[host."http://{other.host}/v2/prefix"]\n'
        'capabilities = ["pull", "resolve"]\noverride_path = true\n'
    )

    assert puller(f"{registry.host}/app:1").server == f"http://{other.host}/v2/prefix"
