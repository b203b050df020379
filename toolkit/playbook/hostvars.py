"""``hostvars``: what is known about every host; of the others, what the controller last heard."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.playbook.asking import Ask
from toolkit.playbook.scope import Everything, Memory, Scope
from toolkit.playbook.secrets import Secrets


class HostVars(Mapping[str, Any]):
    """By a host's name, its variables; another host is asked for once a task."""

    def __init__(self, own: str, scope: Scope, ask: Ask, secrets: Secrets) -> None:
        self._own = own
        self._secrets = secrets
        self._scope = scope
        self._ask = ask
        self._others: dict[str, Any] = {}

    def forget(self) -> None:
        """Ask again: other hosts have gone on."""
        self._others.clear()

    def __getitem__(self, host: str) -> Any:
        if host == self._own:
            return Everything(self._scope.of_host())
        if host not in self._others:
            if host not in self:
                raise KeyError(host)
            self._others[host] = self._other(self._ask({"do": "hostvars", "host": host}))
        return self._others[host]

    def _other(self, said: Mapping[str, Any]) -> Everything:
        self._secrets.add(said.get("secrets", ()))
        memory = Memory(known=said["known"], facts=said["facts"])
        scope = Scope(
            written=said.get("vars", {}),
            extra=said["extra"],
            magic=said["magic"],
            facts=dict,
            inventory=said["inventory"],
            memory=memory,
        )
        return Everything(scope)

    def __contains__(self, host: object) -> bool:
        return host == self._own or host in self._hosts()

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts())

    def __len__(self) -> int:
        return len(self._hosts())

    def _hosts(self) -> list[str]:
        groups = self._scope.find("groups")
        found = groups.get("all", []) if isinstance(groups, Mapping) else []
        return list(dict.fromkeys((*found, self._own)))
