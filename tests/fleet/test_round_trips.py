"""How often a play waits for the distance between controller and host."""

import sys
from pathlib import Path

import pytest

from support.slow_link import slow_link
from support.sshd_hosts import SshdHosts, SshHost

pytestmark = pytest.mark.root
TRIP_SECONDS = 0.05
MOST = 12


def run(hosts: SshdHosts, host: SshHost, folder: Path, tasks: int) -> int:
    """The round trips of a play of so many tasks and a handler, its connection included."""
    rows = "".join(f"    - copy: {{content: x, dest: /srv/f{n}}}\n" for n in range(tasks - 1))
    (folder / "site.yml").write_text(
        f"- hosts: all\n  gather_facts: false\n  tasks:\n{rows}"
        "    - command: echo {{ ansible_hostname }}\n      notify: tell\n"
        "  handlers:\n    - name: tell\n      debug: {msg: told}\n"
    )
    with slow_link(hosts, host, TRIP_SECONDS) as link:
        (folder / "hosts").write_text(
            f"far ansible_host=127.0.0.1 ansible_port={link.port} ansible_user=root "
            f"ansible_ssh_private_key_file={hosts.key} dockyard_accept_new=yes\n"
        )
        words = ("apply", str(folder / "site.yml"), "-i", str(folder / "hosts"))
        done = hosts.run((sys.executable, "-P", "-m", "toolkit.cli.entry", *words))
    assert done.returncode == 0, done.stdout + done.stderr
    return link.turns


@pytest.mark.timeout(600)
def test_more_tasks_are_no_more_round_trips(
    sshd_hosts: SshdHosts, host: SshHost, tmp_path: Path
) -> None:
    run(sshd_hosts, host, tmp_path, 2)  # the agent's code is sent once
    assert run(sshd_hosts, host, tmp_path, 2) <= MOST
    assert run(sshd_hosts, host, tmp_path, 40) <= MOST
