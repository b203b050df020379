"""Pulls that are killed, interrupted, or two at once: processes, as people have them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.images import entry, tar_of
from support.registries import Answer, Asked, FakeRegistry
from toolkit.images.registry.fetch import CHUNK

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]
BIG = tar_of((entry("big"), os.urandom(900_000)))
SMALL = tar_of((entry("small"), b"x"))
HALF = 2 * CHUNK  # what is read at once, so that all of it reaches the disk


class Slow:
    """Sends half of each large blob, and the rest once it may."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.go = threading.Event()
        self._registry = registry

    def __call__(self, asked: Asked) -> Answer | None:
        data = self._registry.blobs.get(asked.path.partition("?")[0][-71:], b"")
        if len(data) < HALF or "Range" in asked.headers or self.go.is_set():
            return None
        return Answer(body=self._pieces(data))

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        yield data[:HALF]
        self.go.wait(300)
        yield data[HALF:]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture
def slow(registry: FakeRegistry) -> Iterator[Slow]:
    made = Slow(registry)
    registry.rules.append(made)
    yield made
    made.go.set()


def pulling(entry: tuple[str, ...], name: str) -> "subprocess.Popen[str]":
    argv = (*entry, "pull", name)
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_half(home: Path, process: "subprocess.Popen[str]") -> None:
    """Until the first half of a large blob lies in the store."""
    parts = home / "data/images/.parts"
    deadline = time.monotonic() + 120
    while not any(path.stat().st_size >= HALF for path in parts.glob("*")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_ended_early_goes_on(
    registry: FakeRegistry,
    slow: Slow,
    dockyard: Dockyard,
    entry: tuple[str, ...],
    home: Path,
    number: signal.Signals,
) -> None:
    registry.image("app", "1", SMALL, BIG)
    name = f"{registry.host}/app:1"
    process = pulling(entry, name)
    wait_for_half(home, process)
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode
    assert dockyard("images", "-q").stdout == "", "a half image is never listed"

    slow.go.set()
    done = dockyard("pull", "-q", name)

    assert done.returncode == 0, done.stderr
    again = [one.headers["Range"] for one in registry.asked if "Range" in one.headers]
    assert len(again) == 1
    assert int(again[0].removeprefix("bytes=").rstrip("-")) >= HALF
    assert list((home / "data/images/.parts").iterdir()) == []
    assert list((home / "data/layers/.parts").iterdir()) == []


def test_two_pulls_at_once_fetch_a_layer_once(
    registry: FakeRegistry, slow: Slow, dockyard: Dockyard, entry: tuple[str, ...], home: Path
) -> None:
    registry.image("app", "1", SMALL, BIG)
    registry.image("other", "1", SMALL, BIG, Cmd=["/other"])
    first = pulling(entry, f"{registry.host}/app:1")
    wait_for_half(home, first)
    second = pulling(entry, f"{registry.host}/other:1")
    while not registry.got("other/manifests"):
        assert second.poll() is None, second.communicate()[0]
        time.sleep(0.01)
    slow.go.set()

    said = [process.communicate(timeout=120)[0] for process in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0], said
    begun = [one for one in registry.got("/blobs/") if "Range" not in one.headers]
    assert len([one for one in begun if len(registry.blobs[one.path[-71:]]) > HALF]) == 1
    assert dockyard("images", "-q").stdout.count("\n") == 2
