import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.images import tar_of
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.limits import Limits
from toolkit.images.unpack import Unpacker

BIG = tar_of(*((f"f{number}", bytes(50_000)) for number in range(100)))


@pytest.fixture
def lock_fd(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def directory(tmp_path: Path, name: str) -> str:
    (tmp_path / name).mkdir()
    return str(tmp_path / name)


def children(pid: int | str) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_one_worker_unpacks_layer_after_layer(tmp_path: Path, lock_fd: int) -> None:
    first, second = (directory(tmp_path, name) for name in ("first", "second"))

    with Unpacker(limits=Limits()) as unpacker:
        one = unpacker.unpack([tar_of(("a", b"12"))], first, lowers=tuple, lock_fd=lock_fd)
        two = unpacker.unpack(
            [tar_of((".wh.a", b""), ("b", b"3"))], second, lowers=lambda: (first,), lock_fd=lock_fd
        )

    assert (one.entries, one.bytes) == (1, 2)
    assert (two.entries, two.bytes) == (2, 1)
    assert sorted(os.listdir(second)) == ["a", "b"]


def test_takes_the_tar_in_any_pieces(tmp_path: Path, lock_fd: int) -> None:
    pieces = (BIG[at : at + 777] for at in range(0, len(BIG), 777))

    with Unpacker(limits=Limits()) as unpacker:
        unpacker.unpack(pieces, directory(tmp_path, "out"), lowers=tuple, lock_fd=lock_fd)

    assert len(os.listdir(tmp_path / "out")) == 100


def test_goes_on_after_a_broken_layer(tmp_path: Path, lock_fd: int) -> None:
    with Unpacker(limits=Limits()) as unpacker:
        with pytest.raises(InvalidInputError, match="leads out of the image"):
            unpacker.unpack(
                [tar_of(("../x", b""))], directory(tmp_path, "bad"), lowers=tuple, lock_fd=lock_fd
            )
        done = unpacker.unpack(
            [tar_of(("x", b""))], directory(tmp_path, "good"), lowers=tuple, lock_fd=lock_fd
        )

    assert done.entries == 1


def test_what_the_source_finds_counts_more_than_what_the_child_met(
    tmp_path: Path, lock_fd: int
) -> None:
    def lying() -> Iterator[bytes]:
        yield b"no tar at all" * 1000
        raise InvalidInputError("wrong digest")

    with (
        Unpacker(limits=Limits()) as unpacker,
        pytest.raises(InvalidInputError, match="wrong digest"),
    ):
        unpacker.unpack(lying(), directory(tmp_path, "out"), lowers=tuple, lock_fd=lock_fd)


def test_says_when_the_child_was_killed(tmp_path: Path, lock_fd: int) -> None:
    def killing() -> Iterator[bytes]:
        yield BIG[:3_000_000]
        for worker in children("self"):
            for child in children(worker):
                os.kill(child, signal.SIGKILL)
        yield BIG[3_000_000:]

    with (
        Unpacker(limits=Limits()) as unpacker,
        pytest.raises(ToolkitError, match="was killed") as caught,
    ):
        unpacker.unpack(killing(), directory(tmp_path, "out"), lowers=tuple, lock_fd=lock_fd)
    assert caught.value.hint == "is memory short?"


def test_ends_its_worker_when_the_caller_fails(tmp_path: Path, lock_fd: int) -> None:
    def failing() -> Iterator[bytes]:
        yield BIG[:3_000_000]
        raise KeyboardInterrupt

    before = children("self")
    with pytest.raises(KeyboardInterrupt), Unpacker(limits=Limits()) as unpacker:
        unpacker.unpack(failing(), directory(tmp_path, "out"), lowers=tuple, lock_fd=lock_fd)

    assert children("self") == before


def test_many_threads_may_unpack_at_once(tmp_path: Path, lock_fd: int) -> None:
    def one(number: int) -> None:
        with Unpacker(limits=Limits()) as unpacker:
            unpacker.unpack(
                [BIG], directory(tmp_path, f"out{number}"), lowers=tuple, lock_fd=lock_fd
            )

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(os.listdir(tmp_path / f"out{number}")) for number in range(4)] == [100] * 4


def test_leaves_no_descriptor_open(tmp_path: Path, lock_fd: int) -> None:
    before = os.listdir("/proc/self/fd")

    with Unpacker(limits=Limits()) as unpacker:
        unpacker.unpack([BIG], directory(tmp_path, "out"), lowers=tuple, lock_fd=lock_fd)

    assert len(os.listdir("/proc/self/fd")) == len(before)
