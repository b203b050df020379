"""Runs a playbook over hosts: selects them, sends each its plays, collects the recaps."""

import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.cli.applying.limits import expanded
from toolkit.cli.dialogue import Dialogue, Shared
from toolkit.cli.output.sink import Output
from toolkit.cli.person import Terminal
from toolkit.cli.sessions import Sessions
from toolkit.cli.vaulting import vault_of
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.secret import Decrypt, no_password
from toolkit.fleet import fan
from toolkit.fleet.answers import Person
from toolkit.fleet.meeting import Known, Meeting
from toolkit.inventory.model import Inventory, this_machine
from toolkit.inventory.patterns import select
from toolkit.playbook.compiler import CompiledPlay, Selection, compile_play
from toolkit.playbook.model import Play, Playbook
from toolkit.playbook.results import Recap, Status, TaskDone, TaskStarted, from_data, told
from toolkit.playbook.secrets import collect, needed

_CONNECTION = {
    "connection": "ansible_connection",
    "remote_user": "ansible_user",
    "port": "ansible_port",
}
_STOPS = (Status.FAILED, Status.UNREACHABLE)
_TRUE = ("true", "yes", "1", "on")
__all__ = ["Sessions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How a playbook is to be run; ``journal`` is the folder of journals on this machine."""

    mode: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    extra: Mapping[str, Any] = field(default_factory=dict)
    limit: str = ""
    forks: int = fan.FORKS
    journal: str = ""
    wait: float = 0.0
    """How many seconds to wait for the end of another run on a host."""
    become: bool = False
    become_user: str = ""
    force_handlers: bool = False
    person: Person = field(default_factory=Terminal)
    reload: Callable[[], Inventory] | None = None
    """Reads the inventory anew, where a play asks for that."""
    decrypt: Decrypt = no_password


def inventory_of(
    paths: tuple[str, ...], decrypt: Decrypt | None = None, *, playbook: str = ""
) -> Inventory:
    """The inventory in these files, this machine where there are none, for a playbook.

    Without ``decrypt``, the environment says where passwords of vaults are.
    """
    folder = os.path.dirname(playbook) or "."
    places = (os.path.join(folder, name) for name in ("group_vars", "host_vars"))
    files = bool(playbook) and any(map(os.path.isdir, places))
    if not paths and not files:
        return this_machine()
    from toolkit.inventory.load import beside, load  # noqa: PLC0415 - PyYAML costs 30 ms

    decrypt = vault_of({}) if decrypt is None else decrypt
    made = load(*paths, decrypt=decrypt) if paths else this_machine()
    return beside(made, folder, decrypt) if files else made


def chosen(inventory: Inventory, limit: str) -> tuple[str, ...]:
    """The hosts that ``--limit`` leaves; ``InvalidInputError`` if it names none."""
    if not limit:
        return tuple(inventory.hosts)
    found = select(inventory, expanded(limit), strict=True)
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
    """Whether any task asks for another user, so that agents must be started as root."""
    return any(
        task.words.get("become", False) is not False
        for play in playbook.plays
        for task in play.every_task()
    )


def ordered(hosts: tuple[str, ...], order: str) -> tuple[str, ...]:
    """The hosts in the order that a play asks for."""
    if order == "sorted":
        return tuple(sorted(hosts))
    if order == "reverse_sorted":
        return tuple(sorted(hosts, reverse=True))
    if order == "reverse_inventory":
        return hosts[::-1]
    if order == "shuffle":
        return tuple(random.sample(hosts, len(hosts)))
    if order in ("", "inventory"):
        return hosts
    raise InvalidInputError(f"'order': '{order}' is not known", hint="try sorted or shuffle")


def batches(hosts: tuple[str, ...], serial: Iterable[int | str]) -> Iterator[tuple[str, ...]]:
    """The hosts in the batches of ``serial``; the last size is used until all have been."""
    sizes = list(serial) or [0]
    left, number = hosts, 0
    while left:
        wish = str(sizes[min(number, len(sizes) - 1)])
        if wish.endswith("%"):
            size = max(1, int(len(hosts) * float(wish[:-1]) / 100))
        else:
            size = int(wish) or len(hosts)
        yield left[:size]
        left, number = left[size:], number + 1


class Provision:
    """One run of a playbook."""

    def __init__(
        self, inventory: Inventory, sessions: Sessions, output: Output, wish: Wish
    ) -> None:
        del inventory  # the sessions' own may grow while the plays run
        self._sessions = sessions
        self._output = output
        self._wish = wish
        self._recaps: dict[str, Recap] = {}
        self._begun = False
        self._tally: dict[str, Recap] = {}
        self._shared = Shared(
            sessions=sessions,
            known=Known(),
            person=wish.person,
            environment=dict(os.environ),
            extra=wish.extra,
            run=str(wish.mode.get("run", "")),
            journal=wish.journal,
            reload=wish.reload,
            decrypt=wish.decrypt,
        )

    @property
    def _inventory(self) -> Inventory:
        return self._sessions.inventory

    def check(self, playbook: Playbook) -> None:
        """``PlaybookError`` for names that nothing in the whole run can define."""
        from toolkit.playbook.undefined import check_names  # noqa: PLC0415 - Jinja2: 40 ms

        known = {*self._inventory.names(), *self._wish.extra}
        check_names(playbook, self._wish.selection, known)

    def run(self, playbook: Playbook) -> dict[str, Recap]:
        """Run every play; a host that fails takes no part in those that follow."""
        self.check(playbook)
        first = chosen(self._inventory, self._wish.limit)
        left_out = set(self._inventory.hosts) - set(first)
        compiled = [(play, self._compiled(play)) for play in playbook.plays]
        if not any(self._hosts(play, left_out) for play in playbook.plays):
            patterns = ", ".join(f"'{play.hosts}'" for play in playbook.plays)
            raise InvalidInputError(
                f"no host matches {patterns}",
                hint="name an inventory with -i, or use 'hosts: all' for this machine",
            )
        asks = any(data.shared["asks_hostvars"] for _, data in compiled)
        for play, data in compiled:
            if not self._play(play, data, self._hosts(play, left_out), asks=asks):
                break
        order = [host for host in self._inventory.hosts if host in self._recaps]
        recaps = {
            host: replace(recap, forgiven=recap.status in _STOPS and not self._has_stopped(host))
            for host in order
            for recap in (self._recaps[host],)
        }
        self._output.recap(recaps.values())
        return recaps

    def _compiled(self, play: Play) -> CompiledPlay:
        return compile_play(play, self._wish.selection, decrypt=self._wish.decrypt)

    def hosts(self, play: Play) -> tuple[str, ...]:
        """The hosts of a play that the limit leaves."""
        first = chosen(self._inventory, self._wish.limit)
        return self._hosts(play, set(self._inventory.hosts) - set(first))

    def _hosts(self, play: Play, left_out: set[str]) -> tuple[str, ...]:
        if play.hosts == "localhost" and "localhost" not in self._inventory.hosts:
            self._sessions.inventory = self._inventory.with_localhost()
        found = tuple(h for h in select(self._inventory, play.hosts) if h not in left_out)
        return ordered(found, str(play.words.get("order", "")))

    def _play(
        self, play: Play, compiled: CompiledPlay, hosts: tuple[str, ...], *, asks: bool
    ) -> bool:
        """Run one play, batch by batch; false where the whole run ends here."""
        going = tuple(host for host in hosts if not self._has_stopped(host))
        self._output.play(play.title, going)
        prompted = self._prompted(play)
        limit = play.words.get("max_fail_percentage")
        if play.words.get("any_errors_fatal") is True:
            limit = 0
        turn = _Turn(
            play=play,
            compiled=compiled,
            hosts=going,
            everyone=hosts,
            prompted=prompted,
            asks=asks,
            is_first=not self._begun,
        )
        self._begun = True
        for batch in batches(going, play.words.get("serial", ())):
            meeting = Meeting(hosts=batch, most_failed=None if limit is None else float(limit))
            self._batch(turn, batch, meeting)
            if meeting.fatal:
                return False
            if meeting.ended or len(meeting.failed) == len(batch):
                break  # as Ansible: a batch that failed as a whole ends the play
        return True

    def _batch(self, turn: "_Turn", batch: tuple[str, ...], meeting: Meeting) -> None:
        linear = turn.linear

        def one(host: str) -> Recap:
            failed = True
            try:
                recap = self._host(host, turn, batch, meeting)
                failed = recap.status in _STOPS
                if recap.ended == "play":
                    meeting.end()
            finally:
                meeting.leave(host, failed=failed)
            return recap

        # Hosts that wait for each other must all be under way.
        forks = max(self._wish.forks, len(batch)) if linear else self._wish.forks
        for outcome in self._sessions.over(one, batch, forks):
            recap = outcome.value
            if outcome.error is not None:
                recap = self._broken(outcome.host, outcome.error, turn.play)
            assert recap is not None
            known = self._recaps.get(outcome.host)
            self._recaps[outcome.host] = known.plus(recap) if known else recap
            if recap.status in _STOPS and outcome.host not in meeting.forgiven:
                self._shared.stopped.add(outcome.host)

    def _has_stopped(self, host: str) -> bool:
        return host in self._shared.stopped

    def _prompted(self, play: Play) -> dict[str, Any]:
        """What a person says to ``vars_prompt``; variables of ``-e`` are not asked for."""
        if not play.vars_prompt:
            return {}
        from toolkit.cli.prompting import prompted  # noqa: PLC0415 - few plays ask

        return prompted(play.vars_prompt, self._wish.extra, self._wish.person)

    def _host(self, host: str, turn: "_Turn", batch: tuple[str, ...], meeting: Meeting) -> Recap:
        """Send one host its play and pass its events on."""
        self._tally.pop(host, None)
        self._output.event(TaskStarted(host=host, task="connecting", index=-1))
        variables = self._inventory.variables(host)
        play = turn.compiled.for_host(
            host,
            variables=needed(variables, turn.compiled.needs),
            extra=self._wish.extra,
            magic=self._magic(host, turn, batch),
        )
        data = {
            **play.data,
            "vars": {**play.data["vars"], **turn.prompted},
            "linear": turn.linear,
            "asks_hostvars": turn.asks,
            "is_controller": self._sessions.is_local(host),
        }
        if self._wish.become or _is_true(variables.get("ansible_become")):
            data["become_default"] = True
        user = self._wish.become_user or variables.get("ansible_become_user", "")
        if user:
            data["become_user_default"] = user
        if self._wish.force_handlers:
            data["force_handlers"] = True
        mode = {**self._wish.mode, **({} if turn.is_first else {"start_at": ""})}
        params: dict[str, Any] = {"play": data, "mode": mode}
        secrets = turn.compiled.secrets | collect(
            [data["inventory"], data["vars"], data["extra"], turn.compiled.shared]
        )
        if self._wish.wait:
            params["wait"] = self._wish.wait
        if secrets:
            params["secrets"] = sorted(secrets)
        if self._wish.journal and self._sessions.is_local(host):
            params["journal"] = self._wish.journal
        link = self._sessions.link(host, turn.overrides)
        dialogue = Dialogue(
            self._shared,
            host,
            meeting,
            files=play.files,
            base=turn.play.base,
            everyone=turn.everyone,
        )
        link.on_ask(dialogue.answer)
        reply = link.call("apply", params, files=play.files, on_event=self._event)
        recap = from_data(reply.result)
        assert isinstance(recap, Recap)
        return recap

    def _magic(self, host: str, turn: "_Turn", batch: tuple[str, ...]) -> dict[str, Any]:
        """Names that only this side knows; other hosts' state may have changed since."""
        inventory = self._inventory
        playing = [each for each in turn.hosts if not self._has_stopped(each)]
        found = {
            "groups": inventory.listing(),
            "group_names": list(inventory.groups_of(host)),
            "ansible_play_hosts": playing,
            "play_hosts": playing,
            "ansible_play_hosts_all": list(turn.hosts),
            "ansible_play_batch": list(batch),
            "ansible_run_tags": sorted(self._wish.selection.only) or ["all"],
            "ansible_skip_tags": sorted(self._wish.selection.skip),
            "ansible_forks": self._wish.forks,
            "ansible_version": {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0},
        }
        if self._wish.limit:
            found["ansible_limit"] = self._wish.limit
        if inventory.folder:
            found |= {"inventory_dir": inventory.folder, "inventory_file": inventory.file}
        return found

    def _event(self, data: Mapping[str, Any]) -> None:
        event = from_data(data)
        if isinstance(event, TaskDone):
            self._tally[event.host] = self._tally.get(event.host, Recap(host=event.host)).plus(
                told(event)
            )
        self._output.event(event)

    def _broken(self, host: str, error: ToolkitError, play: Play) -> Recap:
        """A host that could not be asked, or was lost in the middle."""
        status = Status.UNREACHABLE if error.exit_status == 4 else Status.FAILED
        event = TaskDone(
            host=host,
            task="connection",
            index=-1,
            module="",
            place="",
            status=status,
            message=error.message,
            hint=error.hint,
        )
        self._sessions.forget(host)
        if status is Status.UNREACHABLE and play.words.get("ignore_unreachable") is True:
            self._output.event(replace(event, ignored=True))
            return Recap(host=host, ignored=1)
        self._output.event(event)
        known = replace(self._tally.get(host, Recap(host=host)), failed=0)
        if status is Status.UNREACHABLE:
            return replace(known, unreachable=1)
        return replace(known, failed=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """One play that runs now: its hosts, and what all of them share."""

    play: Play
    compiled: CompiledPlay
    hosts: tuple[str, ...]
    everyone: tuple[str, ...]
    prompted: Mapping[str, Any]
    asks: bool
    is_first: bool

    @property
    def linear(self) -> bool:
        """Whether hosts go through the play in step: asked for, or needed by what they share."""
        words = self.play.words
        strategy = str(words.get("strategy", "")).removeprefix("ansible.builtin.")
        if strategy in ("free", "host_pinned"):
            return False
        fatal = words.get("any_errors_fatal") or words.get("max_fail_percentage") is not None
        shared = self.compiled.shared
        return bool(strategy == "linear" or fatal or shared["asks_hostvars"] or shared["in_step"])

    @property
    def overrides(self) -> dict[str, Any]:
        """The variables of connections that the play itself sets."""
        found = {name: self.play.words.get(word) for word, name in _CONNECTION.items()}
        return {name: value for name, value in found.items() if value is not None}


def _is_true(value: object) -> bool:
    return str(value).lower() in _TRUE


def exit_status(recaps: Iterable[Recap]) -> int:
    """4 if a host was unreachable, else 1 if one failed, else 0; forgiven failures are none."""
    statuses = {recap.status for recap in recaps if not recap.forgiven}
    if Status.UNREACHABLE in statuses:
        return 4
    return 1 if Status.FAILED in statuses else 0
