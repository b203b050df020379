"""Builds in a home of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.kitchen import Kitchen


@pytest.fixture
def kitchen(home: Path, require: Callable[[str], str]) -> Kitchen:
    """A kitchen with a home of the test's own."""
    return Kitchen(home, require("busybox"))
