"""A host as it would be: check mode applies changes to this one, and so it is exact.

A planned directory, bridge, parameter, package or unit is seen by every later task. What cannot
be foreseen is what programs and packages do: after one of those is planned, ``may_appear`` lets
later tasks take for granted what they would otherwise miss.
"""

import ipaddress
from collections.abc import Mapping
from contextlib import AbstractContextManager

from toolkit.core.errors import ConflictError, NotFoundError
from toolkit.core.process import Completed
from toolkit.core.record import replace
from toolkit.facts.kernel import MODULES, sysctl_path
from toolkit.net.model import Link, Route
from toolkit.tasks.account_files import AccountFiles
from toolkit.tasks.host import (
    Attributes,
    Host,
    HttpRequest,
    HttpResponse,
    Packages,
    PackageStep,
    Services,
    Unit,
)
from toolkit.tasks.planned_files import PlannedFiles

_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")


class PlannedHost:
    """``tasks.host.Host`` over another one, which it never changes."""

    planned = True

    def __init__(self, below: Host) -> None:
        self._below = below
        self.files = PlannedFiles(below.files, self.may_appear)
        self.net = PlannedNetwork(below, self.files)
        self.kernel = PlannedKernel(self.files)
        self.packages = PlannedPackages(below.packages)
        self.services = PlannedServices(below.services, self.files, self.packages)
        self.accounts = AccountFiles(self)
        self.commands: list[tuple[str, ...]] = []

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        """Run a program that changes nothing, on the host below."""
        return self._below.run(argv, timeout=timeout)

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> Completed | None:
        """Remember that it would have run."""
        del stdin, env, cwd, timeout
        self.commands.append(argv)
        return None

    def request(self, request: HttpRequest, *, acts: bool = False) -> HttpResponse | None:
        """Ask what only reads; never send what may act."""
        return None if acts else self._below.request(request)

    def judge(self, argv: tuple[str, ...], data: bytes) -> Completed:
        """Run a program that only judges, on the host below."""
        return self._below.judge(argv, data)

    def artifact(self, digest: str) -> bytes:
        """The content of a file that came with the play."""
        return self._below.artifact(digest)

    def keep_artifact(self, content: bytes) -> str:
        """Keep content that came in the middle of a play; its digest."""
        return self._below.keep_artifact(content)

    def acting(self, *, user: str, environment: Mapping[str, str]) -> AbstractContextManager[None]:
        """Act as this user on the host below, which is only read."""
        return self._below.acting(user=user, environment=environment)

    def may_appear(self, path: str) -> bool:
        """Could a planned package, module or command make it?"""
        if path.startswith("/proc/"):
            return self.kernel.loaded
        return bool(self.commands) or self.packages.touched or self._below.may_appear(path)


class PlannedKernel:
    """Parameters and modules as planned files below ``/proc/sys`` and ``/sys/module``."""

    def __init__(self, files: PlannedFiles) -> None:
        self._files = files
        self.loaded = False

    def set_sysctl(self, name: str, value: str) -> None:
        """Plan one parameter."""
        path = f"/proc/sys/{sysctl_path(name)}"
        self._files.write(path, f"{value}\n".encode(), Attributes(mode=0o644))

    def load_module(self, name: str, params: str) -> None:
        """Plan that a module is loaded."""
        del params
        self.loaded = True
        folder = f"{MODULES}/{name.replace('-', '_')}"
        if self._files.stat(folder) is None:
            self._files.mkdir(folder, Attributes(mode=0o755))
        self._files.write(f"{folder}/initstate", b"live\n", Attributes(mode=0o444))

    def unload_module(self, name: str) -> None:
        """Plan that it is not."""
        self._drop(f"{MODULES}/{name.replace('-', '_')}")

    def _drop(self, path: str) -> None:
        found = self._files.stat(path, follow=False)
        if found and found.kind == "directory":
            for name in self._files.listdir(path):
                self._drop(f"{path}/{name}")
        self._files.remove(path)


class PlannedNetwork:
    """Links as they would be; read from the host below when they are first needed."""

    def __init__(self, below: Host, files: PlannedFiles) -> None:
        self._below = below
        self._files = files
        self._links: dict[str, Link] | None = None

    def links(self) -> tuple[Link, ...]:
        """Every link."""
        return tuple(self._held().values())

    def routes(self) -> tuple[Route, ...]:
        """The routes below, and the subnets of planned addresses."""
        links = self._held()
        kept = [route for route in self._below.net.routes() if route.link in links]
        known = {(route.link, route.to) for route in kept}
        for link in links.values():
            for address in link.addresses if link.up else ():
                to = str(ipaddress.ip_interface(address).network)
                if (link.name, to) not in known:
                    kept.append(Route(to=to, link=link.name))
        return tuple(kept)

    def create_bridge(self, name: str) -> None:
        """Plan a bridge."""
        links = self._held()
        if name in links:
            raise ConflictError(f"link '{name}' exists")
        index = max((link.index for link in links.values()), default=0) + 1
        links[name] = Link(name=name, index=index, kind="bridge")
        self._parameters(name)

    def _parameters(self, name: str) -> None:
        """The kernel gives every new link parameters of its own, from those of ``default``."""
        for family in ("ipv4", "ipv6"):
            default = f"/proc/sys/net/{family}/conf/default"
            if self._files.stat(default):
                own = f"/proc/sys/net/{family}/conf/{name}"
                self._files.mkdir(own, Attributes(mode=0o555))
                for parameter in self._files.listdir(default):
                    self._files.mirror(f"{own}/{parameter}", f"{default}/{parameter}")

    def delete_link(self, name: str) -> None:
        """Plan that it is not there."""
        del self._held()[self._link(name).name]

    def add_address(self, name: str, address: str) -> None:
        """Plan one more address."""
        link = self._link(name)
        self._put(replace(link, addresses=(*link.addresses, address)))

    def remove_address(self, name: str, address: str) -> None:
        """Plan one less."""
        link = self._link(name)
        self._put(replace(link, addresses=tuple(a for a in link.addresses if a != address)))

    def set_up(self, name: str) -> None:
        """Plan that it is up."""
        self._put(replace(self._link(name), up=True))

    def set_down(self, name: str) -> None:
        """Plan that it is down."""
        self._put(replace(self._link(name), up=False))

    def set_mtu(self, name: str, mtu: int) -> None:
        """Plan its largest packet."""
        self._put(replace(self._link(name), mtu=mtu))

    def set_stp(self, name: str, *, on: bool) -> None:
        """Plan its spanning tree protocol."""
        self._put(replace(self._link(name), stp=on))

    def _held(self) -> dict[str, Link]:
        if self._links is None:
            self._links = {link.name: link for link in self._below.net.links()}
        return self._links

    def _link(self, name: str) -> Link:
        found = self._held().get(name)
        if found is None:
            raise NotFoundError(f"there is no link '{name}'")
        return found

    def _put(self, link: Link) -> None:
        self._held()[link.name] = link


class PlannedPackages:
    """Packages as they would be."""

    def __init__(self, below: Packages) -> None:
        self._below = below
        self._planned: dict[str, str] = {}  # version by name, "" for a removed one
        self._updated = False
        self._foreseen: tuple[PackageStep, ...] = ()

    @property
    def touched(self) -> bool:
        """Is anything planned that could bring files?"""
        return self._updated or any(self._planned.values())

    def coming(self, name: str) -> bool:
        """Is this very package to be installed?"""
        return bool(self._planned.get(name))

    def installed(self) -> Mapping[str, str]:
        """Version by name of every package that would be installed."""
        merged = {**self._below.installed(), **self._planned}
        return {name: version for name, version in merged.items() if version}

    def rehearse(
        self, verb: str, names: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[PackageStep, ...]:
        """What the host below foresees, less what is planned already."""
        if not names:
            below = self._below.rehearse(verb, (), options)
            self._foreseen = tuple(step for step in below if self._is_new(step))
            return self._foreseen
        bare = {name: name.partition("=")[0] for name in names}
        asked = tuple(name for name in names if bare[name] not in self._planned)
        steps = list(self._below.rehearse(verb, asked, options) if asked else ())
        real = self._below.installed()
        for name in bare.values():
            if name in self._planned:
                now = self._planned[name]
                new = (now or real.get(name, "unknown")) if verb == "install" else ""
                steps.append(PackageStep(name=name, old=now, new=new))
        self._foreseen = tuple(step for step in steps if self._is_new(step))
        return self._foreseen

    def index_age(self) -> float:
        """Nothing after a planned update."""
        return 0.0 if self._updated else self._below.index_age()

    def update(self) -> None:
        """Plan to fetch the package lists."""
        self._updated = True

    def upgrade(self, verb: str) -> None:
        """Plan what the last rehearsal said."""
        del verb
        self._planned.update({step.name: step.new for step in self._foreseen})

    def autoremove(self, *, purge: bool = False) -> None:
        """Plan what the last rehearsal said."""
        del purge
        self._planned.update({step.name: step.new for step in self._foreseen})

    def _is_new(self, step: PackageStep) -> bool:
        return self.installed().get(step.name, "") != step.new

    def install(self, names: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        """Plan packages, and what the last rehearsal said would come along."""
        del options
        self._planned.update({step.name: step.new for step in self._foreseen})
        for wanted in names:
            name, _, version = wanted.partition("=")
            self._planned[name] = version or self._planned.get(name) or "unknown"

    def remove(self, names: tuple[str, ...], *, purge: bool = False) -> None:
        """Plan to remove packages."""
        del purge
        self._planned.update({step.name: step.new for step in self._foreseen})
        self._planned.update(dict.fromkeys(names, ""))


class PlannedServices:
    """Units as they would be; a planned unit file or package makes one known."""

    def __init__(self, below: Services, files: PlannedFiles, packages: PlannedPackages) -> None:
        self._below = below
        self._files = files
        self._packages = packages
        self._units: dict[str, Unit] = {}

    def running(self) -> bool:
        """Is systemd the manager of the host below?"""
        return self._below.running()

    def unit(self, name: str) -> Unit:
        """What would be known about a unit."""
        if name in self._units:
            return self._units[name]
        found = self._below.unit(name)
        return found if found.exists else self._foreseen(found)

    def _foreseen(self, unit: Unit) -> Unit:
        active = "inactive" if self.running() else ""
        for folder in _UNIT_FOLDERS:
            path = f"{folder}/{unit.name}"
            if self._files.stat(path):
                content = self._files.read(path)
                enabled = "disabled" if b"[Install]" in content else "static"
                return replace(unit, exists=True, enabled=enabled, active=active)
        if self._packages.coming(unit.name.removesuffix(".service")):
            # Debian's packages enable and start what they bring.
            active = "active" if self.running() else ""
            return replace(unit, exists=True, enabled="enabled", active=active)
        return unit

    def enable(self, name: str) -> None:
        """Plan to start it at boot."""
        self._set(name, enabled="enabled")

    def disable(self, name: str) -> None:
        """Plan not to."""
        self._set(name, enabled="disabled")

    def mask(self, name: str) -> None:
        """Plan to mask it."""
        self._set(name, enabled="masked")

    def unmask(self, name: str) -> None:
        """Plan to unmask it."""
        self._set(name, enabled="disabled")

    def start(self, name: str) -> None:
        """Plan that it runs."""
        self._set(name, active="active")

    def stop(self, name: str) -> None:
        """Plan that it does not."""
        self._set(name, active="inactive")

    def restart(self, name: str) -> None:
        """Plan that it runs."""
        self._set(name, active="active")

    def reload(self, name: str) -> None:
        """Nothing that a later task could see."""

    def daemon_reload(self) -> None:
        """Nothing that a later task could see."""

    def _set(self, name: str, *, enabled: str = "", active: str = "") -> None:
        unit = self.unit(name)
        self._units[name] = replace(
            unit, exists=True, enabled=enabled or unit.enabled, active=active or unit.active
        )
