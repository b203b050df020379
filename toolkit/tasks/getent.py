"""``getent``: what a database of the name service has."""

from dataclasses import dataclass
from typing import ClassVar

from toolkit.core.errors import NotFoundError, ToolkitError, UnsupportedError
from toolkit.tasks.host import Host
from toolkit.tasks.registry import Plan, task

_COLONS = frozenset({"passwd", "shadow", "group", "gshadow"})
_NO_KEY, _NO_LIST = 2, 3  # getent(1), exit status
_SAID = {1: "missing arguments, or the database is unknown", _NO_LIST: "it cannot be listed"}


@task("getent")
@dataclass(frozen=True, kw_only=True, slots=True)
class Getent:
    """Read entries of ``passwd``, ``group``, ``hosts`` and others; Ansible's ``getent``.

    They become the fact ``getent_DATABASE``: a list of fields by key. A ``key`` that is not there
    is an error unless ``fail_key`` is false.
    """

    reads: ClassVar[bool] = True

    database: str
    key: str | None = None
    split: str | None = None
    service: str | None = None
    fail_key: bool = True

    def plan(self, host: Host) -> Plan:
        """Ask; nothing ever changes."""
        yield from ()
        service = ("-s", self.service) if self.service else ()
        key = (self.key,) if self.key is not None else ()
        done = host.run(("getent", *service, self.database, *key))
        fact = f"getent_{self.database}"
        if done.status == _NO_KEY:
            if self.fail_key:
                raise NotFoundError(f"'{self.key}' is not in the database '{self.database}'")
            said = "One or more supplied key could not be found in the database."
            return {"ansible_facts": {fact: {self.key: None}}, "msg": said}
        if done.status == 127:
            raise UnsupportedError("this host has no 'getent'")
        if done.status != 0:
            said = _SAID.get(done.status, done.stderr.strip())
            raise ToolkitError(f"cannot read the database '{self.database}': {said}")
        return {"ansible_facts": {fact: self._entries(done.stdout)}}

    def _entries(self, said: str) -> dict[str, list[str]]:
        sign = self.split or (":" if self.database in _COLONS else None)
        found: dict[str, list[str]] = {}
        for line in said.splitlines():
            name, *fields = line.split(sign)
            # a key that comes again adds to what it had, as services and hosts do
            found[name] = [*found.get(name, []), *fields] if sign is None else fields
        return found
