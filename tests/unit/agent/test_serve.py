"""The serving loop over pipes, within the test's own process."""

import io
import os
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from toolkit.agent import methods
from toolkit.agent.call import Answer, Call
from toolkit.agent.serve import Server, take_streams
from toolkit.core import faults, wire
from toolkit.core.errors import ConflictError


class Peer:
    """The other side: it hangs up only when all that it asked was answered."""

    def __init__(self, *requests: wire.Message) -> None:
        self._asked = io.BytesIO()
        for one in requests:
            wire.send(self._asked, one)
        self._asked.seek(0)
        self._heard = io.BytesIO()
        self._left = threading.Semaphore(0)
        self._requests = len(requests)

    def read(self, size: int, /) -> bytes:
        data = self._asked.read(size)
        while not data and size and self._requests:
            self._left.acquire()
            self._requests -= 1
        return data

    def write(self, data: bytes, /) -> object:
        return self._heard.write(data)

    def flush(self) -> object:
        if "event" not in self.answers()[-1].header:
            self._left.release()
        return None

    def answers(self) -> list[wire.Message]:
        heard = io.BytesIO(self._heard.getvalue())
        answers = []
        while (message := wire.receive(heard)) is not None:
            answers.append(message)
        return answers


def serve(*requests: wire.Message) -> list[wire.Message]:
    """What the server answers to these requests."""
    peer = Peer(*requests)
    Server(peer, peer).run()
    return peer.answers()


def request(
    method: object, params: object = None, *, number: int = 1, **more: object
) -> wire.Message:
    header = {"id": number, "method": method, "params": params or {}, **more}
    return wire.Message(header=header)


def test_requests_are_answered_in_order() -> None:
    answers = serve(request("ping", {"echo": 1}), request("ping", {"echo": 2}, number=2))
    assert [(one.header["id"], one.header["result"]["echo"]) for one in answers] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("wrong", [request(None), request(3), request("ping", [1])])
def test_a_request_that_is_none_is_refused(wrong: wire.Message) -> None:
    answer = serve(wrong)[0]
    assert answer.header["error"]["type"] == "InvalidInputError"


def test_events_files_and_bodies_find_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Call] = []

    def method(call: Call) -> Answer:
        seen.append(call)
        call.send({"n": 1})
        return Answer(result=[1], body=b"bytes")

    monkeypatch.setattr("toolkit.agent.serve.find", lambda _: method)
    header = {"id": 9, "method": "x", "params": {}, "files": [["a", 2], ["b", 1]]}
    event, answer = serve(wire.Message(header=header, body=b"own" + b"aa" + b"b"))
    assert event.header == {"id": 9, "event": {"n": 1}}
    assert (answer.header, answer.body) == ({"id": 9, "result": [1]}, b"bytes")
    assert (seen[0].body, dict(seen[0].files)) == (b"own", {"a": b"aa", "b": b"b"})


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ConflictError("taken", hint="wait"), "ConflictError", "taken"),
        (PermissionError(13, "Permission denied", "/x"), "ToolkitError", "Permission denied: '/x'"),
        (ZeroDivisionError("oh"), "ToolkitError", "the agent failed: ZeroDivisionError: oh"),
    ],
)
def test_errors_are_answers(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, message: str
) -> None:
    def method(_: Call) -> None:
        raise error

    monkeypatch.setattr("toolkit.agent.serve.find", lambda _: method)
    answers = serve(request("x"), request("x", number=2))
    assert [one.header["id"] for one in answers] == [1, 2]
    back = faults.from_data(answers[0].header["error"])
    assert type(back).__name__ == kind
    assert message in back.message


def test_every_method_has_its_function() -> None:
    for name in methods.GROUPS:
        assert callable(methods.find(name)), name


def test_the_protocol_moves_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a child: what is printed afterwards goes to stderr, and stdin is empty."""
    reader, writer = os.pipe()
    errors, stderr = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(reader, 0)
        os.dup2(writer, 1)
        os.dup2(stderr, 2)
        _, out = take_streams()
        os.write(1, b"printed" + os.read(0, 10))
        out.write(b"protocol")
        out.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"protocol"
    assert os.read(errors, 100) == b"printed"
    for fd in (reader, writer, errors, stderr):
        os.close(fd)


def test_a_result_that_cannot_travel_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def method(_: Call) -> Mapping[str, Any]:
        return {"x": object()}

    monkeypatch.setattr("toolkit.agent.serve.find", lambda _: method)
    assert "cannot be sent" in serve(request("x"))[0].header["error"]["message"]
