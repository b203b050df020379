import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from toolkit.core.errors import CommandError, NotFoundError, UnavailableError
from toolkit.fleet.fan import Outcome, run, worst


def double(number: int) -> int:
    return 2 * number


def visit(name: str) -> str:
    if name == "dead":
        raise UnavailableError(f"host '{name}': no connection", hint="wake it up")
    if name == "broken":
        raise CommandError(("ip",), 3, "no such link")
    if name == "odd":
        raise ZeroDivisionError("oh")
    return name.upper()


def by_host(outcomes: Iterator[Outcome[str, str]]) -> dict[str, Outcome[str, str]]:
    return {outcome.host: outcome for outcome in outcomes}


def test_every_host_is_visited() -> None:
    found = {outcome.host: outcome.value for outcome in run(double, range(20), forks=3)}
    assert found == {number: 2 * number for number in range(20)}


def test_one_that_fails_does_not_stop_the_others() -> None:
    found = by_host(run(visit, ["dead", "alive", "broken", "odd"]))
    assert found["alive"].value == "ALIVE"
    assert found["dead"].unreachable
    assert isinstance(found["dead"].error, UnavailableError)
    assert found["dead"].error.hint == "wake it up"
    assert isinstance(found["broken"].error, CommandError)
    assert not found["broken"].unreachable
    assert "ZeroDivisionError: oh" in str(found["odd"].error)
    assert worst(found.values()) == 4


@pytest.mark.parametrize(
    ("hosts", "status"), [([], 0), (["a"], 0), (["a", "broken"], 1), (["broken", "dead"], 4)]
)
def test_the_worst_status_counts(hosts: list[str], status: int) -> None:
    assert worst(run(visit, hosts)) == status


def test_outcomes_come_as_hosts_end() -> None:
    def nap(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert [outcome.host for outcome in run(nap, [0.4, 0.01, 0.2])] == [0.01, 0.2, 0.4]


def test_no_more_than_forks_at_once() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def count(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    assert len(list(run(count, range(12), forks=3))) == 12
    assert most[0] == 3


def test_an_executor_of_the_callers_is_used_and_left_open() -> None:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="mine") as executor:
        names = [outcome.value for outcome in run(lambda _: _name(), [1, 2], executor=executor)]
        assert executor.submit(double, 1).result() == 2
    assert all(str(name).startswith("mine") for name in names)


def test_errors_cross_processes() -> None:
    with ProcessPoolExecutor(max_workers=1) as executor:
        found = by_host(run(visit, ["broken", "ok"], executor=executor))
    error = found["broken"].error
    assert isinstance(error, CommandError)
    assert (error.argv, error.stderr) == (("ip",), "no such link")
    assert found["ok"].value == "OK"


def test_a_worker_that_is_lost_is_an_unreachable_host() -> None:
    class Lossy(Executor):
        def submit(self, *_: object, **__: object) -> "Future[object]":  # type: ignore[override] # a fake
            future: Future[object] = Future()
            future.set_exception(RuntimeError("worker died"))
            return future

    outcome = next(run(visit, ["a"], executor=Lossy()))
    assert outcome.unreachable
    assert "worker died" in str(outcome.error)


def test_giving_up_stops_those_that_run_and_those_that_wait() -> None:
    released, begun = threading.Event(), []

    def hang(number: int) -> None:
        begun.append(number)
        if number:
            released.wait(10)

    outcomes = run(hang, range(9), forks=2, stop=released.set)
    assert next(outcomes).host == 0
    with pytest.raises(KeyboardInterrupt):
        outcomes.throw(KeyboardInterrupt())  # type: ignore[attr-defined] # it is a generator
    assert released.is_set()
    assert len(begun) <= 3


def test_nothing_is_stopped_when_all_has_ended() -> None:
    stopped: list[int] = []
    assert len(list(run(double, [1, 2], stop=lambda: stopped.append(1)))) == 2
    assert not stopped


def test_an_outcome_knows_its_status() -> None:
    assert Outcome(host="a", value=1).exit_status == 0
    failed: Outcome[str, int] = Outcome(host="a", error=NotFoundError("x"))
    assert failed.exit_status == 1


def _name() -> str:
    return threading.current_thread().name
