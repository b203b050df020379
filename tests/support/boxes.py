"""Containers for tests of the runtime: a busybox root, a launcher, pipes, and a look for leaks."""

import os
import select
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.core.record import as_dict, replace
from toolkit.engine.defaults import CAPABILITIES
from toolkit.oci.spec import Capabilities, Linux, Mount, Namespace, Process, Root, Spec
from toolkit.runtime.client import Launcher, Session
from toolkit.runtime.request import ExecRequest, Overlay, StartRequest

NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "cgroup")
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/acpi")
READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
APPLETS = [
    "sh",
    "true",
    "false",
    "ls",
    "cat",
    "id",
    "mount",
    "ps",
    "sleep",
    "env",
    "echo",
    "kill",
    "touch",
    "rm",
    "mkdir",
    "hostname",
    "stat",
    "stty",
    "dd",
    "readlink",
    "umask",
    "pwd",
    "head",
    "wc",
    "ln",
    "chmod",
    "tty",
    "trap",
    "yes",
    "grep",
]
SAFE = ("nosuid", "noexec", "nodev")
MOUNTS = (
    Mount(destination="/proc", type="proc", source="proc", options=SAFE),
    Mount(
        destination="/dev",
        type="tmpfs",
        source="tmpfs",
        options=("nosuid", "strictatime", "mode=755", "size=65536k"),
    ),
    Mount(
        destination="/dev/pts",
        type="devpts",
        source="devpts",
        options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    Mount(destination="/sys", type="sysfs", source="sysfs", options=(*SAFE, "ro")),
    Mount(destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=(*SAFE, "ro")),
    Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=SAFE),
    Mount(
        destination="/dev/shm",
        type="tmpfs",
        source="shm",
        options=(*SAFE, "mode=1777", "size=65536k"),
    ),
)
_REQUEST_FIELDS = [
    "id",
    "state_dir",
    "cgroup",
    "overlay",
    "log",
    "exit_file",
    "remove",
    "passthrough",
    "hold",
    "fault",
]
PYTHON_MOUNTS = (Mount(destination="/usr", source="/usr", options=("rbind", "ro")),)


def make_root(path: Path, busybox: str) -> Path:
    """A root file system of busybox, with the links that a bound ``/usr`` needs."""
    for name in ("bin", "proc", "sys", "dev", "tmp", "etc", "usr"):
        (path / name).mkdir(parents=True)
    shutil.copy(busybox, path / "bin/busybox")
    for name in APPLETS:
        (path / "bin" / name).symlink_to("busybox")
    for name in ("lib", "lib64"):
        (path / name).symlink_to(f"usr/{name}")
    (path / "tmp").chmod(0o1777)
    return path


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a process ended and what it said."""

    status: int
    out: str
    err: str


class Running:
    """A started process and the reading ends of its output."""

    def __init__(self, session: Session, out: int, err: int) -> None:
        self.session = session
        self.out = out
        self.err = err
        self.closed = False

    def started(self) -> int:
        """The pid in the host."""
        return self.session.started()

    def say(self, wanted: str, *, timeout: float = 60) -> str:
        """Read stdout until ``wanted`` comes."""
        seen, deadline = "", time.monotonic() + timeout
        while wanted not in seen:
            ready, _, _ = select.select([self.out], [], [], deadline - time.monotonic())
            assert ready, f"'{wanted}' did not come, only '{seen}'"
            data = os.read(self.out, 65536)
            assert data, f"the output ended with '{seen}'"
            seen += data.decode(errors="replace")
        return seen

    def finish(self) -> Result:
        """Read all, wait for the end, and leave."""
        try:
            said: dict[int, bytes] = {self.out: b"", self.err: b""}
            waiting = list(said)
            while waiting:
                for fd in select.select(waiting, [], [])[0]:
                    data = os.read(fd, 65536)
                    said[fd] += data
                    if not data:
                        waiting.remove(fd)
            status = self.session.wait()
        finally:
            self.close()
        out, err = (said[fd].decode(errors="replace") for fd in (self.out, self.err))
        return Result(status=status, out=out, err=err)

    def close(self) -> None:
        """Leave the process alone."""
        self.closed = True
        self.session.close()
        for fd in (self.out, self.err):
            os.close(fd)


class Boxes:
    """Starts containers that belong to one test, below ``home``, with cgroups below ``mark``."""

    def __init__(self, launcher: Launcher, root: Path, home: Path, mark: str) -> None:
        self.launcher = launcher
        self.root = root
        self.home = home
        self.mark = mark
        self._count = 0
        self._started: list[Running] = []

    def spec(self, args: Sequence[str], **changes: Any) -> Spec:
        """A specification as an engine would make it; ``changes`` go to process, linux or spec."""
        process = Process(
            args=tuple(args),
            cwd="/",
            env=("PATH=/bin:/usr/bin", "TERM=xterm"),
            capabilities=capabilities(CAPABILITIES),
        )
        linux = Linux(
            namespaces=tuple(Namespace(type=name) for name in NAMESPACES),
            masked_paths=MASKED,
            readonly_paths=READONLY,
        )
        mine = _taken(changes, as_dict(process))
        below = _taken(changes, as_dict(linux))
        changes["mounts"] = MOUNTS + tuple(changes.get("mounts", ()))
        values = {
            "root": Root(path=str(self.root)),
            "hostname": "box",
            "process": replace(process, **mine),
            "linux": replace(linux, **below),
        }
        return Spec(**{**values, **changes})

    def request(self, args: Sequence[str], **changes: Any) -> StartRequest:
        """A request whose traces all go when the container ends; ``changes`` as of ``spec``."""
        self._count += 1
        name = f"box{self._count}"
        folder = self.home / name
        for below in ("upper", "work"):
            (folder / below).mkdir(parents=True)
        state = str(self.home / f"{name}.state")
        values: dict[str, Any] = {
            "id": name,
            "state_dir": state,
            "cgroup": f"{self.mark}/{name}",
            "overlay": Overlay(
                lower=(str(changes.pop("lower", self.root)),),
                upper=str(folder / "upper"),
                work=str(folder / "work"),
            ),
            "remove": (str(folder), state),
        }
        values |= _taken(changes, _REQUEST_FIELDS)
        return StartRequest(**values, spec=self.spec(args, **changes))

    def start(
        self, args: Sequence[str] | StartRequest, *, stdin: int = -1, **changes: Any
    ) -> Running:
        """Start a container with pipes; its stdin is empty unless given."""
        request = args if isinstance(args, StartRequest) else self.request(args, **changes)
        return self._with_pipes(request, stdin)

    def run(self, args: Sequence[str] | StartRequest, **changes: Any) -> Result:
        """Start a container and wait for its end."""
        return self.start(args, **changes).finish()

    def exec(self, request: StartRequest, args: Sequence[str], **changes: Any) -> Running:
        """One more process in a running container; ``changes`` go to its ``Process``."""
        process = Process(args=tuple(args), cwd="/", env=("PATH=/bin:/usr/bin",))
        wanted = ExecRequest(
            id=request.id,
            state_dir=request.state_dir,
            passthrough=changes.pop("passthrough", False),
            process=replace(process, **changes),
        )
        return self._with_pipes(wanted, -1)

    def _with_pipes(self, request: StartRequest | ExecRequest, stdin: int) -> Running:
        null = os.open(os.devnull, os.O_RDONLY)
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        stdio = (null if stdin < 0 else stdin, out_write, err_write)
        if isinstance(request, StartRequest):
            session = self.launcher.start(request, stdio)
        else:
            session = self.launcher.exec(request, stdio)
        for fd in (null, out_write, err_write):
            os.close(fd)
        running = Running(session, out, err)
        self._started.append(running)
        return running

    def end(self) -> None:
        """Kill what a failed test left running."""
        for running in self._started:
            if not running.closed:
                running.session.signal(signal.SIGKILL)
                running.close()

    def leftovers(self, *, timeout: float = 60) -> list[str]:
        """What is still there once what is ending had time to end."""
        deadline = time.monotonic() + timeout
        while (left := self._look()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _look(self) -> list[str]:
        # os.walk passes over what others remove meanwhile; Path.rglob does not.
        walked = os.walk("/sys/fs/cgroup")
        left = [f"cgroup {path}" for path, _, _ in walked if self.mark in path]
        folders = [path for path in self.home.iterdir() if path.is_dir()]
        left += [f"directory {path}" for path in folders if path.name != ".filters"]  # a cache
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        left += [f"mount {line}" for line in lines if str(self.home) in line]
        return left + [f"process {pid}" for pid in session_of(self.launcher.pid)]


def _taken(changes: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {key: changes.pop(key) for key in fields if key in changes}


def capabilities(names: Sequence[str]) -> Capabilities:
    """The sets of a root process that has exactly these."""
    held = tuple(names)
    return Capabilities(bounding=held, effective=held, permitted=held)


def session_of(leader: int) -> list[int]:
    """The processes of a session without its leader and its nursery: the shims of a launcher."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != leader:
            try:
                name, _, rest = (entry / "stat").read_text().rpartition(")")
            except OSError:  # it has just ended
                continue
            fields = rest.split()
            nursery = name.endswith("(dockyard-nest")
            if int(fields[3]) == leader and fields[0] not in "ZX" and not nursery:
                found.append(int(entry.name))
    return found
