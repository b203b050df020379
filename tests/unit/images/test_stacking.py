"""Layers side by side: each onto those below it, and an end for all when one fails."""

import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.images import directory, entry, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.images.layers import LayerStore
from toolkit.images.limits import Limits
from toolkit.images.stacking import Tar, unpack_layers
from toolkit.oci.digest import Digest, digest_of

LOWER = tar_of(directory("d", mode=0o711), ("d/old", b"1"), ("gone", b"2"))
UPPER = tar_of(("d/new", b"3"), (".wh.gone", b""), (".wh.never", b""))
LIMIT = 60  # seconds, for a machine that is busy


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(str(tmp_path))


def tar(data: bytes) -> Tar:
    return lambda: iter((data,))


def unpacked(store: LayerStore, *layers: tuple[bytes, Tar]) -> tuple[str, ...]:
    """The directories of layers whose digests are those of the bytes, lowest first."""
    digests: tuple[Digest, ...] = tuple(digest_of(data) for data, _ in layers)
    return unpack_layers(store, digests, [one for _, one in layers], Limits())


def parts(tmp_path: Path) -> list[str]:
    return os.listdir(tmp_path / "layers/.parts")


def test_an_upper_layer_that_is_read_first_knows_what_lies_below(
    store: LayerStore, tmp_path: Path
) -> None:
    upper_is_read = threading.Event()

    def lower() -> Iterator[bytes]:
        assert upper_is_read.wait(LIMIT)
        yield LOWER

    def upper() -> Iterator[bytes]:
        yield UPPER
        upper_is_read.set()

    top, bottom = unpacked(store, (LOWER, lower), (UPPER, upper))

    assert sorted(os.listdir(bottom)) == ["d", "gone"]
    assert sorted(os.listdir(top)) == ["d", "gone"], "what is not below leaves no mark"
    mark = (Path(top) / "gone").lstat()
    assert stat.S_ISCHR(mark.st_mode)
    assert mark.st_rdev == 0
    assert stat.S_IMODE((Path(top) / "d").stat().st_mode) == 0o711
    assert parts(tmp_path) == []


def test_many_layers(store: LayerStore, tmp_path: Path) -> None:
    layers = [tar_of((entry(f"f{number}"), b"%d" % number)) for number in range(12)]

    found = unpacked(store, *((data, tar(data)) for data in layers))

    assert [os.listdir(path) for path in found] == [
        [f"f{number}"] for number in reversed(range(12))
    ]
    assert parts(tmp_path) == []
    assert unpacked(store, *((data, tar(b"is not read")) for data in layers)) == found


def test_what_is_wrong_with_the_lowest_layer_is_told(store: LayerStore, tmp_path: Path) -> None:
    lower_is_read = threading.Event()

    def lower() -> Iterator[bytes]:
        yield b"other bytes"
        lower_is_read.set()

    def upper() -> Iterator[bytes]:
        yield UPPER
        assert lower_is_read.wait(LIMIT)
        raise InvalidInputError("broken as well")

    with pytest.raises(InvalidInputError, match=str(digest_of(LOWER))):
        unpacked(store, (LOWER, lower), (UPPER, upper))
    assert [name for name in os.listdir(tmp_path / "layers") if name[0] != "."] == []
    assert parts(tmp_path) == []


def test_the_others_end_when_one_fails(store: LayerStore, tmp_path: Path) -> None:
    failed = threading.Event()

    def endless() -> Iterator[bytes]:
        failed.set()
        while True:
            yield bytes(512)

    def failing() -> Iterator[bytes]:
        assert failed.wait(LIMIT)
        raise InvalidInputError("nothing comes")
        yield b""

    with pytest.raises(InvalidInputError, match="nothing comes"):
        unpacked(store, (LOWER, endless), (UPPER, failing))
    assert parts(tmp_path) == []


def test_an_interrupt_ends_all_and_leaves_nothing(store: LayerStore, tmp_path: Path) -> None:
    given_up = threading.Event()

    def waiting() -> Iterator[bytes]:
        yield LOWER[:512]
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert given_up.wait(LIMIT)
        yield LOWER[512:]

    digests = (digest_of(LOWER), digest_of(UPPER))
    with pytest.raises(KeyboardInterrupt):
        unpack_layers(store, digests, [waiting, tar(UPPER)], Limits(), give_up=given_up.set)
    assert [name for name in os.listdir(tmp_path / "layers") if name[0] != "."] == []
    assert parts(tmp_path) == []
