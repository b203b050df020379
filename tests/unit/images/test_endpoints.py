from pathlib import Path
from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.images.registry.endpoints import Endpoint, Registries, is_loopback, registry


def bases(found: list[Endpoint]) -> list[str]:
    return [one.base for one in found]


@pytest.fixture
def certs_d(tmp_path: Path) -> Path:
    return tmp_path / "certs.d"


def hosts_toml(certs_d: Path, name: str, text: str) -> Registries:
    (certs_d / name).mkdir(parents=True)
    (certs_d / name / "hosts.toml").write_text(text)
    return Registries(certs_d=str(certs_d))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.8.9.1:5000", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("10.0.0.1:5000", False),
    ],
)
def test_only_this_machine_may_do_without_tls(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert registry(host).insecure is loopback


def test_a_registry_stands_for_itself(certs_d: Path) -> None:
    registries = Registries(certs_d=str(certs_d))

    assert bases(registries.endpoints("reg.example:5000", "pull")) == [
        "https://reg.example:5000/v2"
    ]
    assert bases(registries.endpoints("docker.io", "push")) == ["https://registry-1.docker.io/v2"]


def test_mirrors_come_first_and_are_not_pushed_to(certs_d: Path) -> None:
    own: dict[str, Any] = {
        "docker.io": {
            "mirrors": [
                "https://one.example",
                {"url": "http://two.example:5000/sub", "override_path": True},
            ]
        }
    }
    registries = Registries(own=own, certs_d=str(certs_d))

    found = registries.endpoints("docker.io", "resolve")
    assert bases(found) == [
        "https://one.example/v2",
        "http://two.example:5000/sub",
        "https://registry-1.docker.io/v2",
    ]
    assert [one.namespace for one in found] == ["docker.io", "docker.io", ""]
    assert [one.insecure for one in found] == [False, True, False]
    assert bases(registries.endpoints("docker.io", "push")) == ["https://registry-1.docker.io/v2"]
    assert bases(registries.endpoints("other.example", "pull")) == ["https://other.example/v2"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"r": 1}, r'engine.toml: registries."r": expected a table'),
        ({"r": {"mirors": []}}, r'registries."r".mirors: unknown key'),
        ({"r": {"mirrors": "x"}}, "mirrors: expected a list"),
        ({"r": {"mirrors": ["x"]}}, "'x' is no registry's URL"),
        ({"r": {"mirrors": ["file:///x"]}}, "'file:///x' is no registry's URL"),
        ({"r": {"mirrors": ["https://me:pw@x"]}}, "is no registry's URL"),
        ({"r": {"mirrors": [{"url": 1}]}}, "expected a URL, not 1"),
        ({"r": {"insecure": "yes"}}, "insecure: expected true or false"),
        ({"r": {"ca": "/nonexistent.pem"}}, "no file '/nonexistent.pem'"),
    ],
)
def test_a_fault_names_its_place(own: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Registries(own=own).check()


def test_containerd_s_hosts(certs_d: Path) -> None:
    (certs_d / "docker.io").mkdir(parents=True)
    for name in ("ca.pem", "c.cert", "c.key"):
        (certs_d / "docker.io" / name).write_text("")
    (certs_d / "docker.io" / "hosts.toml").write_text(
        """
        server = "https://registry-1.docker.io"
        [host."https://mirror.example"]
          capabilities = ["pull", "resolve"]
          ca = "ca.pem"
          client = [["c.cert", "c.key"]]
          [host."https://mirror.example".header]
            x-one = "1"
            x-two = ["a", "b"]
        [host."http://10.0.0.1:5000/v2/sub"]
          capabilities = ["pull"]
          override_path = true
          skip_verify = true
        """
    )
    registries = Registries(certs_d=str(certs_d))

    first, second, last = registries.endpoints("docker.io", "pull")
    assert first.base == "https://mirror.example/v2"
    assert first.ca == (str(certs_d / "docker.io/ca.pem"),)
    assert first.client == ((str(certs_d / "docker.io/c.cert"), str(certs_d / "docker.io/c.key")),)
    assert first.headers == (("x-one", "1"), ("x-two", "a"), ("x-two", "b"))
    assert (second.base, second.insecure) == ("http://10.0.0.1:5000/v2/sub", True)
    assert (last.base, last.namespace) == ("https://registry-1.docker.io/v2", "")
    assert len(registries.endpoints("docker.io", "resolve")) == 2
    assert bases(registries.endpoints("docker.io", "push")) == ["https://registry-1.docker.io/v2"]


@pytest.mark.parametrize("name", ["reg.example:5000", "reg.example_5000_", "_default"])
def test_a_host_s_folder_has_three_names(certs_d: Path, name: str) -> None:
    registries = hosts_toml(certs_d, name, '[host."https://m.example"]\n')

    assert bases(registries.endpoints("reg.example:5000", "pull")) == [
        "https://m.example/v2",
        "https://reg.example:5000/v2",
    ]


def test_the_engine_s_own_file_wins(certs_d: Path) -> None:
    hosts_toml(certs_d, "reg.example", '[host."https://m.example"]\n')
    registries = Registries(own={"reg.example": {}}, certs_d=str(certs_d))

    assert bases(registries.endpoints("reg.example", "pull")) == ["https://reg.example/v2"]


def test_a_broken_file_of_containerd_names_itself(certs_d: Path) -> None:
    registries = hosts_toml(certs_d, "reg.example", "server =")

    with pytest.raises(InvalidInputError, match=r"reg\.example/hosts\.toml: "):
        registries.endpoints("reg.example", "pull")
