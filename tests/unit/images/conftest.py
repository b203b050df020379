"""Layouts to fill, registries to ask, a store that unpacks below the test's own directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.images import Layout
from support.registries import FakeRegistry
from toolkit.images.store import ImageStore


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(str(tmp_path / "data"))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()
