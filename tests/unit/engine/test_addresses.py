"""The pool of addresses, against a plain set as its model."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError
from toolkit.engine.addresses import Pool
from toolkit.engine.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"))
    yield opened
    opened.close()


@pytest.fixture
def pool(database: Database) -> Pool:
    made = Pool(database, "net")
    made.fill(10, 14)
    return made


def test_addresses_come_in_order_and_old_ones_rest(pool: Pool) -> None:
    assert [pool.take(10), pool.take(11)] == [10, 11]
    pool.give(10)
    assert [pool.take(12), pool.take(13), pool.take(14), pool.take(15)] == [12, 13, 14, 10]


def test_an_exhausted_pool_gives_none(pool: Pool) -> None:
    assert all(pool.take(10) for _ in range(5))
    assert pool.take(10) is None
    pool.give(12)
    assert pool.take(14) == 12


def test_an_address_is_claimed_once(pool: Pool) -> None:
    assert pool.claim(12)
    assert not pool.claim(12)
    assert not pool.claim(9)
    assert not pool.claim(15)
    assert [pool.take(11) for _ in range(4)] == [11, 13, 14, 10]


def test_what_is_free_is_not_given_back(pool: Pool) -> None:
    with pytest.raises(ConflictError, match="free already"):
        pool.give(12)


def test_pools_are_apart(database: Database, pool: Pool) -> None:
    other = Pool(database, "other")
    other.fill(10, 10)
    assert other.take(0) == 10
    assert other.take(0) is None
    assert pool.take(0) == 10
    other.drop()
    assert pool.take(11) == 11


def test_any_order_of_taking_and_giving(database: Database) -> None:
    pool, free, after = Pool(database, "net"), set(range(1, 60)), 1
    pool.fill(1, 59)
    taken: list[int] = []
    dice = random.Random(7)
    for _ in range(2000):
        if dice.random() < 0.5 or not taken:
            expected = min((n for n in free if n >= after), default=min(free, default=None))
            got = pool.take(after)
            assert got == expected
            if got is not None:
                free.remove(got)
                taken.append(got)
                after = got + 1
        else:
            back = taken.pop(dice.randrange(len(taken)))
            pool.give(back)
            free.add(back)
    spans = database.query("SELECT first, last FROM spans ORDER BY first")
    assert {n for first, last in spans for n in range(first, last + 1)} == free
    assert all(one[1] + 1 < two[0] for one, two in itertools.pairwise(spans))


def test_a_wide_pool_is_never_walked(database: Database) -> None:
    pool = Pool(database, "wide")
    pool.fill(1, 65534)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.transaction():
        for _ in range(4000):
            pool.take(1)
    database._db.set_progress_handler(count, 100)  # called after so many steps of SQLite's machine
    assert pool.take(1) == 4001
    pool.give(2000)
    assert pool.take(1) == 2000
    assert steps < 10
