"""``package``: packages are installed, absent, or in their latest version."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.facts import os_release
from toolkit.tasks.changes import Change
from toolkit.tasks.host import Host, PackageStep
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.system_changes import InstallPackages, RemovePackages, UpdatePackageLists

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?(=\S+)?")  # deb-control(5), apt-get(8)
_MANAGERS = {"RedHat": "dnf", "Suse": "zypper", "Archlinux": "pacman", "Alpine": "apk"}


class State(StrEnum):
    """What is wanted of each package."""

    PRESENT = "present"
    ABSENT = "absent"
    LATEST = "latest"


@task("package")
@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """Hold packages installed, absent or up to date; Ansible's ``package``, through apt.

    ``name`` is a list; ``name=version`` asks for one version. ``update_cache`` fetches the
    package lists if they are older than ``cache_valid_time`` seconds, and only when a package
    has to be looked up in them. ``purge`` removes configuration files too.
    """

    aliases: ClassVar[Mapping[str, str]] = {"pkg": "name", "update-cache": "update_cache"}

    name: tuple[str, ...] = ()
    state: State = State.PRESENT
    update_cache: bool = False
    cache_valid_time: int = 0
    purge: bool = False

    def __post_init__(self) -> None:
        for name in self.name:
            if not _NAME.fullmatch(name):
                raise InvalidInputError(f"'{name}' is no name of a package")
        if not self.name and not self.update_cache:
            raise InvalidInputError("name is missing")

    def options(self) -> tuple[str, ...]:
        """What apt-get is told beside the names."""
        return ()

    def plan(self, host: Host) -> Plan:
        """Compare what is installed; ask apt only where something is missing."""
        refuse_others(host)
        if self.state is State.ABSENT:
            yield from self._remove(host)
            return {"cache_updated": False}
        installed = host.packages.installed()
        missing = tuple(name for name in self.name if not _is_there(installed, name))
        wanted = self.name if self.state is State.LATEST else missing
        updated = False
        if self.update_cache and (wanted or not self.name):
            updated = host.packages.index_age() > self.cache_valid_time
        if updated:
            yield UpdatePackageLists(counts=not self.name)
        if wanted:
            yield from _install(host, wanted, self.options())
        return {"cache_updated": updated}

    def _remove(self, host: Host) -> Iterator[Change]:
        installed = host.packages.installed()
        names = tuple(name.partition("=")[0] for name in self.name)
        there = tuple(name for name in names if name in installed)
        if there:
            steps = host.packages.rehearse("purge" if self.purge else "remove", there)
            gone = tuple(f"{step.name}={step.old}" for step in steps if not step.new)
            yield RemovePackages(names=there, old=gone, purge=self.purge)


def _install(host: Host, wanted: tuple[str, ...], options: tuple[str, ...]) -> Iterator[Change]:
    try:
        steps = host.packages.rehearse("install", wanted, options)
    except NotFoundError:
        if not host.may_appear("/var/lib/apt/lists"):
            raise
        steps = tuple(PackageStep(name=name.partition("=")[0], new="unknown") for name in wanted)
    coming = [step for step in steps if step.new]
    if coming:
        touched = {_bare(step.name) for step in coming}
        yield InstallPackages(
            names=tuple(name for name in wanted if _bare(name) in touched) or wanted,
            new=tuple(f"{step.name}={step.new}" for step in coming),
            old=tuple(f"{step.name}={step.old}" for step in steps if step.old),
            options=options,
        )


def _bare(name: str) -> str:
    """The name without version and architecture."""
    return name.partition("=")[0].partition(":")[0]


def _is_there(installed: Mapping[str, str], wanted: str) -> bool:
    name, _, version = wanted.partition("=")
    return name in installed and version in ("", installed[name])


def refuse_others(host: Host) -> None:
    """Refuse a host whose packages apt does not manage."""
    found = os_release.distribution(host)
    if found.family != "Debian":
        manager = _MANAGERS.get(found.family, "its package manager")
        raise UnsupportedError(
            f"packages of '{found.name}' need {manager}, which dockyard cannot drive yet",
            hint="install them by hand, and skip this task with 'when: ansible_os_family == "
            '"Debian"\'',
        )
