"""A link over a channel that plays a script instead of an agent."""

import io
from collections.abc import Mapping
from typing import Any

import pytest

from toolkit.core import faults, wire
from toolkit.core.errors import NotFoundError, UnavailableError
from toolkit.ssh.link import StreamLink


class Script:
    """A channel whose other side has already said everything."""

    def __init__(self, *said: Mapping[str, Any], tail: bytes = b"", body: bytes = b"") -> None:
        stream = io.BytesIO()
        for header in said:
            wire.send(stream, wire.Message(header=header, body=body))
        self._said = io.BytesIO(stream.getvalue() + tail)
        self.heard = io.BytesIO()
        self.closed = 0

    def read(self, size: int, /) -> bytes:
        return self._said.read(size)

    def write(self, data: bytes, /) -> object:
        return self.heard.write(data)

    def flush(self) -> object:
        return None

    def last_words(self) -> str:
        return "killed"

    def close(self) -> None:
        self.closed += 1

    def request(self) -> wire.Message:
        self.heard.seek(0)
        message = wire.receive(self.heard)
        assert message is not None
        return message


def test_a_call_carries_method_params_and_body() -> None:
    script = Script({"id": 1, "result": {"x": 2}}, body=b"\xff")
    reply = StreamLink("web", script).call("read", {"path": "/a"}, body=b"abc")
    assert (reply.result, reply.body) == ({"x": 2}, b"\xff")
    request = script.request()
    assert request.header == {"id": 1, "method": "read", "params": {"path": "/a"}}
    assert request.body == b"abc"


def test_files_lie_behind_the_body() -> None:
    script = Script({"id": 1, "result": None})
    StreamLink("web", script).call("apply", {}, body=b"ab", files={"d1": b"c", "d2": b"def"})
    assert script.request().header["files"] == [["d1", 1], ["d2", 3]]
    assert script.request().body == b"abcdef"


def test_events_come_before_the_result() -> None:
    script = Script(
        {"id": 1, "event": {"n": 1}}, {"id": 1, "event": {"n": 2}}, {"id": 1, "result": 3}
    )
    seen: list[Mapping[str, Any]] = []
    assert StreamLink("web", script).call("apply", {}, on_event=seen.append).result == 3
    assert seen == [{"n": 1}, {"n": 2}]


def test_an_error_keeps_its_class_and_the_link_its_use() -> None:
    fault = faults.to_data(NotFoundError("no file", hint="look"))
    link = StreamLink("web", Script({"id": 1, "error": fault}, {"id": 2, "result": 1}))
    with pytest.raises(NotFoundError, match="no file") as caught:
        link.call("read", {})
    assert caught.value.hint == "look"
    assert link.call("ping", {}).result == 1


@pytest.mark.parametrize("tail", [b"", b"\0\0", b"\0\0\0\2\0\0\0\0[", b"\0\0\0\1\0\0\0\0["])
def test_a_stream_that_ends_names_host_method_and_last_words(tail: bytes) -> None:
    script = Script(tail=tail)
    link = StreamLink("web", script)
    with pytest.raises(UnavailableError, match=r"(?s)host 'web': link lost during 'apply'.*killed"):
        link.call("apply", {})
    with pytest.raises(UnavailableError, match="host 'web': 'ping' not sent: its link was lost"):
        link.call("ping", {})
    assert script.closed == 1


def test_text_instead_of_messages_is_explained() -> None:
    link = StreamLink("web", Script(tail=b"Welcome to this host! Have a nice day."))
    with pytest.raises(UnavailableError, match="no dockyard message"):
        link.call("ping", {})


def test_the_answer_to_another_request_ends_the_link() -> None:
    link = StreamLink("web", Script({"id": 7, "result": 1}))
    with pytest.raises(UnavailableError, match="answer 7 to request 1"):
        link.call("ping", {})


def test_giving_up_in_the_middle_ends_the_link() -> None:
    def give_up(_: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    script = Script({"id": 1, "event": {}}, {"id": 1, "result": 1})
    link = StreamLink("web", script)
    with pytest.raises(KeyboardInterrupt):
        link.call("apply", {}, on_event=give_up)
    assert script.closed == 1
    with pytest.raises(UnavailableError, match="given up"):
        link.call("ping", {})


def test_closing_twice_is_harmless() -> None:
    script = Script()
    with StreamLink("web", script) as link:
        link.close()
    assert script.closed == 1
