"""Packets with descriptors beside them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.runtime import messages
from toolkit.runtime.messages import Socket

Pair = tuple[Socket, Socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = messages.pair()
    yield made
    for end in made:
        end.close()


def test_messages_stay_apart_and_in_order(pair: Pair) -> None:
    for number in (1, 2):
        messages.send(pair[0], {"number": number})
    assert [messages.receive(pair[1])[0] for _ in (1, 2)] == [{"number": 1}, {"number": 2}]


def test_descriptors_arrive_and_are_close_on_exec(pair: Pair) -> None:
    reader, writer = os.pipe()
    messages.send(pair[0], {}, (writer,))
    os.close(writer)
    _, (arrived,) = messages.receive(pair[1])
    assert not os.get_inheritable(arrived)
    os.write(arrived, b"x")
    os.close(arrived)
    assert os.read(reader, 9) == b"x"
    os.close(reader)


@pytest.mark.parametrize("size", [messages.INLINE - 20, messages.INLINE + 20, 3 * 1024 * 1024])
def test_size_does_not_matter(pair: Pair, size: int) -> None:
    text = "ä" * size
    messages.send(pair[0], {"text": text}, (pair[0].fileno(),))
    message, fds = messages.receive(pair[1])
    assert message == {"text": text}
    assert len(fds) == 1
    os.close(fds[0])


def test_the_end_is_none(pair: Pair) -> None:
    pair[0].close()
    assert messages.receive(pair[1]) == (None, [])


def test_what_was_sent_before_an_abrupt_end_is_read(pair: Pair) -> None:
    messages.send(pair[1], {"unread": True})
    messages.send(pair[0], {"last": "words"})
    pair[0].close()
    assert messages.receive(pair[1])[0] == {"last": "words"}
    assert messages.receive(pair[1])[0] is None


def test_a_long_path_can_be_served(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    path = str(folder / "s.sock")
    server = messages.listen(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    client = messages.connect(path)
    client.close()
    server.close()


def test_an_error_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="socket: No such file") as caught:
        messages.connect(str(tmp_path / "nothing"))
    assert caught.value.filename == str(tmp_path / "nothing")


@pytest.mark.parametrize(
    "value",
    [None, True, -3, 2**70, 1.5, "", 'q"ä\n\x00\ud800', [], {}, {"a": [1, {"b": None}]}],
)
def test_values_are_the_same_as_those_of_json(value: object) -> None:
    text = messages.encode(value)
    assert json.loads(text) == value
    assert messages.decode(text) == value
    assert messages.decode(f" \n{json.dumps(value, indent=2)}\n") == value


@pytest.mark.parametrize("text", ["", "  ", "{", "{} {}", "NaN", "nonsense", '{"a": Infinity}'])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        messages.decode(text)


def test_what_cannot_be_said_in_json_is_refused() -> None:
    for value in (object(), b"x", float("nan")):
        with pytest.raises((TypeError, ValueError)):
            messages.encode({"value": value})


def test_a_message_that_is_peeked_at_stays(pair: Pair) -> None:
    messages.send(pair[0], {"number": 1}, (pair[0].fileno(),))
    messages.send(pair[0], {"number": 2})
    for _ in range(2):
        message, (arrived,) = messages.peek(pair[1])
        assert message == {"number": 1}
        os.close(arrived)
    messages.drop(pair[1])
    assert messages.receive(pair[1])[0] == {"number": 2}
    pair[0].close()
    assert messages.peek(pair[1]) == (None, [])
