"""One helper for many threads: everybody gets their own answers, whoever reads them."""

import threading
from collections import deque
from typing import Any

import pytest

from toolkit.core.errors import ConflictError, UnavailableError
from toolkit.net.sharing import SharedHelper


class Echo:
    """Answers with what it was asked, in order; ``fail`` is refused, ``die`` is its end."""

    def __init__(self) -> None:
        self._asked: deque[tuple[str, tuple[Any, ...]]] = deque()
        self.dead = False
        self.closed = False

    def ask(self, name: str, *args: Any, **options: Any) -> None:
        del options
        if self.dead:
            raise UnavailableError("it is gone")
        self._asked.append((name, args))

    def answer(self) -> Any:
        name, args = self._asked.popleft()
        if name == "die":
            self.dead = True
        if self.dead:
            raise UnavailableError("it is gone")
        if name == "fail":
            raise ConflictError("refused")
        return name, *args

    def close(self) -> None:
        self.closed = True


def shared() -> tuple[SharedHelper, list[Echo]]:
    made: list[Echo] = []

    def start() -> Any:
        made.append(Echo())
        return made[-1]

    return SharedHelper(start), made


def test_each_lane_gets_its_own_answers_in_order() -> None:
    helper, made = shared()
    one, two = helper.lane(), helper.lane()
    one.ask("a", 1)
    two.ask("b", 2)
    one.ask("fail")
    assert two.answer() == ("b", 2)
    assert one.answer() == ("a", 1)
    with pytest.raises(ConflictError, match="refused"):
        one.answer()
    assert len(made) == 1


def test_what_was_given_up_is_not_taken_for_an_answer() -> None:
    helper, _ = shared()
    lane = helper.lane()
    lane.ask("given up")
    assert lane.call("wanted") == ("wanted",)


def test_a_helper_that_died_is_told_to_all_who_wait_and_replaced() -> None:
    helper, made = shared()
    one, two = helper.lane(), helper.lane()
    one.ask("die")
    two.ask("a")
    for lane in (two, one):
        with pytest.raises(UnavailableError):
            lane.answer()
    assert two.call("again") == ("again",)
    assert len(made) == 2
    helper.close()
    assert made[1].closed


def test_many_threads_at_once() -> None:
    helper, _ = shared()
    wrong: list[object] = []

    def work(number: int) -> None:
        lane = helper.lane()
        for turn in range(200):
            lane.ask("early", number, turn)
            if lane.answer() != ("early", number, turn):
                wrong.append((number, turn))
            if lane.call("call", number) != ("call", number):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
