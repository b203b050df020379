"""A machine to apply playbooks to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.box import Box, make_box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A copy of this machine with its own root, network and processes."""
    base = tmp_path / "box"
    base.mkdir()
    with make_box(base, shown=(tmp_path.parent,)) as made:
        yield made
