"""``cgroup_delegation`` with systemd itself: what ordinary users may limit, before and after."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machine import Machine

PLAY = """\
- hosts: all
  become: true
  tasks:
    - cgroup_delegation:
        controllers: [cpu, cpuset, io, memory, pids]
"""
USER = "alice"


@pytest.fixture(scope="module")
def user(vm: Machine) -> Iterator[str]:
    """An ordinary user, who has no session yet; their number."""
    vm.root("useradd", "--create-home", USER)
    yield vm.ssh("id", "-u", USER).stdout.strip()
    vm.root("loginctl", "terminate-user", USER, status=None)
    vm.root("loginctl", "disable-linger", USER, status=None)
    vm.root("sh", "-c", f"while pgrep -u {USER} >/dev/null; do sleep 0.2; done; userdel -r {USER}")


def own(vm: Machine, user: str, *argv: str, status: int | None = 0) -> str:
    """Run a program as the user, with their own systemd at hand."""
    where = f"XDG_RUNTIME_DIR=/run/user/{user}"
    done = vm.root("sudo", "-u", USER, "env", where, *argv, status=status)
    return done.stdout + done.stderr


def controllers(vm: Machine, user: str) -> set[str]:
    place = f"/sys/fs/cgroup/user.slice/user-{user}.slice/user@{user}.service"
    return set(vm.read(f"{place}/cgroup.controllers").split())


def linger(vm: Machine, user: str, *, on: bool) -> None:
    """Start or end the user's systemd."""
    if not on:
        vm.root("loginctl", "disable-linger", USER)
        vm.root("systemctl", "stop", f"user@{user}")
        return
    vm.root("loginctl", "enable-linger", USER)
    vm.root("sh", "-c", f"until systemctl -q is-active user@{user}; do sleep 0.2; done")


def test_users_may_limit_what_they_run(vm: Machine, user: str, tmp_path: Path) -> None:
    linger(vm, user, on=True)
    before = controllers(vm, user)
    assert not {"cpuset", "io"} & before  # the distribution's own delegation has no more
    linger(vm, user, on=False)

    play = tmp_path / "play.yml"
    play.write_text(PLAY)
    assert "changed=1" in vm.apply(play).stdout
    assert "changed=0" in vm.apply(play).stdout
    linger(vm, user, on=True)
    assert controllers(vm, user) >= {"cpu", "cpuset", "io", "memory", "pids"}

    greedy = ("python3", "-c", "kept = bytearray(100 << 20)")
    run = ("systemd-run", "--user", "--quiet", "--wait", "--pipe")
    said = own(vm, user, *run, "-p", "MemoryMax=400M", *greedy)
    assert said == ""
    own(vm, user, *run, "-p", "MemoryMax=30M", "-p", "MemorySwapMax=0", *greedy, status=1)
    limits = ("-p", "CPUQuota=20%", "-p", "AllowedCPUs=0", "-p", "TasksMax=20", "-p", "IOWeight=50")
    files = "cpu.max cpuset.cpus pids.max io.weight"
    script = f"cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup) && cat {files}"
    said = own(vm, user, *run, *limits, "sh", "-c", script)
    assert said.split() == ["20000", "100000", "0", "20", "default", "50"]


def test_a_user_gets_no_more_than_their_own_part(vm: Machine, user: str) -> None:
    for place in ("", "/user.slice", f"/user.slice/user-{user}.slice"):
        own(vm, user, "mkdir", f"/sys/fs/cgroup{place}/mine", status=1)
