"""containerd and its shim, with ``dockyard-oci`` in runc's place."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from toolkit.engine.defaults import CAPABILITIES

pytestmark = pytest.mark.root

NS = {"network": "net", "ipc": "ipc"}

# Everything of its own, and nothing that looks for a network or for Kubernetes.
CONFIG = """\
version = 2
root = "{home}/root"
state = "{home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{home}/sock"
"""


class Containerd:
    """``ctr``, speaking to a daemon of the test's own."""

    def __init__(self, argv: tuple[str, ...], program: str, root: Path, home: str) -> None:
        self.argv = argv
        self.home = home
        self.run = ("run", "--rootfs", "--runc-binary", program)
        self.root = str(root)

    def call(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*self.argv, *argv), check=False, capture_output=True, text=True, timeout=60
        )

    def must(self, *argv: str) -> str:
        done = self.call(*argv)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self) -> None:
        """Remove what a test that failed has left."""
        for name in self.call("containers", "list", "--quiet").stdout.split():
            self.call("tasks", "kill", "--signal", "KILL", name)
            self.call("tasks", "delete", "--force", name)
            self.call("containers", "delete", name)

    def pid(self) -> int:
        """The pid of the one task that there is."""
        return int(self.must("tasks", "list").splitlines()[1].split()[1])

    def wait_for(self, word: str) -> None:
        deadline = time.monotonic() + 60
        while word not in self.must("tasks", "list"):
            assert time.monotonic() < deadline, self.must("tasks", "list")
            time.sleep(0.05)


@pytest.fixture
def ctr(program: str, busybox_root: Path, require: Callable[[str], str]) -> Iterator[Containerd]:
    require("containerd-shim-runc-v2")
    with tempfile.TemporaryDirectory(prefix="dy-", dir="/var/tmp") as home:  # its sockets are short
        Path(home, "config.toml").write_text(CONFIG.format(home=home))
        argv = (require("containerd"), "--config", f"{home}/config.toml")
        with Path(home, "log").open("w") as log, subprocess.Popen(argv, stderr=log) as daemon:
            line = (require("ctr"), "--address", f"{home}/sock")
            made = Containerd(line, program, busybox_root, home)
            deadline = time.monotonic() + 60
            while made.call("version").returncode:
                assert time.monotonic() < deadline, Path(home, "log").read_text()
                time.sleep(0.1)
            yield made
            made.end()
            daemon.terminate()


def test_run_has_output_and_a_status(ctr: Containerd) -> None:
    done = ctr.call(*ctr.run, "--rm", ctr.root, "dy-one", "/bin/sh", "-c", "echo hi; exit 3")
    assert (done.returncode, done.stdout) == (3, "hi\n")
    assert "dy-one" not in ctr.must("containers", "list")


def test_a_life_in_the_background(ctr: Containerd) -> None:
    ctr.must(*ctr.run, "--detach", "--null-io", ctr.root, "dy-two", "/bin/sleep", "600")
    ctr.wait_for("RUNNING")
    argv = ("tasks", "exec", "--exec-id", "more", "dy-two", "/bin/sh", "-c", "echo in; exit 4")
    done = ctr.call(*argv)
    assert (done.returncode, done.stdout) == (4, "in\n")
    ctr.must("tasks", "pause", "dy-two")
    ctr.wait_for("PAUSED")
    ctr.must("tasks", "resume", "dy-two")
    ctr.wait_for("RUNNING")
    assert len(ctr.must("tasks", "ps", "dy-two").splitlines()) == 2
    ctr.must("tasks", "kill", "--signal", "KILL", "dy-two")
    ctr.wait_for("STOPPED")
    ctr.call("tasks", "delete", "dy-two")  # tells of the status 137 by failing
    ctr.must("containers", "delete", "dy-two")


def test_what_cannot_run_is_told(ctr: Containerd) -> None:
    done = ctr.call(*ctr.run, "--rm", ctr.root, "dy-three", "nonsense")
    assert done.returncode != 0
    assert "executable file not found in $PATH: 'nonsense'" in done.stderr


def test_limits_and_protection(ctr: Containerd) -> None:
    script = (
        "grep CapEff /proc/self/status; touch /x || echo read-only; id -u; echo $A; pwd;"
        "cat /out/seen; sleep 600"
    )
    shared = Path(ctr.home, "shared")
    shared.mkdir()
    (shared / "seen").write_text("seen\n")
    every = [flag for name in CAPABILITIES for flag in ("--cap-drop", name)]
    flags = (
        *("--memory-limit", str(64 << 20), "--cpus", "0.5", "--read-only", "--seccomp"),
        *(*every, "--env", "A=1", "--cwd", "/tmp"),
        *("--mount", f"type=bind,src={shared},dst=/out,options=rbind:ro"),
    )
    line = (*ctr.argv, *ctr.run, "--rm", *flags, ctr.root, "dy-limits", "/bin/sh", "-c", script)
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = [running.stdout.readline().strip() for _ in range(6)]
        group = {
            line.split(":")[1]: line.split(":")[2].strip()
            for line in Path(f"/proc/{ctr.pid()}/cgroup").read_text().splitlines()
        }
        memory, cpu = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/cpu")
        limits = [
            Path(f"{memory}{group['memory']}", "memory.limit_in_bytes").read_text(),
            Path(f"{cpu}{group['cpu']}", "cpu.cfs_quota_us").read_text(),
        ]
        ctr.must("tasks", "kill", "--signal", "KILL", "dy-limits")
    assert said == ["CapEff:\t0000000000000000", "read-only", "0", "1", "/tmp", "seen"]
    assert limits == [f"{64 << 20}\n", "50000\n"]


def test_a_terminal(ctr: Containerd) -> None:
    line = (*ctr.run, "--rm", "--tty", ctr.root, "dy-tty", "/bin/sh", "-c", "tty; exec cat")
    argv = (*ctr.argv, *line)
    with pexpect.spawn(argv[0], list(argv[1:]), timeout=60, dimensions=(24, 80)) as child:
        child.expect("/dev/pts/0")
        child.sendline("echoed")
        child.expect("echoed\r+\n.*echoed")
        child.sendeof()
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0


def test_two_share_namespaces(ctr: Containerd) -> None:
    ctr.must(*ctr.run, "--detach", "--null-io", ctr.root, "dy-one", "/bin/sleep", "600")
    ctr.wait_for("RUNNING")
    pid = ctr.pid()
    links = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc"
    shared = [
        flag for kind, name in NS.items() for flag in ("--with-ns", f"{kind}:/proc/{pid}/ns/{name}")
    ]
    said = ctr.must(*ctr.run, "--rm", *shared, ctr.root, "dy-two", "/bin/sh", "-c", links)
    assert said.split() == [os.readlink(f"/proc/{pid}/ns/{name}") for name in NS.values()]
    ctr.must("tasks", "kill", "--signal", "KILL", "dy-one")
    ctr.wait_for("STOPPED")
    ctr.call("tasks", "delete", "dy-one")
    ctr.must("containers", "delete", "dy-one")


def test_metrics_are_read(ctr: Containerd) -> None:
    ctr.must(*ctr.run, "--detach", "--null-io", ctr.root, "dy-many", "/bin/sleep", "600")
    ctr.wait_for("RUNNING")
    assert "memory.usage_in_bytes" in ctr.must("tasks", "metrics", "dy-many")
    ctr.must("tasks", "kill", "--signal", "KILL", "dy-many")
    ctr.wait_for("STOPPED")
    ctr.call("tasks", "delete", "dy-many")
    ctr.must("containers", "delete", "dy-many")
