import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.oci.digest import Digest
from toolkit.oci.reference import Reference, parse_reference

SHA = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("me/app", "docker.io/me/app:latest"),
        ("me/app:1", "docker.io/me/app:1"),
        ("host:5000/x", "host:5000/x:latest"),
        ("host:5000/x:1", "host:5000/x:1"),
        ("localhost/x", "localhost/x:latest"),
        ("quay.io/a/b/c", "quay.io/a/b/c:latest"),
        ("Host/x", "Host/x:latest"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c"),
        ("a__b/c-d--e.f_g", "docker.io/a__b/c-d--e.f_g:latest"),
        (f"ubuntu@{SHA}", f"docker.io/library/ubuntu@{SHA}"),
        (f"ubuntu:1@{SHA}", f"docker.io/library/ubuntu:1@{SHA}"),
    ],
)
def test_is_normalised_as_docker_does(text: str, whole: str) -> None:
    assert str(parse_reference(text)) == whole


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("docker.io/library/ubuntu:latest", "ubuntu:latest"),
        ("docker.io/me/app", "me/app:latest"),
        ("quay.io/app:1", "quay.io/app:1"),
    ],
)
def test_is_shown_as_docker_does(text: str, familiar: str) -> None:
    assert parse_reference(text).familiar == familiar


@pytest.mark.parametrize("text", ["ubuntu", "host:5000/x:1", f"a/b@{SHA}", f"a/b:t@{SHA}"])
def test_parses_what_it_prints(text: str) -> None:
    reference = parse_reference(text)

    assert parse_reference(str(reference)) == reference


def test_has_its_parts() -> None:
    reference = parse_reference(f"host:5000/a/b:tag@{SHA}")

    assert reference == Reference(
        domain="host:5000",
        path="a/b",
        tag="tag",
        digest=Digest(algorithm="sha256", hex="a" * 64),
    )
    assert reference.name == "host:5000/a/b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the name is empty"),
        (":tag", "the name is empty"),
        ("ubuntu:", "'' is no tag"),
        ("ubuntu:-x", "'-x' is no tag"),
        ("ubuntu:" + "x" * 129, "is no tag"),
        ("a//b", "'' is no name"),
        ("a..b", "'a..b' is no name"),
        ("a___b", "'a___b' is no name"),
        ("-a", "'-a' is no name"),
        ("../x", "'..' is no registry"),
        ("-.io/x", "'-.io' is no registry"),
        ("host:port/x", "'host:port' is no registry"),
        ("ubuntu\n", "is no name"),
        ("ubuntu@sha256:abc", "is no digest"),
        ("ubuntu@md5:" + "a" * 32, "unknown algorithm 'md5'"),
        ("ubuntu@", "is no digest"),
        ("a" * 64, "would look like an image id"),
        ("a/" * 130 + "a", "longer than 255"),
        ("http://x/y", "has no scheme"),
    ],
)
def test_refuses_what_is_none(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said.replace("(", r"\(")):
        parse_reference(text)


def test_hints_at_lower_case() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_reference("Ubuntu")

    assert caught.value.hint == "did you mean 'ubuntu'?"
