"""Hosts to provision, the same work for each peer, and the peers themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import ensure

if TYPE_CHECKING:
    from support.sshd_hosts import SshdHosts

PEERS = ("ansible-core", "mitogen", "pyinfra")
TASKS = 20


@contextmanager
def fleet(folder: Path, count: int) -> Iterator["SshdHosts"]:
    """So many hosts with sshd, in network namespaces of their own."""
    ensure("openssh-server", "openssh-client", "iproute2")
    tests = str(Path(__file__).parents[2] / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    from support.sshd_hosts import make_hosts  # noqa: PLC0415 - its folder is only known now

    folder.mkdir()
    with make_hosts(folder, tuple(f"host{number}" for number in range(count))) as made:
        yield made


def peers() -> Path:
    """The programs' folder of an environment with the peers, made once beside our own."""
    place = Path(sys.prefix) / "peers"
    if not (place / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(place / "bin/pip"), "install", "-q", "--disable-pip-version-check", *PEERS]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        (place / "ready").touch()
    return place / "bin"


def site(folder: Path) -> Path:
    """Twenty tasks and a handler, as Ansible and as pyinfra write them."""
    folder.mkdir()
    (folder / "files").mkdir()
    (folder / "templates").mkdir()
    for number in range(6):
        (folder / f"files/f{number}").write_text(f"file {number}\n" * 200)
    for number in range(4):
        (folder / f"templates/t{number}.j2").write_text(f"{{{{ word }}}} {number}\n" * 50)
    (folder / "site.yml").write_text(_playbook())
    (folder / "deploy.py").write_text(_deploy())
    (folder / "ansible.cfg").write_text(
        "[defaults]\nhost_key_checking = True\nforks = 10\ntimeout = 120\n"
        "interpreter_python = /usr/bin/python3\n"
        "[ssh_connection]\npipelining = True\n"
    )
    return folder


def _playbook() -> str:
    rows = [f"    - file: {{path: /srv/d{n}, state: directory, mode: '0750'}}" for n in range(4)]
    rows += [f"    - copy: {{src: f{n}, dest: /srv/d0/f{n}, mode: '0640'}}" for n in range(6)]
    rows += [f"    - template: {{src: t{n}.j2, dest: /srv/d1/t{n}}}" for n in range(4)]
    rows += [f"    - file: {{path: /srv/l{n}, src: /srv/d0/f{n}, state: link}}" for n in range(2)]
    rows += ["    - lineinfile: {path: /srv/d1/lines, line: one more, create: true}"]
    rows += ["    - group: {name: dock}"]
    rows += ["    - command: id -u\n      changed_when: false"] * 2
    assert len(rows) == TASKS
    told = [f"{row}\n      notify: told" for row in rows[:14]]
    tasks = "\n".join((*told, *rows[14:]))
    return (
        "- hosts: all\n  gather_facts: false\n  vars: {word: hello}\n"
        f"  tasks:\n{tasks}\n"
        "  handlers:\n    - name: told\n      command: touch /srv/told\n"
    )


def _deploy() -> str:
    return """\
from pyinfra.operations import files, server
for n in range(4):
    files.directory(path=f"/srv/d{n}", mode="750")
done = [files.put(src=f"files/f{n}", dest=f"/srv/d0/f{n}", mode="640") for n in range(6)]
done += [files.template(src=f"templates/t{n}.j2", dest=f"/srv/d1/t{n}", word="hello")
         for n in range(4)]
for n in range(2):
    files.link(path=f"/srv/l{n}", target=f"/srv/d0/f{n}")
files.line(path="/srv/d1/lines", line="one more")
server.group(group="dock")
for _ in range(2):
    server.shell(commands=["id -u"])
server.shell(commands=["touch /srv/told"], _if=lambda: any(one.did_change() for one in done))
"""


def inventories(hosts: "SshdHosts", folder: Path, count: int) -> Path:
    """An INI inventory of the first hosts, which all peers but pyinfra read; pyinfra's beside."""
    rows = "\n".join(f"{host.name} ansible_host={host.address}" for host in hosts.hosts[:count])
    path = folder / f"hosts{count}"
    path.write_text(
        f"[all]\n{rows}\n[all:vars]\nansible_user=root\n"
        f"ansible_ssh_private_key_file={hosts.key}\ndockyard_known_hosts={hosts.known_hosts}\n"
    )
    data = f'{{"ssh_user": "root", "ssh_key": "{hosts.key}"}}'
    names = ", ".join(f'("{host.address}", {data})' for host in hosts.hosts[:count])
    (folder / f"hosts{count}.py").write_text(f"boxes = [{names}]\n")
    return path


def commands(bin_folder: Path, inventory: Path) -> dict[str, list[str]]:
    """What each program is called with, in the site's folder."""
    ours = [sys.executable, "-P", "-m", "toolkit.cli.entry"]
    playbook = [str(bin_folder / "ansible-playbook"), "site.yml", "-i", str(inventory)]
    strategy = next(bin_folder.parent.glob("lib/*/site-packages/ansible_mitogen")) / "plugins"
    mitogen = [
        "env",
        "ANSIBLE_STRATEGY=mitogen_linear",
        f"ANSIBLE_STRATEGY_PLUGINS={strategy}/strategy",
        *playbook,
    ]
    return {
        "ours": [*ours, "apply", "site.yml", "-i", str(inventory), "-f", "10"],
        "ansible": playbook,
        "mitogen": mitogen,
        "pyinfra": [str(bin_folder / "pyinfra"), "-y", f"{inventory}.py", "deploy.py"],
    }


def environment(hosts: "SshdHosts") -> dict[str, str]:
    """Of somebody whose ``known_hosts`` knows the hosts and whose key opens them."""
    kept = {key: value for key, value in os.environ.items() if key != "SSH_AUTH_SOCK"}
    ssh = f"-o UserKnownHostsFile={hosts.known_hosts} -o ControlMaster=no"
    return {**kept, "HOME": str(hosts.home), "ANSIBLE_SSH_ARGS": ssh, "LC_ALL": "C.UTF-8"}
