"""``dockyard-oci`` on cgroup v2 with and without systemd's driver: limits, freezing, memory.

One container a driver goes through everything: in emulation each command takes seconds.
"""

import copy
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.machine import Machine
from toolkit.cli.oci.known import STARTER

MIB = 1 << 20
TOP = "/var/tmp/dy-oci"
GROUPS = "/sys/fs/cgroup"
DRIVERS = {
    "cgroupfs": ("/dy-box/one", f"{GROUPS}/dy-box/one"),
    "systemd": ("dy-box.slice:dy:one", f"{GROUPS}/dy.slice/dy-box.slice/dy-one.scope"),
}
SKELETON = f"""
set -e
mkdir -p {TOP}/root/usr {TOP}/root/proc {TOP}/root/dev {TOP}/root/sys {TOP}/root/tmp
cd {TOP}/root
for name in bin sbin lib lib64; do ln -sfn usr/$name $name; done
cat > {TOP}/config.json
"""
RESOURCES = {
    "memory": {"limit": 64 * MIB, "swap": 64 * MIB},
    "cpu": {"shares": 512, "quota": 50_000, "period": 100_000, "cpus": "0"},
    "pids": {"limit": 77},
    "unified": {"memory.high": str(60 * MIB)},
    "devices": [{"allow": False, "access": "rwm"}],
}
GREEDY = """
while [ ! -e /dev/shm/enough ]; do python3 -S -c 'kept = bytearray(200 << 20)'; done
"""


class Box:
    """One container of a driver."""

    def __init__(self, vm: Machine, driver: str) -> None:
        self._vm = vm
        self.line = ("dockyard", "oci", "--root", f"{TOP}/states", "--cgroup-manager", driver)
        self.path, self.group = DRIVERS[driver]

    def call(self, *argv: str, status: int | None = 0) -> str:
        return self._vm.root(*self.line, *argv, status=status).stdout

    def leave(self, *argv: str) -> None:
        """Run what leaves a process behind: ssh would wait for the end of what that has open."""
        line, said = " ".join((*self.line, *argv)), f"{TOP}/said"
        script = f"{line} < /dev/null > {said} 2>&1 || {{ cat {said} >&2; false; }}"
        self._vm.root("sh", "-c", script)

    def prepare(self, *argv: str) -> None:
        config: dict[str, Any] = copy.deepcopy(STARTER)
        config["process"] |= {"terminal": False, "args": list(argv)}
        config["root"] = {"path": f"{TOP}/root", "readonly": True}
        usr = {"destination": "/usr", "source": "/usr", "options": ["rbind", "ro"]}
        config["mounts"].append(usr)
        config["linux"] |= {"cgroupsPath": self.path, "resources": RESOURCES}
        done = self._vm.ssh("sudo", "sh", "-c", SKELETON, stdin=json.dumps(config).encode())
        assert done.returncode == 0

    def limits(self) -> list[str]:
        names = ("memory.max", "memory.swap.max", "memory.high", "cpu.max", "pids.max")
        return [self._vm.read(f"{self.group}/{name}").strip() for name in names]

    def wait_for(self, status: str) -> None:
        deadline = time.monotonic() + 300
        while json.loads(self.call("state", "box"))["status"] != status:
            assert time.monotonic() < deadline
            time.sleep(0.5)


@pytest.fixture(params=sorted(DRIVERS))
def box(vm: Machine, request: pytest.FixtureRequest) -> Iterator[Box]:
    made = Box(vm, request.param)
    yield made
    made.call("delete", "--force", "box", status=None)
    vm.root("rm", "-rf", TOP)
    vm.root("test", "-e", made.group, status=1)
    assert "dy-one" not in vm.root("systemctl", "list-units", "--all", "--plain").stdout


def told(vm: Machine, *names: str) -> list[str]:
    """What systemd knows of the scope."""
    flags = [flag for name in names for flag in ("-p", name)]
    return sorted(vm.root("systemctl", "show", "dy-one.scope", *flags).stdout.split())


def test_a_whole_life(vm: Machine, box: Box) -> None:
    box.prepare("sleep", "1000")
    box.leave("run", "--detach", "--bundle", TOP, "box")
    limits = [str(64 * MIB), "0", str(60 * MIB), "50000 100000", "77"]
    assert box.limits() == limits
    assert vm.read(f"{box.group}/cpuset.cpus.effective") == "0\n"
    inside = box.call("exec", "box", "cat", "/proc/self/cgroup", "/sys/fs/cgroup/pids.max")
    assert inside == "0::/\n77\n"
    if "scope" in box.group:
        known = told(vm, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "ActiveState", "Delegate")
        assert known == [
            "ActiveState=active",
            "CPUQuotaPerSecUSec=500ms",
            "Delegate=yes",
            f"MemoryMax={64 * MIB}",
            "TasksMax=77",
        ]
    box.call("update", "--pids-limit", "55", "box")
    vm.root("systemctl", "daemon-reload")  # must not take back what was set
    assert box.limits() == [*limits[:4], "55"]
    box.call("pause", "box")
    box.wait_for("paused")
    assert "frozen 1" in vm.read(f"{box.group}/cgroup.events")
    box.call("resume", "box")
    stats = json.loads(box.call("events", "--stats", "box"))["data"]
    assert stats["pids"] == {"current": 1, "limit": 55}
    assert stats["memory"]["usage"]["limit"] == 64 * MIB
    box.call("kill", "--all", "box", "KILL")
    box.wait_for("stopped")
    box.call("delete", "box")


def test_the_want_of_memory(vm: Machine, box: Box) -> None:
    box.prepare("sh", "-c", GREEDY)
    box.leave("create", "--bundle", TOP, "box")
    line = " ".join(box.line)
    # It runs out again and again, so that it does not matter when somebody begins to listen.
    script = f"""
        {line} events --interval 1h box > {TOP}/events &
        {line} start box
        until [ -s {TOP}/events ]; do sleep 0.5; done
        touch /proc/$({line} ps --format json box | tr -d '[]' | cut -d, -f1)/root/dev/shm/enough
        wait
        head -n 1 {TOP}/events
    """
    said = vm.root("sh", "-c", script).stdout
    assert json.loads(said) == {"type": "oom", "id": "box"}
    box.wait_for("stopped")
