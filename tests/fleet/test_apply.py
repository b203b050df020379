"""``dockyard apply`` on two hosts over SSH, as a person runs it."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.sshd_hosts import SshdHosts

pytestmark = pytest.mark.root

PLAYBOOK = """\
- name: a place of its own
  hosts: boxes
  gather_facts: false
  tasks:
    - name: the directory
      file: {path: /srv/dock, state: directory, mode: "0750"}
    - name: the file
      copy:
        dest: /srv/dock/name
        content: "{{ inventory_hostname }} is one of {{ groups['boxes'] | length }}\\n"
    - name: the shipped file
      copy: {src: shipped.bin, dest: /srv/dock/shipped}
"""
HANGING = """\
- hosts: boxes
  gather_facts: false
  tasks:
    - copy: {content: x, dest: /srv/hanging, validate: "sh -c 'sleep 4321; cat %s'"}
"""
SHIPPED = bytes(range(256)) * 400


@pytest.fixture
def playbook(sshd_hosts: SshdHosts, tmp_path: Path) -> Path:
    """A playbook and what it ships; the hosts are as they were before it."""
    for host in sshd_hosts.hosts:
        shutil.rmtree(host.root / "srv/dock", ignore_errors=True)
    (tmp_path / "shipped.bin").write_bytes(SHIPPED)
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    return tmp_path / "site.yml"


def dockyard(hosts: SshdHosts, *words: str) -> "subprocess.CompletedProcess[str]":
    return hosts.run((sys.executable, "-P", "-m", "toolkit.cli.entry", *words))


def apply(
    hosts: SshdHosts, playbook: Path, *words: str, extra: str = ""
) -> "subprocess.CompletedProcess[str]":
    inventory = hosts.inventory(playbook.parent, extra)
    return dockyard(hosts, "apply", str(playbook), "-i", str(inventory), *words)


def changed(said: str) -> list[str]:
    """The ``changed=N`` of each host's line in the recap."""
    return [word for line in said.splitlines() for word in line.split() if "changed=" in word]


def test_both_hosts_are_brought_to_the_state(sshd_hosts: SshdHosts, playbook: Path) -> None:
    done = apply(sshd_hosts, playbook)
    assert done.returncode == 0, done.stdout + done.stderr
    for host in sshd_hosts.hosts:
        place = host.root / "srv/dock"
        assert place.stat().st_mode & 0o7777 == 0o750
        assert (place / "name").read_text() == f"{host.name} is one of 2\n"
        assert (place / "shipped").read_bytes() == SHIPPED
    assert changed(done.stdout) == ["changed=3"] * 2


def test_a_second_run_changes_nothing(sshd_hosts: SshdHosts, playbook: Path) -> None:
    apply(sshd_hosts, playbook)
    done = apply(sshd_hosts, playbook)
    assert done.returncode == 0
    assert changed(done.stdout) == ["changed=0"] * 2


def test_check_tells_and_touches_nothing(sshd_hosts: SshdHosts, playbook: Path) -> None:
    done = apply(sshd_hosts, playbook, "--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert changed(done.stdout) == ["changed=3"] * 2
    assert not any((host.root / "srv/dock").exists() for host in sshd_hosts.hosts)


def test_a_host_that_is_not_there_does_not_stop_the_other(
    sshd_hosts: SshdHosts, playbook: Path
) -> None:
    done = apply(sshd_hosts, playbook, extra="gone ansible_host=10.77.1.2 ansible_port=2022")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Connection refused" in done.stdout + done.stderr
    for host in sshd_hosts.hosts:
        assert (host.root / "srv/dock/name").read_text() == f"{host.name} is one of 3\n"


def test_a_changed_host_key_touches_nothing(
    sshd_hosts: SshdHosts, playbook: Path, tmp_path: Path
) -> None:
    first, second = sshd_hosts.hosts
    swapped = f"{first.address} {second.key_line}\n{second.address} {second.key_line}\n"
    before = sshd_hosts.known_hosts.read_text()
    sshd_hosts.known_hosts.write_text(swapped)
    try:
        done = apply(sshd_hosts, playbook)
    finally:
        sshd_hosts.known_hosts.write_text(before)
    assert done.returncode == 4
    assert "has changed" in done.stdout + done.stderr
    assert not (first.root / "srv/dock").exists()
    assert (second.root / "srv/dock/name").exists()


def test_limit_leaves_the_others_alone(sshd_hosts: SshdHosts, playbook: Path) -> None:
    first, second = sshd_hosts.hosts
    done = apply(sshd_hosts, playbook, "--limit", second.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (first.root / "srv/dock").exists()
    assert (second.root / "srv/dock").exists()


def test_undo_takes_it_back(sshd_hosts: SshdHosts, playbook: Path) -> None:
    apply(sshd_hosts, playbook)
    inventory = sshd_hosts.inventory(playbook.parent)
    done = dockyard(sshd_hosts, "undo", "-i", str(inventory))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any((host.root / "srv/dock").exists() for host in sshd_hosts.hosts)


def test_facts_of_both(sshd_hosts: SshdHosts, tmp_path: Path) -> None:
    inventory = sshd_hosts.inventory(tmp_path)
    done = dockyard(sshd_hosts, "facts", "-i", str(inventory), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    for host in sshd_hosts.hosts:
        assert f'"host": "{host.name}"' in done.stdout


def test_ctrl_c_ends_both_hosts_cleanly(sshd_hosts: SshdHosts, playbook: Path) -> None:
    playbook.write_text(HANGING)
    inventory = sshd_hosts.inventory(playbook.parent)
    words = ("apply", str(playbook), "-i", str(inventory))
    argv = sshd_hosts.argv((sys.executable, "-P", "-m", "toolkit.cli.entry", *words))
    with subprocess.Popen(argv, env=sshd_hosts.env, stdout=subprocess.DEVNULL) as child:
        wait_until(lambda: all(host.pids("sleep 4321") for host in sshd_hosts.hosts))
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert child.wait(20) == 130
    assert time.monotonic() - began < 5
    wait_until(lambda: not any(host.pids("sleep 4321") for host in sshd_hosts.hosts))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
