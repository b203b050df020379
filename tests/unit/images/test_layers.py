import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.images.boot import boot_id
from toolkit.images.layers import Layer, LayerStore, count
from toolkit.oci.digest import digest_of

CHAIN = digest_of(b"layer")


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(str(tmp_path))


def make(store: LayerStore, data: bytes = b"x") -> bool:
    """Make the layer; whether this call was the one that did."""
    with store.making(CHAIN) as part:
        if part is None:
            return False
        (Path(part.diff) / "file").write_bytes(data)
        layer = Layer(diff_id=str(CHAIN), files=1, bytes=len(data), boot=boot_id())
        store.finish(part, CHAIN, layer)
    return True


def fail(
    store: LayerStore, error: BaseException, before: Callable[[], None] = lambda: None
) -> None:
    with store.making(CHAIN) as part:
        assert part
        (Path(part.diff) / "file").write_text("x")
        before()
        raise error


def age(tmp_path: Path) -> None:
    """Make the layer one of a former boot."""
    path = tmp_path / "layers" / CHAIN.hex / "layer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "before"}))


def parts(tmp_path: Path) -> list[str]:
    return os.listdir(tmp_path / "layers/.parts")


def test_a_finished_layer_is_found(store: LayerStore, tmp_path: Path) -> None:
    assert store.find(CHAIN) is None
    assert make(store)

    found = store.find(CHAIN)

    assert found is not None
    assert found.bytes == 1
    assert (Path(store.diff(CHAIN)) / "file").read_text() == "x"
    assert parts(tmp_path) == []


def test_a_layer_is_made_once(store: LayerStore, tmp_path: Path) -> None:
    assert make(store, b"first")
    assert not make(store, b"second")
    assert (Path(store.diff(CHAIN)) / "file").read_text() == "first"
    assert parts(tmp_path) == []


def test_an_error_leaves_nothing(store: LayerStore, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(store, KeyboardInterrupt())

    assert store.find(CHAIN) is None
    assert parts(tmp_path) == []


def test_others_cannot_reach_what_is_setuid_below(store: LayerStore, tmp_path: Path) -> None:
    make(store)

    assert (tmp_path / "layers").stat().st_mode & 0o077 == 0


def test_what_a_killed_process_left_is_swept(store: LayerStore, tmp_path: Path) -> None:
    left = tmp_path / "layers/.parts" / CHAIN.hex
    (left / "diff/a").mkdir(parents=True)

    store.sweep()

    assert not left.exists()


def test_what_a_killed_process_left_is_no_part_of_the_layer(
    store: LayerStore, tmp_path: Path
) -> None:
    left = tmp_path / "layers/.parts" / CHAIN.hex
    (left / "diff/a").mkdir(parents=True)
    (left / "layer.json").write_text("{}")

    make(store)

    assert os.listdir(store.diff(CHAIN)) == ["file"]


def test_what_is_being_made_is_not_swept(store: LayerStore) -> None:
    with store.making(CHAIN) as part:
        assert part
        store.sweep()
        assert os.path.isdir(part.diff)


def test_sweeping_needs_nothing_to_be_there(store: LayerStore) -> None:
    store.sweep()


def test_of_many_at_once_one_makes_the_layer(store: LayerStore, tmp_path: Path) -> None:
    made: list[bool] = []
    threads = [threading.Thread(target=lambda: made.append(make(store))) for _ in range(12)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == [False] * 11 + [True]
    assert parts(tmp_path) == []


def test_who_waits_makes_it_when_the_first_one_fails(store: LayerStore) -> None:
    made: list[bool] = []
    waiter = threading.Thread(target=lambda: made.append(make(store)))

    with pytest.raises(RuntimeError):
        fail(store, RuntimeError(), before=waiter.start)
    waiter.join()

    assert made == [True]


def test_a_layer_of_a_former_boot_is_counted_again(store: LayerStore, tmp_path: Path) -> None:
    make(store)
    age(tmp_path)

    found = store.find(CHAIN)

    assert found is not None
    assert found.boot == boot_id()
    (Path(store.diff(CHAIN)) / "file").write_text("")
    assert store.find(CHAIN), "it is counted once a boot"


@pytest.mark.parametrize("damage", ["cut", "gone", "record"])
def test_a_layer_that_a_crash_tore_is_made_again(
    store: LayerStore, tmp_path: Path, damage: str
) -> None:
    make(store, b"whole")
    age(tmp_path)
    file = Path(store.diff(CHAIN)) / "file"
    if damage == "cut":
        file.write_text("")
    elif damage == "gone":
        file.unlink()
    else:
        (tmp_path / "layers" / CHAIN.hex / "layer.json").write_text('{"diff_id"')

    assert store.find(CHAIN) is None
    assert make(store, b"whole")
    assert file.read_text() == "whole"
    assert parts(tmp_path) == []


def test_counts_files_and_follows_nothing(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/f").write_text("12345")
    (tmp_path / "a/g").write_text("1")
    (tmp_path / "a/link").symlink_to("/")
    os.mkfifo(tmp_path / "a/pipe")

    assert count(str(tmp_path)) == (2, 6)
