"""One link a host for the whole run, and others beside them for what crosses hosts."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toolkit.core.errors import NotFoundError, ToolkitError
from toolkit.fleet import fan
from toolkit.fleet.links import Links, Options
from toolkit.inventory.connection import connection
from toolkit.inventory.model import LOCAL, Inventory
from toolkit.ssh.link import Link

PREPARE_SECONDS = 5.0


class _Preparation:
    """An agent that imports what it will need, while this side does something else."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._error: ToolkitError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._link.call("prepare", {})
        except ToolkitError as error:
            self._error = error

    def wait(self) -> None:
        """Wait for its end: nobody may close a link that another thread reads from."""
        self._thread.join(PREPARE_SECONDS)

    def finish(self) -> None:
        """Wait for its end; raise what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error


class Sessions:
    """Links by host, opened by the first thing that is asked of one."""

    def __init__(self, inventory: Inventory, options: Options) -> None:
        self.inventory = inventory
        self._links = Links(options)
        self._open: dict[tuple[str, str], Link] = {}
        self._preparing: dict[str, _Preparation] = {}
        self._side_locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def prepare_local(self) -> None:
        """Start this machine's agent, if it is among the hosts, and have it import in parallel.

        The agent needs 150 ms for that, and the controller as long to read a playbook.
        """
        for host in filter(self.is_local, self.inventory.hosts):
            self._preparing[host] = _Preparation(self.link(host))

    def link(self, host: str, overrides: Mapping[str, Any] | None = None) -> Link:
        """The host's link; it is only ever asked for by one thread at a time.

        ``overrides`` are variables that a play sets for its own connections.
        """
        preparation = self._preparing.pop(host, None)
        if preparation is not None:
            preparation.finish()
        key = (host, repr(sorted((overrides or {}).items())))
        if key not in self._open:
            variables = {**self.variables(host), **(overrides or {})}
            self._open[key] = self._links.open(host, variables)
        return self._open[key]

    def forget(self, host: str) -> None:
        """Drop the host's links, which are broken: the next one is made anew."""
        for key in [key for key in self._open if key[0] == host]:
            self._open.pop(key).close()

    def beside(self, host: str, function: Callable[[Link], Any]) -> Any:
        """Call ``function`` with a second link to the host, which may be busy with its play."""
        with self._lock:
            lock = self._side_locks.setdefault(host, threading.Lock())
        with lock:
            key = (host, "beside")
            if key not in self._open:
                self._open[key] = self._links.open(host, self.variables(host))
            return function(self._open[key])

    def variables(self, host: str) -> dict[str, Any]:
        """A host's variables; this machine needs no inventory to be known."""
        if host in self.inventory.hosts:
            return self.inventory.variables(host)
        if host in LOCAL:
            return {"ansible_connection": "local"}
        raise NotFoundError(f"there is no host '{host}' in the inventory")

    def is_local(self, host: str) -> bool:
        """Whether the host is this machine."""
        return connection(host, self.variables(host)).local

    def over(
        self, function: Callable[[str], Any], hosts: Iterable[str], forks: int
    ) -> Iterable[fan.Outcome[str, Any]]:
        """Call ``function`` with each host, in parallel."""
        return fan.run(function, hosts, forks=forks, stop=self._links.close)

    def close(self) -> None:
        """End every agent."""
        for preparation in self._preparing.values():
            preparation.wait()
        self._links.close()

    def __enter__(self) -> "Sessions":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
