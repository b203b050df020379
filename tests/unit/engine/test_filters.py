"""``--filter``: which containers a list keeps."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.engine.config import Bind, ContainerConfig
from toolkit.engine.filters import CONTAINER_KEYS, asks_for_all, parse_filters, select
from toolkit.engine.model import View


def view(name: str, number: int, **changes: Any) -> View:
    config = ContainerConfig(image="box", network="none", binds=changes.pop("binds", ()))
    made = View(
        id=f"{number:x}" * 64,
        name=name,
        image="box",
        args=("sh",),
        config=config,
        status="running",
        created=float(number),
        digest="sha256:abcd",
    )
    return replace(made, **changes)


VIEWS = [
    view("web", 3, labels=("tier=front", "x=")),
    view("web-two", 2, status="exited", exit_status=3, labels=("tier=back",)),
    view("db", 1, status="paused", image="data:1", binds=(Bind(source="/srv", target="/data"),)),
]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("name=web",), ["web", "web-two"]),
        (("name=^/?web$",), ["web"]),
        (("id=111",), ["db"]),
        (("status=exited", "status=paused"), ["web-two", "db"]),
        (("exited=3",), ["web-two"]),
        (("exited=0",), []),
        (("label=tier",), ["web", "web-two"]),
        (("label=tier=front", "label=x"), ["web"]),
        (("ancestor=box",), ["web", "web-two"]),
        (("ancestor=abc",), ["web", "web-two", "db"]),
        (("before=web-two",), ["db"]),
        (("since=db",), ["web", "web-two"]),
        (("volume=/data",), ["db"]),
        (("network=none", "name=db"), ["db"]),
        (("health=none", "is-task=false", "name=db"), ["db"]),
        (("publish=80",), []),
    ],
)
def test_what_is_kept(words: tuple[str, ...], names: list[str]) -> None:
    found = select(VIEWS, parse_filters(words, CONTAINER_KEYS), VIEWS)
    assert [one.name for one in found] == names


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("name", "'name' is not of the form KEY=VALUE"),
        ("nam=x", "invalid filter 'nam'"),
        ("status=dancing", "invalid filter 'status=dancing'"),
        ("exited=x", "it is no number"),
        ("before=nobody", "there is no container 'nobody'"),
        ("name=(", "invalid filter 'name=\\('"),
    ],
)
def test_what_makes_no_sense(word: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        select(VIEWS, parse_filters([word], CONTAINER_KEYS), VIEWS)


def test_some_filters_speak_of_what_does_not_run() -> None:
    assert asks_for_all({"status": ["exited"]})
    assert not asks_for_all({"name": ["x"]})
