"""Where the hosts of one play wait for each other, and what they know of each other.

Every host has a thread here. A host that is asked about never waits for itself; one that ends or is
lost is waited for no more.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NEVER = 1 << 40


@dataclass(kw_only=True, slots=True)
class _Once:
    """A task that one host runs for all: who, and what came of it."""

    host: str
    result: Mapping[str, Any] | None = None


class Known:
    """What hosts have told of themselves: registered results and set facts, and facts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def tell(self, host: str, news: Mapping[str, Mapping[str, Any]]) -> None:
        """Add ``{"known": …, "facts": …}``."""
        with self._lock:
            self._known.setdefault(host, {}).update(news.get("known", {}))
            self._facts.setdefault(host, {}).update(news.get("facts", {}))

    def of(self, host: str) -> dict[str, dict[str, Any]]:
        """Everything that a host has told."""
        with self._lock:
            return {
                "known": dict(self._known.get(host, {})),
                "facts": dict(self._facts.get(host, {})),
            }


@dataclass(kw_only=True)
class Meeting:
    """The hosts of one play, or of one batch of it, in the play's order.

    ``most_failed`` is the share of hosts, in percent, that may fail before all must stop; ``None``
    where any number may.
    """

    hosts: tuple[str, ...]
    most_failed: float | None = None
    fatal: bool = False
    ended: bool = False
    failed: set[str] = field(default_factory=set)
    forgiven: set[str] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    _at: dict[str, int] = field(default_factory=dict)
    _once: dict[tuple[int, int], _Once] = field(default_factory=dict)
    _visits: dict[tuple[str, int], int] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped_at: int = NEVER

    def __post_init__(self) -> None:
        self._at = dict.fromkeys(self.hosts, -1)

    def meet(self, host: str, index: int) -> bool:
        """Wait until every host has come to this task; false where the play ends here."""
        with self._changed:
            self._at[host] = index
            self._changed.notify_all()
            self._changed.wait_for(lambda: min(self._at.values(), default=index) >= index)
            return not self.ended and index <= self._stopped_at

    def leave(self, host: str, *, failed: bool = False) -> None:
        """The host has ended, well or not."""
        with self._changed:
            at = self._at.pop(host, -1)
            if failed:
                self.failed.add(host)
                if self._too_many():
                    self._stop(at)
            self._changed.notify_all()

    def stop(self, index: int) -> None:
        """A failure that ends the play for everyone: nobody goes beyond this task."""
        with self._changed:
            self._stop(index)
            self._changed.notify_all()

    def end(self) -> None:
        """The play asked for its own end, for every host."""
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def first_to(self, index: int) -> bool:
        """Whether nobody has asked this for the task yet."""
        with self._changed:
            first = index not in self._done
            self._done.add(index)
            return first

    def forgive(self) -> None:
        """Let the hosts that have failed so far take part in what follows this play."""
        with self._changed:
            self.forgiven |= self.failed

    def _stop(self, index: int) -> None:
        self.fatal = True
        self._stopped_at = min(self._stopped_at, index)

    def _too_many(self) -> bool:
        if self.most_failed is None:
            return False
        return 100 * len(self.failed) / len(self.hosts) > self.most_failed

    def once(self, host: str, index: int) -> Mapping[str, Any]:
        """``{"run": True}`` for the host that runs the task, its result for all others."""
        with self._changed:
            visit = self._visits[host, index] = self._visits.get((host, index), 0) + 1
            key = (index, visit)
            while True:
                chosen = self._once.get(key)
                if chosen is None or (chosen.result is None and chosen.host not in self._at):
                    chosen = self._once[key] = _Once(host=next(iter(self._at), host))
                if chosen.result is not None:
                    return chosen.result
                if chosen.host == host:
                    return {"run": True}
                self._changed.wait()

    def once_done(self, host: str, index: int, result: Mapping[str, Any]) -> None:
        """The result of the host that ran the task for all."""
        with self._changed:
            self._once[index, self._visits[host, index]].result = result
            self._changed.notify_all()
