"""Runs a playbook over hosts: selects them, sends each its plays, collects the recaps."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.cli.output.sink import Output
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.fleet import fan
from toolkit.fleet.links import Links, Options
from toolkit.inventory.connection import connection
from toolkit.inventory.model import Inventory, this_machine
from toolkit.inventory.patterns import select
from toolkit.playbook.compiler import CompiledPlay, Selection, compile_play
from toolkit.playbook.model import Play, Playbook
from toolkit.playbook.results import Recap, Status, TaskDone, TaskStarted, from_data
from toolkit.ssh.link import Link

PREPARE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How a playbook is to be run; ``journal`` is the folder of journals on this machine."""

    mode: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    extra: Mapping[str, Any] = field(default_factory=dict)
    limit: str = ""
    forks: int = fan.FORKS
    journal: str = ""


def inventory_of(paths: tuple[str, ...]) -> Inventory:
    """The inventory in these files; this machine where there are none."""
    if not paths:
        return this_machine()
    from toolkit.inventory.load import load  # noqa: PLC0415 - PyYAML costs 30 ms

    return load(*paths)


def chosen(inventory: Inventory, limit: str) -> tuple[str, ...]:
    """The hosts that ``--limit`` leaves; ``InvalidInputError`` if it names none."""
    if not limit:
        return tuple(inventory.hosts)
    found = select(inventory, limit, strict=True)
    if not found:
        raise InvalidInputError(f"--limit '{limit}' names no host")
    return found


def journal_folder() -> str:
    """Where this machine keeps its journals, ``""`` for the usual place.

    ``engine.toml`` has no say: a play may write that file, and its journal must be found after it.
    """
    root = os.environ.get("DOCKYARD_DATA_ROOT", "")
    return os.path.join(os.path.abspath(root), "journal") if root else ""


def needs_root(playbook: Playbook) -> bool:
    """Whether any task asks for root, so that agents must be started as root."""
    return any(
        play.become or any(task.become for task in (*play.tasks, *play.handlers))
        for play in playbook.plays
    )


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
    """One link a host for the whole run, opened by the first thing that is asked of it."""

    def __init__(self, inventory: Inventory, options: Options) -> None:
        self._inventory = inventory
        self._links = Links(options)
        self._open: dict[str, Link] = {}
        self._preparing: dict[str, _Preparation] = {}

    def prepare_local(self) -> None:
        """Start this machine's agent, if it is among the hosts, and have it import in parallel.

        The agent needs 150 ms for that, and the controller as long to read a playbook.
        """
        for host in filter(self.is_local, self._inventory.hosts):
            self._preparing[host] = _Preparation(self.link(host))

    def link(self, host: str) -> Link:
        """The host's link; it is only ever asked for by one thread at a time."""
        preparation = self._preparing.pop(host, None)
        if preparation is not None:
            preparation.finish()
        if host not in self._open:
            self._open[host] = self._links.open(host, self._inventory.variables(host))
        return self._open[host]

    def is_local(self, host: str) -> bool:
        """Whether the host is this machine."""
        return connection(host, self._inventory.variables(host)).local

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


class Provision:
    """One run of a playbook."""

    def __init__(
        self, inventory: Inventory, sessions: Sessions, output: Output, wish: Wish
    ) -> None:
        self._inventory = inventory
        self._sessions = sessions
        self._output = output
        self._wish = wish
        self._recaps: dict[str, Recap] = {}

    def run(self, playbook: Playbook) -> dict[str, Recap]:
        """Run every play; a host that fails takes no part in those that follow."""
        allowed = set(chosen(self._inventory, self._wish.limit))
        compiled = [(play, compile_play(play, self._wish.selection)) for play in playbook.plays]
        matched = [self._hosts(play, allowed) for play in playbook.plays]
        if not any(matched):
            patterns = ", ".join(f"'{play.hosts}'" for play in playbook.plays)
            raise InvalidInputError(
                f"no host matches {patterns}",
                hint="name an inventory with -i, or use 'hosts: all' for this machine",
            )
        for (play, data), hosts in zip(compiled, matched, strict=True):
            self._play(play, data, hosts)
        order = [host for host in self._inventory.hosts if host in self._recaps]
        recaps = {host: self._recaps[host] for host in order}
        self._output.recap(recaps.values())
        return recaps

    def _hosts(self, play: Play, allowed: set[str]) -> tuple[str, ...]:
        return tuple(host for host in select(self._inventory, play.hosts) if host in allowed)

    def _play(self, play: Play, compiled: CompiledPlay, hosts: tuple[str, ...]) -> None:
        going = tuple(host for host in hosts if not self._has_stopped(host))
        self._output.play(play.title, going)
        magic = {"groups": self._inventory.listing(), "ansible_play_hosts": list(going)}

        def one(host: str) -> Recap:
            return self._host(host, compiled, magic)

        for outcome in self._sessions.over(one, going, self._wish.forks):
            recap = outcome.value
            if outcome.error is not None:
                recap = self._broken(outcome.host, outcome.error)
            assert recap is not None
            known = self._recaps.get(outcome.host)
            self._recaps[outcome.host] = known.plus(recap) if known else recap

    def _has_stopped(self, host: str) -> bool:
        recap = self._recaps.get(host)
        return recap is not None and recap.status in (Status.FAILED, Status.UNREACHABLE)

    def _host(self, host: str, compiled: CompiledPlay, shared: Mapping[str, Any]) -> Recap:
        """Send one host its play and pass its events on."""
        self._output.event(TaskStarted(host=host, task="connecting", index=-1))
        play = compiled.for_host(
            host,
            variables=self._inventory.variables(host),
            extra=self._wish.extra,
            magic={**shared, "group_names": list(self._inventory.groups_of(host))},
        )
        params: dict[str, Any] = {"play": play.data, "mode": dict(self._wish.mode)}
        if self._wish.journal and self._sessions.is_local(host):
            params["journal"] = self._wish.journal
        link = self._sessions.link(host)
        reply = link.call("apply", params, files=play.files, on_event=self._event)
        recap = from_data(reply.result)
        assert isinstance(recap, Recap)
        return recap

    def _event(self, data: Mapping[str, Any]) -> None:
        self._output.event(from_data(data))

    def _broken(self, host: str, error: ToolkitError) -> Recap:
        """A host that could not be asked, or was lost in the middle."""
        status = Status.UNREACHABLE if error.exit_status == 4 else Status.FAILED
        self._output.event(
            TaskDone(
                host=host,
                task="connection",
                index=-1,
                module="",
                place="",
                status=status,
                message=error.message,
                hint=error.hint,
            )
        )
        if status is Status.UNREACHABLE:
            return Recap(host=host, unreachable=1)
        return Recap(host=host, failed=1)


def exit_status(recaps: Iterable[Recap]) -> int:
    """4 if a host was unreachable, else 1 if one failed, else 0."""
    statuses = {recap.status for recap in recaps}
    if Status.UNREACHABLE in statuses:
        return 4
    return 1 if Status.FAILED in statuses else 0
