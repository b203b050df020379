"""``vagrant/libvirt``: a libvirtd in namespaces of its own, which ends with its caller."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.core.files import shipped

pytestmark = pytest.mark.root
PATIENCE = 300
SCRIPT = f"{shipped('vagrant')}/libvirt"
# Where a libvirt answers, none is started: its place is hidden first.
HIDDEN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/libvirt; exec "$@"', "sh")


@pytest.fixture
def world(tmp_path: Path, require: Callable[[str], str]) -> Iterator[Path]:
    """A folder for a world; at the end no process of it may be left."""
    require("libvirtd")
    require("virsh")
    os.makedirs("/run/libvirt", exist_ok=True)
    yield tmp_path / "world"
    deadline = time.monotonic() + PATIENCE
    while left := processes(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def processes(folder: Path) -> list[str]:
    """Processes in mount namespaces with the world's folder, or that name it."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in words or f"{folder}/world" in (entry / "mountinfo").read_text():
                found.append(f"{entry.name} {words}")
    return found


def run(*argv: str, status: int = 0) -> str:
    done = subprocess.run(
        (*HIDDEN, SCRIPT, *argv), check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_a_command_runs_beside_a_libvirt_and_its_status_comes_back(world: Path) -> None:
    links = run("run", str(world), "--", "sh", "-c", "virsh -q pool-list --name; ls /sys/class/net")
    assert "default" in links
    run("run", str(world), "--", "sh", "-c", "exit 7", status=7)


def test_in_steps(world: Path) -> None:
    run("in", str(world), "--", "true", status=1)
    run("start", str(world))
    try:
        first = run("in", str(world), "--", "readlink", "/proc/self/ns/net")
        run("start", str(world))  # it runs already
        assert run("run", str(world), "--", "readlink", "/proc/self/ns/net") == first
        assert first != os.readlink("/proc/self/ns/net") + "\n"
    finally:
        run("stop", str(world))
    run("stop", str(world))
    run("in", str(world), "--", "true", status=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_caller_ends_all(world: Path, number: signal.Signals) -> None:
    script = f"trap 'touch {world}/told; exit 9' TERM INT; touch {world}/ready; sleep 1000 & wait"
    argv = (*HIDDEN, SCRIPT, "run", str(world), "--", "sh", "-c", script)
    with subprocess.Popen(argv, start_new_session=True) as caller:
        deadline = time.monotonic() + PATIENCE
        while not (world / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        caller.send_signal(number)
        assert caller.wait(timeout=PATIENCE) == (9 if number is not signal.SIGKILL else -number)
    run("run", str(world), "--", "true")  # at once: what is still ending is in nobody's way
    deadline = time.monotonic() + PATIENCE
    while not (world / "told").exists():  # the command had its chance to clean up
        assert time.monotonic() < deadline
        time.sleep(0.05)
    subprocess.run(("pkill", "-KILL", "--session", str(caller.pid)), check=False)  # its sleep


def test_bad_words_are_refused() -> None:
    for argv in ((), ("run",), ("run", "/tmp"), ("run", "/tmp", "--"), ("walk", "/tmp")):
        done = subprocess.run((SCRIPT, *argv), check=False, capture_output=True, text=True)
        assert done.returncode == 2
        assert "vagrant/libvirt run FOLDER -- COMMAND" in done.stderr
