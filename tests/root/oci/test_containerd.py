"""containerd and its shim, with ``dockyard-oci`` in runc's place."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

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

    def __init__(self, argv: tuple[str, ...], program: str, root: Path) -> None:
        self._argv = argv
        self.run = ("run", "--rootfs", "--runc-binary", program)
        self.root = str(root)

    def call(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*self._argv, *argv), check=False, capture_output=True, text=True, timeout=60
        )

    def must(self, *argv: str) -> str:
        done = self.call(*argv)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_for(self, word: str) -> None:
        deadline = time.monotonic() + 20
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
            made = Containerd((require("ctr"), "--address", f"{home}/sock"), program, busybox_root)
            deadline = time.monotonic() + 20
            while made.call("version").returncode:
                assert time.monotonic() < deadline, Path(home, "log").read_text()
                time.sleep(0.1)
            yield made
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
