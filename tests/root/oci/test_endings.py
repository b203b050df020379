"""How a container ends: too many processes, too little memory, a killed init, a killed runtime."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

MIB = 1 << 20
BOMB = "bomb() { bomb | bomb & }; bomb; sleep 600 & sleep 600 & wait; exit 9"


def test_a_fork_bomb_stays_inside_and_ends_with_the_container(oci: Oci) -> None:
    resources = {"pids": {"limit": 20}}
    bundle = oci.bundle("sh", "-c", BOMB, linux={"resources": resources})
    line = (oci.program, "--root", str(oci.states), "run", "--bundle", str(bundle), "box")
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 60
        while oci.call("state", "box").status and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(5):
            pids = oci.call("ps", "--format", "json", "box").out
            assert pids.count(",") < 20
        oci.call("kill", "box", "KILL")
        assert running.wait(60) != 0
    assert oci.must("list", "--quiet") == ""


def test_an_init_that_takes_too_much_memory(oci: Oci) -> None:
    resources = {"memory": {"limit": 16 * MIB, "swap": 16 * MIB}}
    greedy = ("busybox", "tail", "-c", "300m", "/dev/zero")
    bundle = oci.bundle(*greedy, linux={"resources": resources})
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert done.status == 128 + signal.SIGKILL
    assert oci.must("list", "--quiet") == ""


def test_a_killed_init_takes_all_with_it(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "600")), "box")
    line = (oci.program, "--root", str(oci.states), "exec", "box", "sh", "-c", "echo up; sleep 600")
    with subprocess.Popen(line, stdout=subprocess.PIPE) as inside:
        assert inside.stdout is not None
        assert inside.stdout.readline() == b"up\n"
        os.kill(oci.state("box")["pid"], signal.SIGKILL)
        assert inside.wait(60) == 128 + signal.SIGKILL
    oci.wait_for("box", "stopped")
    oci.must("delete", "box")


def test_a_runtime_that_is_killed_while_it_makes_one_leaves_what_delete_removes(oci: Oci) -> None:
    stop = oci.states.parent / "stop"
    stop.write_text('#!/bin/sh\necho here > "$0.reached"\nsleep 600\n')
    stop.chmod(0o755)
    bundle = oci.bundle("true", hooks={"createRuntime": [{"path": str(stop)}]})
    line = (oci.program, "--root", str(oci.states), "create", "--bundle", str(bundle), "box")
    with subprocess.Popen(line) as making:
        reached = Path(f"{stop}.reached")
        deadline = time.monotonic() + 60
        while not reached.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        making.kill()
        making.wait(60)
    assert oci.call("state", "box").status == 0
    oci.must("delete", "--force", "box")
    assert oci.must("list", "--quiet") == ""
    for pid in (entry for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if str(stop).encode() in command:
            os.kill(int(pid), signal.SIGKILL)  # the hook is nobody's any more


def test_kill_all_ends_what_forks_without_end(oci: Oci) -> None:
    namespaces = [{"type": name} for name in ("mount", "uts", "ipc", "network")]  # no pid: no init
    resources = {"pids": {"limit": 60}}
    script = "forth() { (forth) & (forth) & sleep 600; }; forth & exec sleep 600"
    linux = {"namespaces": namespaces, "resources": resources}
    oci.must("run", "-d", "--bundle", str(oci.bundle("sh", "-c", script, linux=linux)), "box")
    deadline = time.monotonic() + 60
    while oci.must("ps", "--format", "json", "box").count(",") < 30:
        assert time.monotonic() < deadline
    group = Path(json.loads((oci.states / "box/state.json").read_text())["cgroup"]["pids"])
    oci.must("kill", "--all", "box", "KILL")
    while (group / "cgroup.procs").read_text():  # those that were killed end; no new ones come
        assert time.monotonic() < deadline
    oci.must("delete", "box")
    assert oci.must("list", "--quiet") == ""
