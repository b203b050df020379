"""A machine in memory: implements ``toolkit.tasks.host.Host`` for tests of tasks and playbooks."""

import contextlib
import hashlib
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.core.errors import NotFoundError, ToolkitError, UnavailableError
from toolkit.core.process import Completed
from toolkit.core.record import replace
from toolkit.facts.machine import Stat
from toolkit.net.model import Link, Route
from toolkit.tasks.account_files import AccountFiles
from toolkit.tasks.host import Attributes, HttpRequest, HttpResponse, PackageStep, Unit

Programs = dict[tuple[str, ...], Completed]


def completed(argv: tuple[str, ...], stdout: str = "", status: int = 0) -> Completed:
    return Completed(argv=argv, status=status, stdout=stdout, stderr="")


@dataclass
class Node:
    """One inode."""

    kind: str
    attributes: Attributes
    data: bytes = b""
    target: str = ""
    mtime: float = 0.0


class FakeFiles:
    """A tree in a dictionary; ``follow`` resolves links in every part of a path."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {"/": Node("directory", Attributes(mode=0o755))}

    def seed(self, path: str, data: bytes | str = b"", mode: int = 0o644) -> None:
        """Put a file there, with the directories above it."""
        self.seed_directory(posixpath.dirname(path))
        content = data.encode() if isinstance(data, str) else data
        self.nodes[path] = Node("file", Attributes(mode=mode), content)

    def seed_directory(self, path: str) -> None:
        while path not in self.nodes:
            self.nodes[path] = Node("directory", Attributes(mode=0o755))
            path = posixpath.dirname(path)

    def snapshot(self) -> dict[str, tuple[str, Attributes, bytes, str]]:
        return {
            path: (node.kind, node.attributes, node.data, node.target)
            for path, node in self.nodes.items()
        }

    def resolve(self, path: str, *, follow: bool) -> str:
        parts = [part for part in path.split("/") if part]
        done, hops = "/", 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                done = posixpath.dirname(done)
                continue
            here = posixpath.join(done, part)
            node = self.nodes.get(here)
            if node and node.kind == "link" and (parts or follow):
                hops += 1
                if hops > 40:
                    raise OSError(40, "Too many levels of symbolic links", path)
                parts = [*(p for p in node.target.split("/") if p), *parts]
                done = "/" if node.target.startswith("/") else done
            else:
                done = here
        return done

    def _node(self, path: str, *, follow: bool = True) -> Node:
        found = self.nodes.get(self.resolve(path, follow=follow))
        if found is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return found

    def read(self, path: str) -> bytes:
        node = self._node(path)
        if node.kind == "directory":
            raise IsADirectoryError(21, "Is a directory", path)
        return node.data

    def stat(self, path: str, *, follow: bool = True) -> Stat | None:
        try:
            node = self.nodes.get(self.resolve(path, follow=follow))
        except OSError:
            return None
        if node is None:
            return None
        return Stat(
            kind=node.kind,
            mode=node.attributes.mode,
            uid=node.attributes.uid,
            gid=node.attributes.gid,
            links=sum(other is node for other in self.nodes.values()),
            size=4096 if node.kind == "directory" else len(node.data) + len(node.target),
            mtime=node.mtime,
            inode=(1, id(node)),
        )

    def listdir(self, path: str) -> tuple[str, ...]:
        if self._node(path).kind != "directory":
            raise NotADirectoryError(20, "Not a directory", path)
        where = self.resolve(path, follow=True)
        return tuple(
            sorted(
                posixpath.basename(other)
                for other in self.nodes
                if other != "/" and posixpath.dirname(other) == where
            )
        )

    def readlink(self, path: str) -> str:
        node = self._node(path, follow=False)
        if node.kind != "link":
            raise OSError(22, "Invalid argument", path)
        return node.target

    def space(self, path: str) -> tuple[int, int] | None:
        return (1 << 30, 1 << 29) if self.stat(path) else None

    def _put(self, path: str, node: Node) -> None:
        where = self.resolve(path, follow=False)
        parent = self.nodes.get(posixpath.dirname(where))
        if parent is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        if parent.kind != "directory":
            raise NotADirectoryError(20, "Not a directory", path)
        there = self.nodes.get(where)
        if there and there.kind == "directory":
            raise IsADirectoryError(21, "Is a directory", path)
        self.nodes[where] = node

    def write(self, path: str, data: bytes, attributes: Attributes) -> None:
        self._put(path, Node("file", attributes, data))

    def mkdir(self, path: str, attributes: Attributes) -> None:
        if self.stat(path, follow=False):
            raise FileExistsError(17, "File exists", path)
        self._put(path, Node("directory", attributes))

    def symlink(self, path: str, target: str) -> None:
        self._put(path, Node("link", Attributes(mode=0o777), target=target))

    def link(self, path: str, target: str) -> None:
        self._put(path, self._node(target))

    def remove(self, path: str) -> None:
        where = self.resolve(path, follow=False)
        if self._node(path, follow=False).kind == "directory" and self.listdir(path):
            raise OSError(39, "Directory not empty", path)
        del self.nodes[where]

    def set_attributes(self, path: str, attributes: Attributes) -> None:
        self._node(path, follow=False).attributes = attributes

    def set_times(self, path: str, *, mtime: float, atime: float) -> None:
        del atime
        self._node(path, follow=False).mtime = mtime


class FakeNetwork:
    """Links in a dictionary."""

    def __init__(self, files: FakeFiles) -> None:
        self.files = files
        lo = Link(name="lo", index=1, up=True, mtu=65536, addresses=("127.0.0.1/8",))
        self.by_name: dict[str, Link] = {"lo": lo}
        self.table: tuple[Route, ...] = ()

    def links(self) -> tuple[Link, ...]:
        return tuple(self.by_name.values())

    def routes(self) -> tuple[Route, ...]:
        return self.table

    def _edit(self, name: str, **changes: object) -> None:
        if name not in self.by_name:
            raise NotFoundError(f"there is no link '{name}'")
        self.by_name[name] = replace(self.by_name[name], **changes)

    def create_bridge(self, name: str) -> None:
        if name in self.by_name:
            raise ToolkitError(f"link '{name}' exists")
        self.by_name[name] = Link(name=name, index=len(self.by_name) + 1, kind="bridge")
        default = "/proc/sys/net/ipv6/conf/default/accept_ra"
        if self.files.stat(default):
            self.files.seed(default.replace("default", name), self.files.read(default))

    def delete_link(self, name: str) -> None:
        self._edit(name)
        del self.by_name[name]
        parameters = f"/proc/sys/net/ipv6/conf/{name}"
        for path in (f"{parameters}/accept_ra", parameters):
            self.files.nodes.pop(path, None)

    def add_address(self, name: str, address: str) -> None:
        self._edit(name)
        self._edit(name, addresses=(*self.by_name[name].addresses, address))

    def remove_address(self, name: str, address: str) -> None:
        self._edit(name)
        kept = tuple(a for a in self.by_name[name].addresses if a != address)
        self._edit(name, addresses=kept)

    def set_up(self, name: str) -> None:
        self._edit(name, up=True)

    def set_down(self, name: str) -> None:
        self._edit(name, up=False)

    def set_mtu(self, name: str, mtu: int) -> None:
        self._edit(name, mtu=mtu)

    def set_stp(self, name: str, *, on: bool) -> None:
        self._edit(name, stp=on)


class FakeKernel:
    """Parameters and modules, shown under ``/proc`` and ``/sys`` of the fake files."""

    def __init__(self, files: FakeFiles) -> None:
        self.files = files

    def seed_sysctl(self, name: str, value: str) -> None:
        self.files.seed(f"/proc/sys/{name.replace('.', '/')}", f"{value}\n")

    def set_sysctl(self, name: str, value: str) -> None:
        path = name if "/" in name else name.replace(".", "/")
        if self.files.stat(f"/proc/sys/{path}") is None:
            raise NotFoundError(f"there is no kernel parameter '{name}'")
        self.files.seed(f"/proc/sys/{path}", f"{value}\n")

    def load_module(self, name: str, params: str) -> None:
        del params
        self.files.seed(f"/sys/module/{name.replace('-', '_')}/initstate", "live\n")

    def unload_module(self, name: str) -> None:
        self.files.remove(f"/sys/module/{name.replace('-', '_')}/initstate")
        self.files.remove(f"/sys/module/{name.replace('-', '_')}")


@dataclass
class FakePackages:
    """What is installed, and what could be."""

    versions: dict[str, str] = field(default_factory=dict)
    available: dict[str, str] = field(default_factory=dict)
    age: float = 0.0
    updates: int = 0
    depends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needed_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unneeded: tuple[str, ...] = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def installed(self) -> Mapping[str, str]:
        return dict(self.versions)

    def rehearse(
        self, verb: str, names: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[PackageStep, ...]:
        self.asked.append(options)
        if verb == "autoremove":
            return tuple(PackageStep(name=name, old=self.versions[name]) for name in self.unneeded)
        if verb.endswith("upgrade"):
            return tuple(
                PackageStep(name=name, old=old, new=self.available[name])
                for name, old in self.versions.items()
                if self.available.get(name, old) != old
            )
        steps = []
        for wanted in names:
            name, _, version = wanted.partition("=")
            old, new = self.versions.get(name, ""), version or self.available.get(name, "")
            if verb == "install" and not new:
                raise NotFoundError(f"there is no package '{name}'")
            if verb == "install" and old != new:
                steps += [PackageStep(name=dep, new="1") for dep in self.depends.get(name, ())]
                steps.append(PackageStep(name=name, old=old, new=new))
            elif verb != "install" and old:
                steps.append(PackageStep(name=name, old=old))
                for other in self.needed_by.get(name, ()):
                    steps.append(PackageStep(name=other, old=self.versions[other]))
        return tuple(steps)

    def index_age(self) -> float:
        return self.age

    def update(self) -> None:
        self.updates += 1
        self.age = 0.0

    def upgrade(self, verb: str) -> None:
        del verb
        self.versions |= {step.name: step.new for step in self.rehearse("upgrade", ())}

    def autoremove(self, *, purge: bool = False) -> None:
        del purge
        for name in self.unneeded:
            self.versions.pop(name, None)
        self.unneeded = ()

    def install(self, names: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        self.asked.append(options)
        for wanted in names:
            name, _, version = wanted.partition("=")
            if name not in self.available:
                raise NotFoundError(f"there is no package '{name}'")
            self.versions[name] = version or self.available[name]
            self.versions |= dict.fromkeys(self.depends.get(name, ()), "1")

    def remove(self, names: tuple[str, ...], *, purge: bool = False) -> None:
        del purge
        for name in names:
            self.versions.pop(name, None)


class FakeServices:
    """Units in a dictionary, and what was asked of them."""

    def __init__(self) -> None:
        self.manager = True
        self.units: dict[str, Unit] = {}
        self.asked: list[tuple[str, str]] = []

    def seed(self, name: str, *, enabled: str = "disabled", active: str = "inactive") -> None:
        self.units[name] = Unit(name=name, enabled=enabled, active=active)

    def running(self) -> bool:
        return self.manager

    def unit(self, name: str) -> Unit:
        return self.units.get(name) or Unit(name=name, exists=False, enabled="")

    def _set(self, verb: str, name: str, **changes: object) -> None:
        if name not in self.units:
            raise NotFoundError(f"there is no unit '{name}'")
        self.asked.append((verb, name))
        self.units[name] = replace(self.units[name], **changes)

    def enable(self, name: str) -> None:
        self._set("enable", name, enabled="enabled")

    def disable(self, name: str) -> None:
        self._set("disable", name, enabled="disabled")

    def mask(self, name: str) -> None:
        self._set("mask", name, enabled="masked")

    def unmask(self, name: str) -> None:
        self._set("unmask", name, enabled="disabled")

    def start(self, name: str) -> None:
        self._set("start", name, active="active")

    def stop(self, name: str) -> None:
        self._set("stop", name, active="inactive")

    def restart(self, name: str) -> None:
        self._set("restart", name, active="active")

    def reload(self, name: str) -> None:
        self._set("reload", name)

    def daemon_reload(self) -> None:
        self.asked.append(("daemon_reload", ""))


class FakeHost:
    """A Debian host with systemd, nearly empty; tests put in what they need."""

    planned = False

    def __init__(self) -> None:
        self.files = FakeFiles()
        self.net = FakeNetwork(self.files)
        self.kernel = FakeKernel(self.files)
        self.packages = FakePackages()
        self.services = FakeServices()
        self.accounts = AccountFiles(self)
        self.programs: Programs = {}
        self.web: dict[tuple[str, str], HttpResponse] = {}
        self.effects: list[Callable[[tuple[str, ...]], None]] = []
        self.mounted: list[tuple[str, ...]] = []
        self.requests: list[HttpRequest] = []
        self.executed: list[tuple[str, ...]] = []
        self.artifacts: dict[str, bytes] = {}
        self.acted: list[tuple[str, dict[str, str]]] = []
        for path in ("/etc", "/tmp", "/root", "/srv", "/proc", "/sys/module", "/var/lib"):
            self.files.seed_directory(path)
        self.files.seed("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nweb:x:33:33::/:/bin/sh\n")
        self.files.seed("/etc/group", "root:x:0:\nweb:x:33:\n")
        self.files.seed("/etc/os-release", 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n')

    def run(self, argv: tuple[str, ...], *, timeout: float | None = 30) -> Completed:
        del timeout
        return self.programs.get(argv) or completed(argv, status=127)

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "",
        timeout: float | None = None,
    ) -> Completed | None:
        del stdin, env, cwd, timeout
        if argv[0] in ("mount", "umount") and argv not in self.programs:
            self.mounted.append(argv)
            self._mount(argv)
            return completed(argv)
        self.executed.append(argv)
        for effect in self.effects:
            effect(argv)
        return self.programs.get(argv) or completed(argv)

    def _mount(self, argv: tuple[str, ...]) -> None:
        """What mount(8) and umount(8) do to the kernel's table."""
        lines = self.files.read("/proc/self/mounts").decode().splitlines()
        if argv[0] == "umount":
            lines = [line for line in lines if line.split()[1] != argv[-1]]
        elif "-t" in argv:
            lines.append(f"{argv[-2]} {argv[-1]} {argv[2]} {argv[4]} 0 0")
        self.files.seed("/proc/self/mounts", "".join(f"{line}\n" for line in lines))

    def request(self, request: HttpRequest, *, acts: bool = False) -> HttpResponse | None:
        if acts:
            self.executed.append((request.method, request.url))
        self.requests.append(request)
        found = self.web.get((request.method, request.url))
        if found is None:
            raise UnavailableError(f"'{request.url}' does not answer")
        return found

    def judge(self, argv: tuple[str, ...], data: bytes) -> Completed:
        shown = data.decode(errors="replace")
        return self.run(tuple(word.replace("%s", shown) for word in argv))

    def artifact(self, digest: str) -> bytes:
        return self.artifacts[digest]

    def keep_artifact(self, content: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self.artifacts[digest] = content
        return digest

    @contextlib.contextmanager
    def acting(self, *, user: str, environment: Mapping[str, str]) -> Iterator[None]:
        self.acted.append((user, dict(environment)))
        yield

    def may_appear(self, path: str) -> bool:
        del path
        return False

    def state(self) -> tuple[object, ...]:
        """Everything that a task could have changed, for comparison."""
        return (
            self.files.snapshot(),
            dict(self.net.by_name),
            dict(self.packages.versions),
            dict(self.services.units),
            tuple(self.services.asked),
            tuple(self.executed),
        )
