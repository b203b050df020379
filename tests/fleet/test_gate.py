"""The steps of a gate on real hosts over SSH; only the machines' making is played."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.fake_libvirt import FakeLibvirt
from support.sshd_hosts import SshdHosts, make_hosts
from toolkit.cli.gating import Gate, run_gate
from toolkit.core.process import Completed
from toolkit.fleet.boxes import Boxes, Place, Plan
from toolkit.fleet.programs import USUAL, Wish

pytestmark = pytest.mark.root

STEADY = """\
- hosts: boxes
  become: true
  tasks:
    - copy: {dest: /etc/gate, content: "{{ greeting | default('hello') }}"}
"""
# It puts back what its second task changes: every run changes both.
RESTLESS = """\
- hosts: boxes
  become: true
  tasks:
    - copy: {dest: /etc/gate, content: one}
    - copy: {dest: /etc/gate, content: two}
"""


class Machines(FakeLibvirt):
    """Two hosts that are there already stand for what vagrant makes."""

    hosts: SshdHosts

    def run(self, argv: tuple[str, ...], wish: Wish = USUAL) -> Completed:
        if "/etc/ssh/ssh_host_" in argv[-1]:
            address = argv[-2].partition("@")[2]
            line = next(host.key_line for host in self.hosts.hosts if host.address == address)
            return Completed(argv=argv, status=0, stdout=f"{line} comment\n", stderr="")
        if argv[:2] == ("ssh", "-F"):
            inside = self.hosts.argv(argv)
            subprocess.run(inside, check=True, capture_output=True, timeout=30)
        return super().run(argv, wish)

    def _ssh_config(self, wish: Wish) -> str:
        _, names = self._settings(wish)
        login = f"  User root\n  IdentityFile {self.hosts.key}\n"
        pairs = zip(names, self.hosts.hosts, strict=True)
        return "".join(f"Host {name}\n  HostName {host.address}\n{login}" for name, host in pairs)


def gate(folder: Path, play: str, **fields: object) -> tuple[int, Machines, str]:
    """Run a gate over two fresh hosts; its status, what libvirt holds after it, and its file."""
    (folder / "play.yml").write_text(play)
    libvirt = Machines()
    boxes = Boxes(Place(folder=str(folder / "gate"), vagrant_home="/v", driver="qemu"), libvirt)
    asked = Gate(
        plan=Plan(count=2),
        playbook=str(folder / "play.yml"),
        expression="NS-PID",
        junit=str(folder / "gate.xml"),
        **fields,  # type: ignore[arg-type] # the fields of a Gate
    )
    with make_hosts(folder, ("one", "two")) as hosts:
        libvirt.hosts = hosts
        status = hosts.inside(lambda: run_gate(asked, boxes))
        made = "".join((host.root / "etc/gate").read_text() for host in hosts.hosts)
    return status, libvirt, made


def test_a_good_playbook_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    status, libvirt, made = gate(
        tmp_path, STEADY, runtimes=("embedded",), extra={"greeting": "hey"}
    )
    out = capsys.readouterr().out
    assert status == 0, out
    assert made == "heyhey"
    assert "fresh1 changed 1, fresh2 changed 1" in out
    assert "fresh1 changed 0, fresh2 changed 0" in out
    assert "gate passed: 2 boxes" in out
    assert not libvirt.machines
    names = [suite.get("name") for suite in ElementTree.parse(tmp_path / "gate.xml").getroot()]
    assert names == ["gate", "fresh1 embedded", "fresh2 embedded"]
    lines = (tmp_path / "gate/check.json").read_text().splitlines()
    assert {json.loads(line)["verdict"] for line in lines} == {"pass"}


def test_a_second_run_that_changes_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    status, libvirt, _ = gate(tmp_path, RESTLESS)
    out = capsys.readouterr().out
    assert status == 1
    assert "FAIL  apply again" in out
    assert "changed something again: 2 tasks on fresh1, 2 tasks on fresh2" in out
    assert "check" not in out
    assert not libvirt.machines
