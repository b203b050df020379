"""``RUN --mount`` as text."""

import pytest

from toolkit.building.faults import Place
from toolkit.building.mounts import MountRequest, parse_mount
from toolkit.core.errors import InvalidInputError, UnsupportedError

PLACE = Place(file="Dockerfile", line=3)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("target=/a", MountRequest(kind="bind", target="/a")),
        (
            "type=bind,src=x,dst=/a,from=b,rw",
            MountRequest(kind="bind", target="/a", source="x", source_stage="b", writable=True),
        ),
        (
            "type=cache,target=/a,id=i,sharing=locked,mode=0700,uid=1,gid=2",
            MountRequest(
                kind="cache",
                target="/a",
                id="i",
                sharing="locked",
                mode=0o700,
                uid=1,
                gid=2,
                writable=True,
            ),
        ),
        ("type=cache,target=/a,ro", MountRequest(kind="cache", target="/a")),
        ("type=tmpfs,target=/a,size=2m", MountRequest(kind="tmpfs", target="/a", size=2 << 20)),
        ("type=secret,id=s", MountRequest(kind="secret", target="/run/secrets/s", id="s")),
        ("type=secret,id=s,env=E", MountRequest(kind="secret", target="", id="s", env="E")),
        (
            "type=secret,target=/k,required",
            MountRequest(kind="secret", target="/k", required=True),
        ),
    ],
)
def test_mounts(text: str, mount: MountRequest) -> None:
    assert parse_mount(text, PLACE) == mount


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("type=bnd,target=/a", "'bnd' is no type of mount", "did you mean 'bind'?"),
        ("type=cache", "a cache mount needs a target", ""),
        ("type=tmpfs,target=/a,source=b", "a tmpfs mount has no 'source'", ""),
        ("type=cache,target=/a,sharng=x", "has no 'sharng'", "did you mean 'sharing'?"),
        ("type=cache,target=/a,sharing=x", "sharing is shared, private or locked", ""),
        ("type=cache,target=/a,mode=x", "mode is a number", ""),
        ("type=bind,target=/a,rw=perhaps", "readwrite is true or false", ""),
        ("type=tmpfs,target=/a,size=1x", "size is bytes", ""),
        ("type=secret", "a secret needs an id or a target", ""),
        (",", "is no mount", ""),
    ],
)
def test_what_is_wrong_with_a_mount(text: str, said: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^Dockerfile:3: ") as caught:
        parse_mount(text, PLACE)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_an_agent_is_not_handed_in() -> None:
    with pytest.raises(UnsupportedError, match="type ssh"):
        parse_mount("type=ssh", PLACE)
