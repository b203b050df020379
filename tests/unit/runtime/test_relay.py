"""Bytes moved between a container, its client and its log."""

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from toolkit.runtime.descriptors import nonblocking_copy, shared_pipe
from toolkit.runtime.relay import Relay

Note = Callable[[bytes], None]


def turn_until(relay: Relay, done: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if done():
            return
        poll = select.poll()
        for fd, events in relay.interests().items():
            poll.register(fd, events)
        for fd, events in poll.poll(1000):
            relay.turn(fd, events)
    raise AssertionError("it never came")


def output(relay: Relay, client: int) -> tuple[int, list[bytes]]:
    """A container's end, and what the log sees."""
    noted: list[bytes] = []
    read, both = shared_pipe()
    relay.output(read, client, noted.append)
    return both, noted


def test_output_reaches_client_and_log() -> None:
    relay = Relay()
    reader, writer = os.pipe()
    container, noted = output(relay, writer)
    os.close(writer)
    os.write(container, b"hello")
    turn_until(relay, lambda: b"".join(noted) == b"hello")
    assert os.read(reader, 99) == b"hello"
    os.close(container)
    relay.finish()
    assert os.read(reader, 99) == b""
    os.close(reader)


def test_the_log_gets_everything_though_the_client_has_gone() -> None:
    relay = Relay()
    reader, writer = os.pipe()
    container, noted = output(relay, writer)
    os.close(writer)
    os.close(reader)
    os.write(container, b"one")
    turn_until(relay, lambda: b"".join(noted) == b"one")
    os.write(container, b"two")
    os.close(container)
    relay.finish()
    assert b"".join(noted) == b"onetwo"


def test_a_slow_client_holds_back_and_loses_nothing() -> None:
    relay = Relay()
    reader, writer = os.pipe()
    container, noted = output(relay, writer)
    os.close(writer)
    total = 1 << 20

    def produce() -> None:
        left = total
        while left:
            left -= os.write(container, b"x" * min(left, 8192))
        os.close(container)

    producer = threading.Thread(target=produce)
    producer.start()
    for _ in range(50):
        poll = select.poll()
        for fd, events in relay.interests().items():
            poll.register(fd, events)
        for fd, events in poll.poll(10):
            relay.turn(fd, events)
    assert sum(map(len, noted)) < 200_000, "a client that reads nothing must stop the container"
    got = 0

    def consume() -> None:
        nonlocal got
        while data := os.read(reader, 65536):
            got += len(data)

    consumer = threading.Thread(target=consume)
    consumer.start()
    turn_until(relay, lambda: sum(map(len, noted)) == total)
    producer.join()
    relay.finish()
    consumer.join()
    os.close(reader)
    assert got == total


def test_the_end_of_the_clients_input_ends_the_containers() -> None:
    relay = Relay()
    reader, writer = os.pipe()
    inside, feed = os.pipe()
    relay.input(reader, feed)
    os.close(reader)
    os.write(writer, b"typed")
    os.close(writer)
    said = b""

    def all_of_it() -> bool:
        nonlocal said
        ready, _, _ = select.select([inside], [], [], 0)
        if ready:
            data = os.read(inside, 99)
            said += data
            return not data
        return False

    turn_until(relay, all_of_it)
    assert said == b"typed"
    os.close(inside)
    relay.finish()


def test_input_stops_where_the_container_closed_it() -> None:
    relay = Relay()
    reader, writer = os.pipe()
    inside, feed = os.pipe()
    relay.input(reader, feed)
    os.close(reader)
    os.close(inside)
    turn_until(relay, lambda: not relay.interests())
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    os.close(writer)


def test_a_shared_pipe_never_breaks() -> None:
    read, both = shared_pipe()
    os.close(read)
    assert os.write(both, b"x") == 1
    os.close(both)


def test_a_nonblocking_copy_leaves_the_original_alone(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    copy = nonblocking_copy(writer)
    assert os.get_blocking(writer)
    assert not os.get_blocking(copy)
    for fd in (reader, writer, copy):
        os.close(fd)
    file = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b"a")
    copy = nonblocking_copy(file)
    os.write(copy, b"b")
    os.close(file)
    os.close(copy)
    assert (tmp_path / "file").read_text() == "ab"


def test_the_first_client_holds_nobody_back_once_there_are_others() -> None:
    relay = Relay()
    deaf, writer = os.pipe()
    container, noted = output(relay, writer)
    os.close(writer)
    reader, second = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    relay.attach("second", (nothing, second, second))
    os.close(second)
    os.set_blocking(container, False)
    os.set_blocking(reader, False)
    heard, total = 0, 8 << 20

    def move() -> bool:
        nonlocal heard
        with suppress(BlockingIOError):
            os.write(container, b"x" * 65536)
        with suppress(BlockingIOError):
            heard += len(os.read(reader, 1 << 20))
        return heard > total

    turn_until(relay, move)
    assert sum(map(len, noted)) >= heard
    for fd in (deaf, container, reader, nothing):
        os.close(fd)
    relay.finish()
