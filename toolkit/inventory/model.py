"""Hosts and groups as values, whatever format they came from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ALL = "all"
UNGROUPED = "ungrouped"
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Hosts and child groups in the order in which they were written."""

    name: str
    hosts: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """All hosts and groups.

    ``hosts`` holds each host's own variables; ``group_files`` and ``host_files`` those of the
    ``group_vars`` and ``host_vars`` folders, which are stronger than the inventory's own; the
    ``play_…`` ones those of the folders beside the playbook, which are stronger still.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Group]
    group_files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    host_files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    play_group_files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    play_host_files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    folder: str = ""
    file: str = ""

    def with_host(
        self, name: str, groups: Iterable[str], variables: Mapping[str, Any]
    ) -> "Inventory":
        """With one more host, or one more group or variable of a host that is there."""
        hosts = {**self.hosts, name: {**self.hosts.get(name, {}), **variables}}
        known = dict(self.groups)
        for group in groups:
            old = known.get(group, Group(name=group))
            if name not in old.hosts:
                known[group] = replace(old, hosts=(*old.hosts, name))
            if group not in (ALL, UNGROUPED) and UNGROUPED in known:
                alone = tuple(host for host in known[UNGROUPED].hosts if host != name)
                known[UNGROUPED] = replace(known[UNGROUPED], hosts=alone)
        return replace(self, hosts=hosts, groups=known)

    def with_child(self, parent: str, child: str) -> "Inventory":
        """With one group below another one; ``all`` is above every group anyway."""
        if parent == ALL:
            return self
        old = self.groups.get(parent, Group(name=parent))
        if child in old.children:
            return self
        made = replace(old, children=(*old.children, child))
        return replace(self, groups={**self.groups, parent: made})

    def with_localhost(self) -> "Inventory":
        """With this machine, which a play may name without an inventory that does."""
        return self.with_host("localhost", (), {"ansible_connection": "local"})

    def members(self, group: str) -> tuple[str, ...]:
        """The hosts of a group and of its children, in order, without repetition."""
        if group == ALL:
            return tuple(self.hosts)
        found = (host for name in self._below(group) for host in self.groups[name].hosts)
        return tuple(dict.fromkeys(found))

    def _below(self, group: str) -> Iterator[str]:
        yield group
        for child in self.groups[group].children:
            yield from self._below(child)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups that a host is in, ``all`` left out, sorted as ``group_names`` is."""
        return tuple(sorted(name for name in self._depths() if host in self.members(name)))

    def names(self) -> set[str]:
        """The name of every variable of any host."""
        layers = [*self.hosts.values(), *(group.vars for group in self.groups.values())]
        for files in (self.group_files, self.host_files):
            layers += files.values()
        for files in (self.play_group_files, self.play_host_files):
            layers += files.values()
        return {name for layer in layers for name in layer}

    def _depths(self) -> dict[str, int]:
        """How far below ``all`` each group stands: a child's variables win over its parent's."""
        depths = {name: 1 for name in self.groups if name != ALL}
        for name in list(depths):
            self._sink(name, depths)
        return depths

    def _sink(self, name: str, depths: dict[str, int]) -> None:
        for child in self.groups[name].children:
            if depths[child] <= depths[name]:
                depths[child] = depths[name] + 1
                self._sink(child, depths)

    def variables(self, host: str) -> dict[str, Any]:
        """A host's variables.

        From weakest to strongest, as in Ansible: ``all``, the file ``group_vars/all``, groups from
        the top down (``ansible_group_priority``, then the name, breaks ties), their files, the
        host's own, its file.
        """
        depths = self._depths()
        mine = sorted(self.groups_of(host), key=lambda name: (depths[name], self._priority(name)))
        found: dict[str, Any] = {}
        everyone = self.groups.get(ALL, Group(name=ALL))
        found.update(everyone.vars)
        for name in mine:
            found.update(self.groups[name].vars)
        for files in (self.group_files, self.play_group_files):
            found.update(files.get(ALL, {}))
        for files in (self.group_files, self.play_group_files):
            for name in mine:
                found.update(files.get(name, {}))
        found.update(self.hosts[host])
        for files in (self.host_files, self.play_host_files):
            found.update(files.get(host, {}))
        return found

    def _priority(self, name: str) -> tuple[int, str]:
        group = self.groups[name]
        return int(group.vars.get("ansible_group_priority", 1)), name

    def listing(self) -> dict[str, list[str]]:
        """Every group and its hosts: what playbooks see as ``groups``."""
        names = dict.fromkeys((ALL, UNGROUPED, *self.groups))
        grouped = {host for name in self._depths() for host in self.members(name)}
        own = {UNGROUPED: [host for host in self.hosts if host not in grouped]}
        return {
            name: own[UNGROUPED]
            if name == UNGROUPED and name not in self.groups
            else list(self.members(name))
            for name in names
        }


def this_machine() -> Inventory:
    """The inventory that stands for no inventory: this machine, without SSH."""
    return Inventory(
        hosts={"localhost": {"ansible_connection": "local"}}, groups={ALL: Group(name=ALL)}
    )
