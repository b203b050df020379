"""Modes as Go writes them."""

import stat

import pytest

from toolkit.api.routes.archive import go_mode


@pytest.mark.parametrize(
    ("mode", "theirs"),
    [
        (stat.S_IFREG | 0o644, 0o644),
        (stat.S_IFDIR | 0o755, 0x80000000 | 0o755),
        (stat.S_IFLNK | 0o777, 0x08000000 | 0o777),
        (stat.S_IFDIR | 0o1777, 0x80000000 | 0x00100000 | 0o777),
        (stat.S_IFREG | 0o4755, 0x00800000 | 0o755),
        (stat.S_IFCHR | 0o666, 0x04200000 | 0o666),
    ],
)
def test_a_mode_in_gos_bits(mode: int, theirs: int) -> None:
    assert go_mode(mode) == theirs
