"""Niceness begun and ended; only root may end it."""

import os

import pytest

from support.fork import in_child
from toolkit.runtime import politeness


def test_it_ends_where_it_began() -> None:
    def there_and_back() -> list[int]:
        seen = [os.getpriority(os.PRIO_PROCESS, 0)]
        politeness.begin()
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        politeness.end(os.getpid())
        return [*seen, os.getpriority(os.PRIO_PROCESS, 0)]

    before, between, after = in_child(there_and_back)
    assert before == after
    assert between in (before, before + 10)


@pytest.mark.root
def test_without_the_right_to_end_it_does_not_begin() -> None:
    def powerless() -> int:
        os.setuid(65534)
        politeness.begin()
        return os.getpriority(os.PRIO_PROCESS, 0)

    assert in_child(powerless) == os.getpriority(os.PRIO_PROCESS, 0)
