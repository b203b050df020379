"""A server of its own for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import Docker, serving


@pytest.fixture
def docker(home: Path, require: Callable[[str], str]) -> Iterator[Docker]:
    """Runs ``docker`` against a server of its own, which stands in a network of its own."""
    with serving(home, require) as found:
        yield found
