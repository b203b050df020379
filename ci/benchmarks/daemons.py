"""Two daemons that speak Docker's API, each in a network of its own: ours and Docker's."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IMAGE = "bench:1"
_PATIENCE = 60.0
# Both stand where no rule and no bridge of the machine is; Docker's mounts are its own, too.
_APART = ("unshare", "-n", "-m", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")


class Api(http.client.HTTPConnection):
    """Docker's API on a Unix socket, without a client's start."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker")
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer, which must be a good one."""
        headers = {"Content-Type": "application/json"}
        self.request(method, f"/v1.41{path}", json.dumps(body) if body else None, headers)
        answer = self.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]!r}")
        return json.loads(data) if data.strip() else None


class Daemon:
    """One that runs: ``socket`` is where, ``pids`` are its processes but its containers'."""

    def __init__(self, path: Path, process: "subprocess.Popen[bytes]") -> None:
        self.socket = path
        self._process = process

    @property
    def client(self) -> list[str]:
        """The argv of the real client."""
        return ["docker", "-H", f"unix://{self.socket}"]

    def api(self) -> Api:
        """A connection."""
        return Api(self.socket)

    def memory(self) -> float:
        """MiB of the daemon and all its processes: what they share with others counts in part."""
        return sum(_proportional(pid) for pid in _tree(self._process.pid)) / (1 << 20)


@contextmanager
def ours(folder: Path) -> Iterator[Daemon]:
    """``dockyard engine serve``."""
    env = {
        **os.environ,
        "DOCKYARD_DATA_ROOT": str(folder / "data"),
        "DOCKYARD_ROOT": str(folder / "run"),
        "DOCKYARD_CGROUP_PARENT": "dockyard-bench",
        "DOCKYARD_NETWORK": "bridge",
        "DOCKYARD_BRIDGE": "bench0",
        "DOCKYARD_BRIDGE_ADDRESS": "10.211.0.1/20",
    }
    argv = [str(Path(sys.executable).with_name("dockyard")), "engine", "serve"]
    with _running([*_APART, *argv], folder / "run/engine.sock", folder / "ours.log", env) as found:
        yield found


@contextmanager
def dockerd(folder: Path) -> Iterator[Daemon]:
    """Debian's dockerd, with a containerd of its own."""
    folder.mkdir(exist_ok=True)
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    flags = [f"--{name}={folder / place}" for name, place in places.items()]
    flags += ["--storage-driver=overlay2", "--bip=10.210.0.1/20", "--oom-score-adjust=0"]
    flags += ["--cgroup-parent=/dockyard-bench-docker", f"--host=unix://{folder / 'sock'}"]
    argv = [*_APART, "/usr/sbin/dockerd", *flags]
    try:
        with _running(argv, folder / "sock", folder / "log", dict(os.environ)) as found:
            yield found
    finally:
        for left in Path("/sys/fs/cgroup").glob("*/dockyard-bench-docker"):
            left.rmdir()


@contextmanager
def _running(argv: Sequence[str], path: Path, log: Path, env: dict[str, str]) -> Iterator[Daemon]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=env, stdout=output, stderr=output)
    found = Daemon(path, process)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(found):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[-1]} does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield found
        containers = found.api().ask("GET", "/containers/json?all=1")
        for one in containers:
            found.api().ask("DELETE", f"/containers/{one['Id']}?force=1")
    finally:
        process.terminate()
        process.wait()


def _answers(daemon: Daemon) -> bool:
    try:
        daemon.api().ask("GET", "/info")
    except OSError:
        return False
    return True


def give_image(daemon: Daemon, root: Path) -> None:
    """The same image to each: a busybox."""
    tar = subprocess.run(["tar", "-C", root, "-cf", "-", "."], check=True, capture_output=True)
    argv = [*daemon.client, "import", "-", IMAGE]
    subprocess.run(argv, input=tar.stdout, check=True, capture_output=True)


def _tree(pid: int) -> list[int]:
    """A process and its children, without those that run containers."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, rest = [], [pid]
    while rest:
        one = rest.pop()
        found.append(one)
        rest += children.get(one, [])
    return found


def _proportional(pid: int) -> int:
    """Bytes in memory; pages of several processes are shared out (proc_pid_smaps(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
