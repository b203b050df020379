"""The machine as a task and its changes see it; ``local.LocalHost`` is the real one.

Reading comes from ``facts.Machine``. What acts stands here, in steps so small that a planned
host can imitate each of them in memory: that is what makes check mode exact. Only a ``Change``
may call what acts.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from toolkit.core.process import Completed
from toolkit.core.record import record
from toolkit.facts.accounts import Aging, Group, User
from toolkit.facts.machine import Machine, ReadableFiles, ReadableNetwork


@dataclass(frozen=True, kw_only=True, slots=True)
class Attributes:
    """Permission bits and numeric owners of one path; by default whoever makes it, mostly root."""

    mode: int
    uid: int = field(default_factory=os.geteuid)
    gid: int = field(default_factory=os.getegid)


class Files(ReadableFiles, Protocol):
    """Files that can be changed; no call here follows a link at the end of ``path``."""

    def write(self, path: str, data: bytes, attributes: Attributes) -> None:
        """Make or replace a regular file: readers see the old content or the new."""

    def mkdir(self, path: str, attributes: Attributes) -> None:
        """Make one directory; its parent exists."""

    def symlink(self, path: str, target: str) -> None:
        """Make or replace a symbolic link."""

    def link(self, path: str, target: str) -> None:
        """Make or replace a hard link to the file ``target``."""

    def remove(self, path: str) -> None:
        """Remove a file, a link, or an empty directory."""

    def set_attributes(self, path: str, attributes: Attributes) -> None:
        """Set mode and owners; the mode of a link is left alone."""

    def set_times(self, path: str, *, mtime: float, atime: float) -> None:
        """Set both times, in seconds."""


class Network(ReadableNetwork, Protocol):
    """Links that can be changed; a missing link is ``NotFoundError``."""

    def create_bridge(self, name: str) -> None:
        """Make a bridge, down and without an address."""

    def delete_link(self, name: str) -> None:
        """Remove a link of any kind."""

    def add_address(self, name: str, address: str) -> None:
        """Add an address in CIDR notation."""

    def remove_address(self, name: str, address: str) -> None:
        """Remove an address in CIDR notation."""

    def set_up(self, name: str) -> None:
        """Bring a link up."""

    def set_down(self, name: str) -> None:
        """Take a link down."""

    def set_mtu(self, name: str, mtu: int) -> None:
        """Set the largest packet, in bytes."""

    def set_stp(self, name: str, *, on: bool) -> None:
        """Turn a bridge's spanning tree protocol on or off."""


class Kernel(Protocol):
    """Parameters and modules; both are read through ``files``."""

    def set_sysctl(self, name: str, value: str) -> None:
        """Write one parameter, named with dots or slashes."""

    def load_module(self, name: str, params: str) -> None:
        """Load a module with what it needs."""

    def unload_module(self, name: str) -> None:
        """Remove a module that nothing uses."""


@record
class PackageStep:
    """One package that an installation or removal would touch; ``old`` or ``new`` may be empty."""

    name: str
    old: str = ""
    new: str = ""


class Packages(Protocol):
    """The distribution's package manager."""

    def installed(self) -> Mapping[str, str]:
        """Version by name of every installed package."""

    def rehearse(
        self, verb: str, names: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[PackageStep, ...]:
        """What ``install`` or ``remove`` of these names would do, dependencies included.

        ``upgrade``, ``dist-upgrade`` and ``autoremove`` take no names; ``options`` are apt-get's.
        ``NotFoundError`` for a package that the lists do not have.
        """

    def index_age(self) -> float:
        """Seconds since the package lists were fetched; infinite if they never were."""

    def update(self) -> None:
        """Fetch the package lists."""

    def install(self, names: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        """Install packages, or bring them to their candidate version (``name=version`` works)."""

    def upgrade(self, verb: str) -> None:
        """``upgrade`` or ``dist-upgrade`` everything."""

    def autoremove(self, *, purge: bool = False) -> None:
        """Remove what was installed for others that are gone."""

    def remove(self, names: tuple[str, ...], *, purge: bool = False) -> None:
        """Remove packages, with their configuration if ``purge``."""


@record
class Unit:
    """One unit of the service manager.

    ``enabled`` and ``active`` hold systemd's words (``enabled``, ``disabled``, ``static``,
    ``masked``; ``active``, ``inactive``, ``failed``); ``active`` is ``""`` where no manager runs.
    """

    name: str
    exists: bool = True
    enabled: str = "disabled"
    active: str = ""


class Services(Protocol):
    """The service manager; ``unit`` is a full name such as ``cron.service``."""

    def running(self) -> bool:
        """Is systemd the manager of this running system?"""

    def unit(self, name: str) -> Unit:
        """What is known about a unit."""

    def enable(self, name: str) -> None:
        """Start it at boot."""

    def disable(self, name: str) -> None:
        """Do not start it at boot."""

    def mask(self, name: str) -> None:
        """Make it impossible to start."""

    def unmask(self, name: str) -> None:
        """Undo ``mask``."""

    def start(self, name: str) -> None:
        """Start it now."""

    def stop(self, name: str) -> None:
        """Stop it now."""

    def restart(self, name: str) -> None:
        """Stop and start it."""

    def reload(self, name: str) -> None:
        """Have it read its configuration again."""

    def daemon_reload(self) -> None:
        """Have the manager read its unit files again."""


@record
class NewHome:
    """Is a home directory made for a new user, from which skeleton, with which umask?"""

    create: bool = True
    skeleton: str = ""
    umask: str = ""


class Accounts(Protocol):
    """Users and groups that can be changed; they are read through ``files``."""

    def add_group(self, group: Group, *, system: bool, non_unique: bool = False) -> None:
        """Add a group with its members."""

    def change_group(self, old: Group, new: Group) -> None:
        """Give a group another number."""

    def remove_group(self, name: str) -> None:
        """Remove a group."""

    def add_user(self, user: User, *, system: bool, non_unique: bool, home: NewHome) -> None:
        """Add a user, and a group of the same name where ``user.group`` is empty."""

    def change_user(self, old: User, new: User, *, move_home: bool, non_unique: bool) -> None:
        """Give a user what differs."""

    def remove_user(self, name: str, *, remove: bool, force: bool) -> None:
        """Remove a user, the home and mail with it if ``remove``."""

    def set_password(self, name: str, password: str) -> None:
        """Set the hash of a password."""

    def set_aging(self, name: str, aging: Aging) -> None:
        """Set when the password must change and the account ends."""


@record
class HttpRequest:
    """One request; ``redirects`` is ``all``, ``safe`` (of GET and HEAD) or ``none``.

    ``timeout`` is in seconds, ``ca_path`` a file of certificates to trust, by default the host's.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout: float = 10.0
    verify: bool = True
    ca_path: str = ""
    redirects: str = "all"
    use_proxy: bool = True


@record
class HttpResponse:
    """An answer of any status; names of ``headers`` are in small letters, ``url`` is the last."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    url: str = ""


class Host(Machine, Protocol):
    """A machine that a change can be applied to."""

    @property
    def files(self) -> Files:
        """The root file system."""

    @property
    def net(self) -> Network:
        """Links and routes."""

    @property
    def kernel(self) -> Kernel:
        """Parameters and modules."""

    @property
    def packages(self) -> Packages:
        """The package manager."""

    @property
    def services(self) -> Services:
        """The service manager."""

    @property
    def planned(self) -> bool:
        """Is it a host as it would be, as in check mode?"""

    @property
    def accounts(self) -> Accounts:
        """Users and groups."""

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> Completed | None:
        """Run a program that acts; ``None`` on a planned host, where it did not run."""

    def request(self, request: HttpRequest, *, acts: bool = False) -> HttpResponse | None:
        """Ask a web server; one that ``acts`` is ``None`` on a planned host.

        ``UnavailableError`` where nobody answers.
        """

    def judge(self, argv: tuple[str, ...], data: bytes) -> Completed:
        """Run a program that only judges: ``%s`` in it stands for a passing file of ``data``."""

    def artifact(self, digest: str) -> bytes:
        """The content of a file that came with the play, by its ``sha256:…`` digest."""

    def keep_artifact(self, content: bytes) -> str:
        """Keep content that came in the middle of a play; its digest."""

    def acting(self, *, user: str, environment: Mapping[str, str]) -> AbstractContextManager[None]:
        """Act as this user (empty: as the agent does); programs see the variables too."""

    def may_appear(self, path: str) -> bool:
        """Could a planned package or command make ``path``? Always false on a real host."""
