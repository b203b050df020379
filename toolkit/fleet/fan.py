"""Run one function over many hosts; a host that fails or dies never stops the others.

Written against ``concurrent.futures.Executor``: threads by default, dask's executor where a fleet
is too large for one controller.
"""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from toolkit.core import faults
from toolkit.core.errors import ToolkitError, UnavailableError

H = TypeVar("H")
T = TypeVar("T")
FORKS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome(Generic[H, T]):
    """How it went on one host: ``value``, or the ``error`` that ended it."""

    host: H
    value: T | None = None
    error: ToolkitError | None = None
    seconds: float = 0.0

    @property
    def unreachable(self) -> bool:
        """Whether the host could not be asked, or was lost in the middle."""
        return isinstance(self.error, UnavailableError)

    @property
    def exit_status(self) -> int:
        """0, or the error's."""
        return self.error.exit_status if self.error else 0


def run(
    function: Callable[[H], T],
    hosts: Iterable[H],
    *,
    executor: Executor | None = None,
    forks: int = FORKS,
    stop: Callable[[], None] = lambda: None,
) -> Iterator[Outcome[H, T]]:
    """Call ``function`` with each host, ``forks`` at a time; outcomes come as hosts end.

    When the caller gives up (Ctrl-C, an error of its own, or it stops iterating), hosts that have
    not begun never begin, and ``stop`` is called: it must make the running calls end, by closing
    their links. A given ``executor`` is left open.
    """
    own = executor or ThreadPoolExecutor(max_workers=forks, thread_name_prefix="host")
    waiting = iter(list(hosts))
    running: dict[Future[_Ended], H] = {}
    try:
        _fill(own, function, waiting, running, forks)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                host = running.pop(future)
                _fill(own, function, waiting, running, forks)
                yield _outcome(host, future)
    finally:
        for future in running:
            future.cancel()
        if running:
            stop()
        if executor is None:
            own.shutdown(wait=True, cancel_futures=True)


def worst(outcomes: Iterable[Outcome[Any, Any]]) -> int:
    """The highest exit status: an unreachable host (4) outweighs a failure (1)."""
    return max((outcome.exit_status for outcome in outcomes), default=0)


@dataclass(frozen=True, slots=True)
class _Ended:
    """Crosses processes, so errors travel as data."""

    value: Any
    fault: dict[str, Any] | None
    seconds: float


def _fill(
    executor: Executor,
    function: Callable[[H], T],
    waiting: Iterator[H],
    running: dict[Future[_Ended], H],
    forks: int,
) -> None:
    while len(running) < forks:
        try:
            host = next(waiting)
        except StopIteration:
            return
        running[executor.submit(_guarded, function, host)] = host


def _guarded(function: Callable[[H], T], host: H) -> _Ended:
    began = time.monotonic()
    try:
        value, fault = function(host), None
    except ToolkitError as error:
        value, fault = None, faults.to_data(error)
    except Exception as error:  # noqa: BLE001 - one host's fault must not stop the others
        where = traceback.format_exception(error)[-2].strip()
        wrapped = ToolkitError(f"{type(error).__name__}: {error}", hint=where)
        value, fault = None, faults.to_data(wrapped)
    return _Ended(value, fault, time.monotonic() - began)


def _outcome(host: H, future: "Future[_Ended]") -> Outcome[H, Any]:
    try:
        ended = future.result()
    except Exception as lost:  # noqa: BLE001 - the executor itself failed: a worker died
        return Outcome(host=host, error=UnavailableError(f"the worker was lost: {lost!r}"))
    error = faults.from_data(ended.fault) if ended.fault else None
    return Outcome(host=host, value=ended.value, error=error, seconds=ended.seconds)
