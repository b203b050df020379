import io
import struct

import pytest

from toolkit.core.errors import UnavailableError
from toolkit.core.wire import MAX_HEADER, Message, receive, send


def test_messages_arrive_in_order_with_their_bytes() -> None:
    stream = io.BytesIO()
    first = Message(header={"id": 1, "method": "ping"}, body=b"\0\xff")
    send(stream, first)
    send(stream, Message(header={"id": 2}))
    stream.seek(0)
    assert receive(stream) == first
    assert receive(stream) == Message(header={"id": 2})
    assert receive(stream) is None


@pytest.mark.parametrize("cut", [1, 7, 9, 20])
def test_a_cut_stream_is_an_error(cut: int) -> None:
    stream = io.BytesIO()
    send(stream, Message(header={"id": 1}, body=b"0123456789"))
    with pytest.raises(UnavailableError, match="ended in the middle of a message"):
        receive(io.BytesIO(stream.getvalue()[:cut]))


def test_text_on_the_stream_is_no_message() -> None:
    with pytest.raises(UnavailableError, match="no dockyard message") as caught:
        receive(io.BytesIO(b"Welcome to this machine\n"))
    assert "login script" in caught.value.hint


def test_a_length_beyond_the_limit_allocates_nothing() -> None:
    with pytest.raises(UnavailableError):
        receive(io.BytesIO(struct.pack("!II", MAX_HEADER + 1, 0)))
