"""Layouts to fill, and a store that unpacks below the test's own directory."""

from pathlib import Path

import pytest

from support.images import Layout
from toolkit.images.store import ImageStore


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(str(tmp_path / "data"))
