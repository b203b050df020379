"""Answers what hosts ask in the middle of a play: each question is one method here."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.cli.sessions import Sessions
from toolkit.core.errors import NotFoundError, ToolkitError, UnavailableError
from toolkit.core.secret import Decrypt, no_password
from toolkit.core.suggest import did_you_mean
from toolkit.fleet.answers import Files, Person
from toolkit.fleet.meeting import Known, Meeting
from toolkit.inventory.model import Inventory
from toolkit.inventory.patterns import select
from toolkit.playbook.secrets import collect, needed
from toolkit.ssh.link import Link, Reply

What = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the questions of all hosts are answered from, for the whole run."""

    sessions: Sessions
    known: Known
    person: Person
    environment: Mapping[str, str]
    extra: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    journal: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    reload: Callable[[], Inventory] | None = None
    """Reads the inventory's files anew."""
    decrypt: Decrypt = no_password
    stopped: set[str] = field(default_factory=set)
    """The hosts that take no part any more."""
    grown: list[Callable[[Inventory], Inventory]] = field(default_factory=list)
    """What plays have added to the inventory."""

    def grow(self, change: Callable[[Inventory], Inventory]) -> Inventory:
        """Change the inventory, and remember how, for when its files are read again."""
        with self.lock:
            self.grown.append(change)
            self.sessions.inventory = change(self.sessions.inventory)
            return self.sessions.inventory

    def refresh(self) -> None:
        """Read the inventory's files anew, and add what plays have added."""
        made = self.reload() if self.reload is not None else self.sessions.inventory
        for change in self.grown:
            made = change(made)
        self.sessions.inventory = made


class Dialogue:
    """The questions of one host in one play."""

    def __init__(
        self,
        shared: Shared,
        host: str,
        meeting: Meeting,
        *,
        files: Mapping[str, bytes],
        base: str,
        everyone: Iterable[str] = (),
    ) -> None:
        self._shared = shared
        self._host = host
        self._meeting = meeting
        self._files = files
        self._everyone = frozenset(everyone)
        self._here = Files(base=base, environment=shared.environment, decrypt=shared.decrypt)

    def answer(self, what: What, body: bytes) -> Reply:
        """The answer to one question; errors go back to the host that asked."""
        name = str(what["do"]).replace(".", "_")
        if name == "file":
            return self._here.file(what)
        if name == "fetch":
            return Reply(result=self._here.fetch(what, self._host, body))
        method = getattr(self, f"_{name}", None)
        if method is None:
            raise NotFoundError(f"nothing is known of the question '{what['do']}'")
        return Reply(result=method(what))

    def _lookup(self, what: What) -> list[Any]:
        return self._here.lookup(what)

    def _vars(self, what: What) -> Mapping[str, Any]:
        return self._here.variables(what)

    def _meet(self, what: What) -> dict[str, bool]:
        self._shared.known.tell(self._host, what.get("known", {}))
        return {"go": self._meeting.meet(self._host, int(what["task"]))}

    def _tell(self, what: What) -> dict[str, Any]:
        self._shared.known.tell(self._host, what["known"])
        return {}

    def _facts(self, what: What) -> dict[str, Any]:
        self._shared.known.tell(str(what["host"]), what["known"])
        return {}

    def _once(self, what: What) -> Mapping[str, Any]:
        return self._meeting.once(self._host, int(what["task"]))

    def _once_done(self, what: What) -> dict[str, Any]:
        kept = ("registered", "facts", "ignored")
        result = {name: what[name] for name in kept}
        self._meeting.once_done(self._host, int(what["task"]), result)
        return {}

    def _fatal(self, what: What) -> dict[str, Any]:
        self._meeting.stop(int(what["task"]))
        return {}

    def _hostvars(self, what: What) -> dict[str, Any]:
        host = str(what["host"])
        inventory = self._shared.sessions.inventory
        if host not in inventory.hosts:
            hint = did_you_mean(host, inventory.hosts)
            raise NotFoundError(f"there is no host '{host}' in the inventory", hint=hint)
        variables = needed(inventory.variables(host), frozenset({"hostvars"}))
        return {
            **self._shared.known.of(host),
            "inventory": variables,
            "secrets": sorted(collect(variables)),
            "extra": self._shared.extra,
            "magic": {
                "inventory_hostname": host,
                "inventory_hostname_short": host.split(".", 1)[0],
                "group_names": list(inventory.groups_of(host)),
                "groups": inventory.listing(),
            },
        }

    def _hosts(self, what: What) -> list[str]:
        return list(select(self._shared.sessions.inventory, str(what["pattern"])))

    def _add_host(self, what: What) -> What:
        groups = [str(group) for group in what["groups"]]
        host, variables = str(what["host"]), what["variables"]
        made = self._shared.grow(lambda now: now.with_host(host, groups, variables))
        return {"groups": made.listing()}

    def _group_by(self, what: What) -> What:
        group = str(what["group"])

        def change(now: Inventory) -> Inventory:
            made = now.with_host(self._host, [group], {})
            for parent in what["parents"]:
                made = made.with_child(str(parent), group)
            return made

        return {"groups": self._shared.grow(change).listing()}

    def _refresh_inventory(self, what: What) -> What:
        """One host's asking is enough for a task."""
        with self._shared.lock:
            if self._meeting.first_to(int(what["task"])):
                self._shared.refresh()
            return {"groups": self._shared.sessions.inventory.listing()}

    def _clear_host_errors(self, _: What) -> dict[str, Any]:
        """Every host of the play that has failed, now or in an earlier play, goes on after it."""
        self._meeting.forgive()
        with self._shared.lock:
            self._shared.stopped.difference_update(self._everyone)
        return {}

    def _prompt(self, what: What) -> str:
        with self._shared.lock:
            return self._shared.person.ask(str(what["prompt"]), secret=not what.get("echo", True))

    def _step(self, what: What) -> str:
        with self._shared.lock:
            prompt = f"Perform task: {what['task']} on {what['host']} (N)o/(y)es/(c)ontinue: "
            said = self._shared.person.ask(prompt).strip().lower()
        return {"y": "yes", "c": "continue"}.get(said[:1], "no")

    def _delegate(self, what: What) -> dict[str, Any]:
        """Run the task on another host, over a link of its own."""
        host = str(what["host"])
        needed = self._needed(what)

        def perform(link: Link) -> Any:
            params = {**what, "run": self._shared.run}
            if self._shared.journal and self._shared.sessions.is_local(host):
                params["journal"] = self._shared.journal
            return link.call("perform", params, files=needed).result

        try:
            result: dict[str, Any] = self._shared.sessions.beside(host, perform)
        except UnavailableError as error:
            return {"unreachable": True, "message": error.message}
        except ToolkitError as error:
            registered = {"failed": True, "changed": False, "msg": error.message}
            return {"registered": registered, "message": error.message, "hint": error.hint}
        return result

    def _needed(self, what: What) -> dict[str, bytes]:
        """The files that the task's arguments name by digest."""
        texts = [value for value in what["args"].values() if isinstance(value, str)]
        digests = {text.partition("#")[0] for text in texts if text.startswith("sha256:")}
        return {digest: self._files[digest] for digest in digests if digest in self._files}
