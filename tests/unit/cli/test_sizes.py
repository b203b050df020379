"""Sizes as Docker prints them."""

import pytest

from toolkit.cli.containers.tables import binary_size, human_size


@pytest.mark.parametrize(
    ("count", "decimal", "binary"),
    [
        (0, "0B", "0B"),
        (999, "999B", "999B"),
        (1_000, "1kB", "1000B"),
        (1_536, "1.54kB", "1.5KiB"),
        (5_500_000, "5.5MB", "5.245MiB"),
        (3 << 30, "3.22GB", "3GiB"),
    ],
)
def test_sizes(count: int, decimal: str, binary: str) -> None:
    assert human_size(count) == decimal
    assert binary_size(count) == binary
