"""A launcher for a whole file, a root of busybox for the session, and no traces after a test."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.boxes import Boxes, make_root
from toolkit.runtime.client import Launcher


@pytest.fixture(scope="session")
def busybox_root(tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], str]) -> Path:
    return make_root(tmp_path_factory.mktemp("image") / "root", require("busybox"))


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher.spawn(faults=True) as made:
        yield made


@pytest.fixture
def boxes(launcher: Launcher, busybox_root: Path, tmp_path: Path) -> Iterator[Boxes]:
    home = tmp_path / "boxes"
    home.mkdir()
    made = Boxes(launcher, busybox_root, home, f"dockyard-test-{uuid.uuid4().hex[:12]}")
    yield made
    made.end()
    assert made.leftovers() == []
