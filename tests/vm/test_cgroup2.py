"""The runtime core on cgroup v2 alone, under systemd: limits that bite, and nothing left."""

import time
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest

from support.machine import Machine

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _nothing_left(vm: Machine) -> Iterator[None]:
    """No group, mount, process or state of a container outlives the test."""
    yield
    deadline = time.monotonic() + 120
    while left := leftovers(vm):
        assert time.monotonic() < deadline, left
        time.sleep(0.5)


def leftovers(vm: Machine) -> str:
    script = """
        find /sys/fs/cgroup -mindepth 1 -type d -path '*dockyard*'
        ls /run/dockyard 2>/dev/null # what the engine keeps beside containers begins with a dot
        grep -E ' overlay | /var/lib/dockyard' /proc/self/mountinfo
        true
    """
    return vm.root("sh", "-c", script).stdout


def python(vm: Machine, code: str, **config: Any) -> dict[str, Any]:
    return vm.container("python3", "-c", dedent(code), **config)


def test_the_machine_is_what_it_is_for(vm: Machine) -> None:
    assert vm.ssh("stat", "-f", "-c", "%T", "/sys/fs/cgroup").stdout == "cgroup2fs\n"
    assert vm.read("/proc/1/comm") == "systemd\n"
    assert vm.root("systemctl", "is-system-running", "--wait").stdout == "running\n"


def test_too_much_memory_is_a_kill(vm: Machine) -> None:
    greedy = "kept = bytearray(100 << 20); print(len(kept))"
    assert python(vm, greedy, memory=200 * MIB)["stdout"] == f"{100 * MIB}\n"
    done = python(vm, greedy, memory=64 * MIB, memory_swap=64 * MIB)
    assert (done["status"], done["stdout"]) == (137, "")


def test_a_quota_throttles(vm: Machine) -> None:
    code = """
        import time
        began, used = time.monotonic(), time.process_time()
        while time.process_time() < used + 1.5:
            pass
        print(time.monotonic() - began)
        print(open("/sys/fs/cgroup/cpu.stat").read())
    """
    done = python(vm, code, cpu_quota=20_000, cpu_period=100_000)
    assert done["status"] == 0, done
    took, _, stat = done["stdout"].partition("\n")
    counts = dict(line.split() for line in stat.split("\n") if line)
    assert int(counts["nr_throttled"]) > 2
    # A fifth would be 7.5 s; but what the machine itself is not run for counts as used.
    assert float(took) > 3


def test_too_many_processes_are_refused(vm: Machine) -> None:
    code = """
        import os, signal
        count = 0
        while True:
            try:
                pid = os.fork()
            except BlockingIOError:
                break
            if pid == 0:
                signal.pause()
            count += 1
        print(count)
    """
    done = python(vm, code, pids_limit=7)
    assert (done["status"], done["stdout"]) == (0, "6\n")


def test_a_device_outside_the_rules_cannot_be_opened(vm: Machine) -> None:
    code = """
        import os
        for name, kind, major, minor in (("kmsg", 0o020000, 1, 11), ("null", 0o020000, 1, 3)):
            os.mknod(f"/tmp/{name}", kind | 0o600, os.makedev(major, minor))
            try:
                os.close(os.open(f"/tmp/{name}", os.O_RDONLY | os.O_NONBLOCK))
            except PermissionError:
                print(name, "refused")
            else:
                print(name, "opened")
    """
    done = python(vm, code)
    assert done["stdout"] == "kmsg refused\nnull opened\n", done


def test_a_container_sees_its_own_group_as_the_root(vm: Machine) -> None:
    done = vm.container("cat", "/proc/self/cgroup")
    assert done["stdout"] == "0::/\n"


def test_a_container_outlives_the_session_that_started_it(vm: Machine) -> None:
    """``dockyard run -d`` in one login, everything else in later ones."""
    limits = ("--memory", "64m", "--network", "none")  # a fresh machine has no nftables
    vm.root("dockyard", "run", "-d", "--name", "long", *limits, "host", "sleep", "1000")
    try:
        assert "long" in vm.root("dockyard", "ps").stdout
        limit = "cat /sys/fs/cgroup/memory.max; cat /proc/self/cgroup"
        said = vm.root("dockyard", "exec", "long", "sh", "-c", limit).stdout
        assert said == f"{64 * MIB}\n0::/\n"
        found = vm.root("find", "/sys/fs/cgroup", "-name", "memory.max", "-path", "*dockyard*")
        values = [vm.read(path).strip() for path in found.stdout.split()]
        assert str(64 * MIB) in values
    finally:
        vm.root("dockyard", "rm", "-f", "long")


def test_a_rehearsal_runs_containers_of_its_own(vm: Machine) -> None:
    script = """
        set -e
        touch /etc/made-in-a-rehearsal
        dockyard run --rm --network none host cat /proc/self/cgroup
        dockyard run --rm --network none --memory 64m host cat /sys/fs/cgroup/memory.max
    """
    done = vm.root("dockyard", "rehearse", "--", "sh", "-c", script)
    assert done.stdout == f"0::/\n{64 * MIB}\n"
    vm.root("test", "-e", "/etc/made-in-a-rehearsal", status=1)
