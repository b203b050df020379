"""``-v`` and ``--mount`` in Docker's words."""

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine.config import Bind, Tmpfs, VolumeMount
from toolkit.engine.volumetext import parse_mount, parse_volume


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/a:/b", Bind(source="/a", target="/b")),
        ("/a:/b:ro", Bind(source="/a", target="/b", read_only=True)),
        ("/a:/b:rw,z", Bind(source="/a", target="/b")),
        ("/a:/b:ro,rslave", Bind(source="/a", target="/b", read_only=True, propagation="rslave")),
        ("/data", VolumeMount(target="/data")),
        ("data:/b", VolumeMount(target="/b", name="data")),
        ("data:/b:ro,nocopy", VolumeMount(target="/b", name="data", read_only=True, copy=False)),
    ],
)
def test_volumes(text: str, found: Bind | VolumeMount) -> None:
    assert parse_volume(text) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("./a:/b", "'./a' is no name for a volume"),
        ("data", "not an absolute path in the container"),
        ("/a:b", "not an absolute path in the container"),
        ("/a:/", "root file system itself"),
        ("/a::ro", "is not HOST:CONTAINER"),
        ("/a:/b:ro:rw", "is not HOST:CONTAINER"),
        ("/a:/b:or", "unknown option 'or'"),
        ("/a:/b:nocopy", "volumes with a name only"),
        ("data:/b:rslave", "directories of the host only"),
    ],
)
def test_bad_volumes(text: str, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        parse_volume(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("type=bind,source=/a,target=/b", Bind(source="/a", target="/b")),
        (
            "type=bind,src=/a,dst=/b,ro,bind-propagation=rshared",
            Bind(source="/a", target="/b", read_only=True, propagation="rshared"),
        ),
        ("source=data,destination=/b", VolumeMount(target="/b", name="data")),
        (
            "type=volume,src=data,dst=/b,readonly=true,volume-nocopy,volume-subpath=x/y",
            VolumeMount(target="/b", name="data", read_only=True, copy=False, subpath="x/y"),
        ),
        ("type=volume,dst=/b,readonly=false", VolumeMount(target="/b")),
        (
            "type=tmpfs,dst=/t,tmpfs-size=1k,tmpfs-mode=1770,ro",
            Tmpfs(
                target="/t",
                options=("noexec", "nosuid", "nodev", "size=1024", "mode=1770", "ro"),
            ),
        ),
    ],
)
def test_mounts(text: str, found: object) -> None:
    assert parse_mount(text, exists=lambda path: path == "/a") == found


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("type=nfs,dst=/b", InvalidInputError, "the type is none of"),
        ("type=bind,src=/a", InvalidInputError, "not an absolute path in the container"),
        ("type=bind,src=a,dst=/b", InvalidInputError, "the source 'a' is no absolute path"),
        ("type=bind,src=/gone,dst=/b", InvalidInputError, "there is no '/gone'"),
        ("type=bind,src=/a,dst=/b,bind-propagation=x", InvalidInputError, "propagation 'x'"),
        ("type=bind,src=/a,dst=/b,bind-recursive=disabled", UnsupportedError, "bind-recursive"),
        ("type=bind,src=/a,dst=/b,tmpfs-size=1", InvalidInputError, "'tmpfs-size' is not known"),
        ("type=volume,dst=/b,volume-opt=o=x", UnsupportedError, "volume-opt is not supported"),
        ("type=volume,dst=/b,volume-driver=nfs", UnsupportedError, "is 'local'"),
        ("type=volume,src=a/b,dst=/b", InvalidInputError, "is no name for a volume"),
        ("type=volume,src=data,dst=/b,volume-subpath=/x", InvalidInputError, "inside the volume"),
        ("type=tmpfs,src=/a,dst=/b", InvalidInputError, "a tmpfs has no source"),
        ("type=tmpfs,dst=/b,ro=maybe", InvalidInputError, "readonly is true or false"),
    ],
)
def test_bad_mounts(text: str, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        parse_mount(text, exists=lambda path: path == "/a")
