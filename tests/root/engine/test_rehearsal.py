import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

ENTRY = (sys.executable, "-m", "toolkit.cli.entry")
Rehearse = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rehearse(home: Path) -> Rehearse:
    """``rehearse("script")`` runs a shell script in a copy of this machine."""
    del home

    def run(script: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            (*ENTRY, "rehearse", "--", "sh", "-c", script),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    return run


def kept(home: Path) -> list[str]:
    found: list[str] = []
    for path in (home / "data/containers", home / "run"):
        found += os.listdir(path) if path.exists() else []
    return [name for name in found if not name.startswith(".")]


def test_it_is_this_machine(rehearse: Rehearse, home: Path) -> None:
    done = rehearse("hostname; cat /etc/machine-id /etc/debian_version; pwd; cat; exit 4", "hello")
    here = [os.uname().nodename]
    here += [Path(name).read_text().strip() for name in ("/etc/machine-id", "/etc/debian_version")]
    assert done.stdout.split("\n") == [*here, os.getcwd(), "hello"]
    assert done.returncode == 4
    assert kept(home) == []


def test_what_is_written_is_dropped(rehearse: Rehearse) -> None:
    name = f"dockyard-rehearsed-{os.getpid()}"
    done = rehearse(
        f"for d in /etc /usr/bin /var/lib; do echo x > $d/{name} && cat $d/{name}; done"
    )
    assert done.stdout == "x\nx\nx\n"
    for folder in ("/etc", "/usr/bin", "/var/lib"):
        assert not Path(folder, name).exists()


def test_links_are_its_own(rehearse: Rehearse) -> None:
    before = sorted(os.listdir("/sys/class/net"))
    done = rehearse(
        "ip link add bridge0 type bridge && ip address add 192.168.5.1/24 dev bridge0 &&"
        "ip link set bridge0 up && ip -br link"
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["lo", "bridge0"]
    assert sorted(os.listdir("/sys/class/net")) == before


def test_kernel_parameters_are_a_copy(rehearse: Rehearse) -> None:
    path = Path("/proc/sys/vm/swappiness")
    before = path.read_text()
    other = "11" if before.strip() != "11" else "12"
    done = rehearse(
        f"echo {other} > {path} && cat {path} && sysctl -n vm.swappiness;"
        "echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward"
    )
    assert done.stdout.split()[:1] == [other]
    assert done.stdout.split()[-1] == "1"
    assert path.read_text() == before


def test_processes_and_disks_of_the_machine_are_out_of_reach(rehearse: Rehearse) -> None:
    done = rehearse(
        "ls /proc | grep -c '^[0-9]'; mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk;"
        "echo 1 > /proc/sysrq-trigger; date -s 2001-01-01"
    )
    assert int(done.stdout.split()[0]) < 6
    assert done.stderr.count("Operation not permitted") >= 2


def test_a_container_runs_inside(rehearse: Rehearse) -> None:
    words = " ".join(ENTRY)
    done = rehearse(
        f"{words} run --rm --memory 64m host sh -c 'id -u; hostname; exit 3'; echo status-$?;"
        f"{words} run -d --name inner host sleep 100 > /dev/null; {words} ps; {words} rm -f inner"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "0", done.stderr
    assert len(lines[1]) == 12
    assert lines[2] == "status-3"
    assert "Up " in done.stdout
    assert lines[-1] == "inner"


def test_other_disks_are_copied_too(tmp_path: Path, home: Path) -> None:
    del home
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs disk {disk} && echo before > {disk}/file &&"
        f"{' '.join(ENTRY)} rehearse -- sh -c 'cat {disk}/file; echo after > {disk}/file;"
        f" touch {disk}/new; cat {disk}/file'; ls {disk}; cat {disk}/file"
    )
    done = subprocess.run(
        ("unshare", "--mount", "sh", "-c", script), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["before", "after", "file", "before"], done.stderr


def start(home: Path) -> "subprocess.Popen[str]":
    del home
    script = "echo ready; sleep 1000 & exec sleep 1000"
    process = subprocess.Popen(
        (*ENTRY, "rehearse", "--", "sh", "-c", script), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def wait_until_gone(home: Path) -> None:
    deadline = time.monotonic() + 10
    while kept(home):
        assert time.monotonic() < deadline, kept(home)
        time.sleep(0.02)


def test_killed_it_leaves_nothing(home: Path) -> None:
    with start(home) as process:
        assert len(kept(home)) == 2
        process.kill()
        process.wait()
        wait_until_gone(home)


def test_killed_with_its_guard_the_next_command_leaves_nothing(home: Path) -> None:
    with start(home) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (*map(int, children), process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        assert len(kept(home)) == 2
        subprocess.run((*ENTRY, "ps"), check=True, stdout=subprocess.DEVNULL)
        assert kept(home) == []


def test_a_terminated_one_ends_at_once(home: Path) -> None:
    with start(home) as process:
        process.terminate()
        # killed, or undone where the caller had not yet heard that it runs
        assert process.wait(timeout=10) in (137, 143)
        assert kept(home) == []
