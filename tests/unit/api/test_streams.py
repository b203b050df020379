"""Frames, detach keys, and the table of routes."""

import pytest

from toolkit.api.routing import Route, Router
from toolkit.api.streams import KeyWatch, frame, parse_keys
from toolkit.api.table import ROUTES
from toolkit.api.version import parse
from toolkit.core.errors import InvalidInputError, NotFoundError


def test_a_frame_tells_stream_and_length() -> None:
    assert frame(2, b"oops") == b"\x02\0\0\0\0\0\0\x04oops"


@pytest.mark.parametrize(
    ("typed", "passed", "found"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"a\x10\x11b"], b"a", True),
        ([b"a\x10", b"\x11"], b"a", True),
        ([b"a\x10", b"b"], b"a\x10b", False),
    ],
)
def test_detach_keys_are_found_and_others_go_on(
    typed: list[bytes], passed: bytes, found: bool
) -> None:
    watch = KeyWatch(parse_keys(""))
    seen = [watch.feed(data) for data in typed]
    assert b"".join(data for data, _ in seen) == passed
    assert seen[-1][1] is found


@pytest.mark.parametrize(
    ("text", "keys"), [("", b"\x10\x11"), ("ctrl-a,b", b"\x01b"), ("ctrl-[", b"\x1b")]
)
def test_detach_keys_in_dockers_spelling(text: str, keys: bytes) -> None:
    assert parse_keys(text) == keys


def test_a_word_that_is_no_key_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'ctrl-ab' is no key"):
        parse_keys("ctrl-ab")


async def _none(_: object) -> None: ...


def test_routes_are_found_by_method_and_path() -> None:
    router = Router(
        [
            Route("GET", "/images/{name*}/json", _none),  # type: ignore[arg-type] # never called
            Route("GET", "/containers/{id}/json", _none),  # type: ignore[arg-type] # as above
        ]
    )
    assert router.find("GET", "/images/a/b%3Ac/json")[1] == {"name": "a/b:c"}
    assert router.find("GET", "/containers/x/json")[1] == {"id": "x"}
    with pytest.raises(NotFoundError, match="page not found"):
        router.find("POST", "/containers/x/json")
    with pytest.raises(NotFoundError, match="page not found"):
        router.find("GET", "/nothing")


def test_no_endpoint_stands_twice() -> None:
    places = [(route.method, route.path) for route in ROUTES]
    assert len(places) == len(set(places))


@pytest.mark.parametrize(("text", "words"), [("1.51", "too new"), ("1.40", "too old")])
def test_versions_that_are_not_spoken(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse(text)
