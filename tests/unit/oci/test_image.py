from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.oci.digest import Digest, digest_of
from toolkit.oci.image import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Fields,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    chain_ids,
    decode_config,
    decode_image,
    decode_index,
    decode_manifest,
    encode_config,
    parse_json,
    this_platform,
)

SHA = "sha256:" + "a" * 64


def descriptor(**more: Any) -> dict[str, Any]:
    return {"mediaType": "x", "digest": SHA, "size": 3, **more}


def test_reads_a_manifest() -> None:
    manifest = decode_manifest(
        {"mediaType": OCI_MANIFEST, "config": descriptor(), "layers": [descriptor(size=4)]}, at="m"
    )

    assert isinstance(manifest, Manifest)
    assert manifest.config.size == 3
    assert str(manifest.layers[0].digest) == SHA


@pytest.mark.parametrize("media_type", [None, DOCKER_MANIFEST])
def test_reads_a_manifest_of_docker_and_one_without_type(media_type: str | None) -> None:
    data: dict[str, Any] = {"mediaType": media_type, "config": descriptor(), "layers": []}

    assert isinstance(decode_manifest(data, at="m"), Manifest)


def test_tells_an_index_from_a_manifest() -> None:
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    data = {"manifests": [descriptor(platform=platform, annotations={"a": "b"})]}

    for typed in (data, {**data, "mediaType": OCI_INDEX}):
        index = decode_manifest(typed, at="i")
        assert isinstance(index, Index)
        assert str(index.manifests[0].platform) == "linux/arm64/v8"
        assert index.manifests[0].annotations == {"a": "b"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "m: expected an object, not a list"),
        ({"layers": []}, "m: config: missing"),
        ({"config": descriptor()}, "m: layers: missing"),
        ({"config": 3, "layers": []}, "m: config: expected an object, not a number"),
        ({"config": descriptor(size="3"), "layers": []}, "m: config.size: expected a whole number"),
        ({"config": descriptor(size=-1), "layers": []}, "m: config.size: -1 is negative"),
        ({"config": descriptor(size=True), "layers": []}, "m: config.size: expected a whole"),
        ({"config": descriptor(), "layers": [1]}, r"m: layers\[0\]: expected an object"),
        ({"config": descriptor(), "layers": "x"}, "m: layers: expected a list, not text"),
        (
            {"config": descriptor(digest="sha256:x"), "layers": []},
            "m: config.digest: 'sha256:x' is no digest",
        ),
    ],
)
def test_names_the_place_of_a_fault(data: object, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        decode_manifest(data, at="m")


def test_refuses_other_things_than_images() -> None:
    with pytest.raises(UnsupportedError, match="is no image manifest"):
        decode_manifest({"mediaType": "application/x"}, at="m")


@pytest.mark.parametrize(
    "data",
    [
        {"schemaVersion": 1, "fsLayers": []},
        {"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
    ],
)
def test_refuses_schema_1_with_a_hint(data: object) -> None:
    with pytest.raises(UnsupportedError, match="schema 1") as caught:
        decode_manifest(data, at="m")

    assert "2017" in caught.value.hint


def test_reads_a_configuration() -> None:
    image = decode_image(
        {
            "os": "linux",
            "architecture": "amd64",
            "created": "2020-01-01T00:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": [SHA]},
            "config": {
                "Env": ["A=b", "C=d=e"],
                "Entrypoint": ["/x"],
                "Cmd": ["y"],
                "WorkingDir": "/w",
                "User": "1:2",
                "StopSignal": "SIGINT",
                "Volumes": {"/v": {}},
                "ExposedPorts": {"80/tcp": {}},
                "Labels": {"l": "m"},
                "SomethingNew": 1,
            },
        },
        at="c",
    )

    assert image.platform == Platform(os="linux", architecture="amd64")
    assert [str(digest) for digest in image.diff_ids] == [SHA]
    assert image.config == ImageConfig(
        env=("A=b", "C=d=e"),
        entrypoint=("/x",),
        cmd=("y",),
        workdir="/w",
        user="1:2",
        stop_signal="SIGINT",
        volumes=("/v",),
        exposed_ports=("80/tcp",),
        labels={"l": "m"},
    )


def test_takes_null_for_absent() -> None:
    names = ("Env", "Entrypoint", "Cmd", "Volumes", "ExposedPorts", "Labels", "WorkingDir")
    data = {"rootfs": {"diff_ids": None}, "config": dict.fromkeys(names)}

    assert decode_image(data, at="c").config == ImageConfig(labels={})
    assert decode_image({"rootfs": {}, "config": None}, at="c").diff_ids == ()


@pytest.mark.parametrize("entry", ["HOME", "*", "", "=x", "FOO*"])
def test_drops_variables_that_would_come_from_the_host(entry: str) -> None:
    config = decode_config(Fields({"Env": [entry, "A=b"]}, "c"))

    assert config.env == ("A=b",)


def test_names_the_place_inside_lists_and_objects() -> None:
    with pytest.raises(InvalidInputError, match=r"c: config\.Env\[1\]: expected text, not null"):
        decode_image({"rootfs": {}, "config": {"Env": ["A=b", None]}}, at="c")
    with pytest.raises(InvalidInputError, match=r"c: config\.Labels\.x: expected text, not a num"):
        decode_image({"rootfs": {}, "config": {"Labels": {"x": 1}}}, at="c")


def test_writes_what_it_reads() -> None:
    config = ImageConfig(env=("A=b",), cmd=("x",), volumes=("/v",), user="me", labels={"a": "b"})

    assert decode_config(Fields(encode_config(config), "c")) == config


def test_refuses_an_index_without_manifests() -> None:
    with pytest.raises(InvalidInputError, match="i: manifests: missing"):
        decode_index({}, at="i")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_says_what_is_no_json(data: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"index\.json: no valid JSON"):
        parse_json(data, at="index.json")


def test_chains_layers() -> None:
    first, second = digest_of(b"1"), digest_of(b"2")

    assert chain_ids(()) == ()
    assert chain_ids((first, second)) == (first, digest_of(f"{first} {second}".encode()))


def test_a_sha512_layer_chains_with_sha256() -> None:
    first = digest_of(b"1", algorithm="sha512")

    assert isinstance(chain_ids((first, first))[1], Digest)
    assert chain_ids((first, first))[1].algorithm == "sha256"


def test_a_machine_runs_older_variants() -> None:
    machine = Platform(os="linux", architecture="arm", variant="v7")

    assert machine.accepts(Platform(os="linux", architecture="arm", variant="v6"))
    assert machine.accepts(Platform(os="linux", architecture="arm"))
    assert not machine.accepts(Platform(os="linux", architecture="arm", variant="v8"))
    assert not machine.accepts(Platform(os="linux", architecture="arm64"))


def test_knows_this_machine() -> None:
    assert this_platform().os == "linux"
    assert this_platform().architecture
