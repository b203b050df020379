import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from support.fake_libvirt import FakeLibvirt
from toolkit.cli.commands import gate as gate_command
from toolkit.cli.gating import Gate, GateError, Phase, Phases, extra_of, junit, run_gate
from toolkit.core.errors import CommandError, InvalidInputError, ToolkitError
from toolkit.core.process import Completed
from toolkit.fleet.boxes import Boxes, Place, Plan
from toolkit.fleet.programs import USUAL, Wish
from toolkit.playbook.loader import load

PLAY = "- hosts: all\n  tasks: [{file: {path: /made, state: directory}}]\n"
WITH_ENGINES = "- hosts: all\n  vars: {engine_packages: []}\n  tasks: []\n"


class Nowhere(FakeLibvirt):
    """Machines whose address is no machine's, so that a login is refused at once."""

    def _ssh_config(self, wish: Wish) -> str:
        return super()._ssh_config(wish).replace("10.0.0.5", "127.0.0.1").replace("22", "1")


@pytest.fixture
def libvirt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLibvirt:
    monkeypatch.setenv("HOME", str(tmp_path))
    return Nowhere()


@pytest.fixture
def gate(tmp_path: Path, libvirt: FakeLibvirt) -> Callable[..., int]:
    """``gate(**fields)`` runs one; its exit status."""
    play = tmp_path / "play.yml"
    play.write_text(PLAY)
    place = Place(folder=str(tmp_path / "gate"), vagrant_home="/v", driver="qemu", patience=0)

    def run(**fields: Any) -> int:
        asked: dict[str, Any] = {"plan": Plan(), "playbook": str(play), **fields}
        return run_gate(Gate(**asked), Boxes(place, libvirt))

    return run


def nothing(libvirt: FakeLibvirt) -> bool:
    return not (libvirt.machines or libvirt.pools or libvirt.networks)


def test_machines_that_cannot_be_reached(
    gate: Callable[..., int],
    libvirt: FakeLibvirt,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = gate(junit=str(tmp_path / "gate.xml"))
    out = capsys.readouterr().out
    assert status != 0
    assert nothing(libvirt)
    assert "ok    up" in out
    assert "FAIL  apply" in out
    assert "ok    down" in out
    assert "gate FAILED: 1 box of debian12" in out
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot()[0]
    assert [case.get("name") for case in suite] == ["box", "up", "apply", "down"]
    assert suite.get("failures") == "1"


@pytest.mark.parametrize("broken", ["/box", "vagrant --no-tty up", "ssh-config", "/etc/ssh"])
def test_whatever_breaks_nothing_is_left(
    gate: Callable[..., int],
    libvirt: FakeLibvirt,
    broken: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    libvirt.broken[broken] = "it broke"
    assert gate(keep=True) == (4 if broken == "/etc/ssh" else 1)
    said = capsys.readouterr()
    assert "it broke" in said.err
    assert "FAILED" in said.out
    assert "get in:" not in said.out
    assert nothing(libvirt)


def test_kept_machines_stay_and_the_way_in_is_said(
    gate: Callable[..., int], libvirt: FakeLibvirt, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate(keep=True, plan=Plan(count=2)) != 0
    out = capsys.readouterr().out
    assert len(libvirt.machines) == 2
    assert out.count("get in:") == 2
    assert "fresh2" in out
    assert "remove:  dockyard gate --down" in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(
    gate: Callable[..., int], libvirt: FakeLibvirt, number: signal.Signals
) -> None:
    run = libvirt.run

    def told(argv: tuple[str, ...], wish: Wish = USUAL) -> Completed:
        done = run(argv, wish)
        if "up" in argv:
            signal.raise_signal(number)
        return done

    libvirt.run = told  # type: ignore[method-assign] # this one machine's, not the class's
    with pytest.raises((SystemExit, KeyboardInterrupt)) as caught:
        gate()
    if number is not signal.SIGINT:
        assert isinstance(caught.value, SystemExit)
        assert caught.value.code == 128 + number
    assert any("undefine" in call for call in libvirt.calls)
    assert nothing(libvirt)


def test_a_bad_playbook_is_found_before_any_machine_is_made(
    gate: Callable[..., int], libvirt: FakeLibvirt, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("- hosts: all\n  taks: []\n")
    with pytest.raises(InvalidInputError, match="taks"):
        gate(playbook=str(tmp_path / "bad.yml"))
    assert libvirt.calls == []


def test_an_engine_is_installed_where_there_is_a_place_for_one(tmp_path: Path) -> None:
    file = tmp_path / "play.yml"
    asked = Gate(plan=Plan(), playbook="", extra={"other": 1})
    file.write_text(WITH_ENGINES)
    playbook = load(str(file))
    assert extra_of(asked, playbook) == {"engine_packages": ["podman", "netavark"], "other": 1}
    own = Gate(plan=Plan(), playbook="", extra={"engine_packages": ["runc"]})
    assert extra_of(own, playbook) == {"engine_packages": ["runc"]}
    assert extra_of(asked, playbook, role="docker")["engine_packages"] == ["docker.io"]
    file.write_text(PLAY)
    assert extra_of(asked, load(str(file))) == {"other": 1}


def test_phases_keep_what_failed() -> None:
    phases = Phases()
    assert phases.run("one", lambda: 7) == 7

    def fails() -> None:
        raise GateError("it does not hold")

    with pytest.raises(GateError):
        phases.run("two", fails)
    with pytest.raises(KeyboardInterrupt):
        phases.run("three", lambda: signal.raise_signal(signal.SIGINT))
    assert [phase.told for phase in phases.done] == ["7", "it does not hold", "interrupted"]
    assert isinstance(phases.failed, GateError)


def test_a_report_has_the_checks_too(tmp_path: Path) -> None:
    checks = tmp_path / "check.xml"
    checks.write_text("<testsuites><testsuite name='fresh1 embedded'/></testsuites>")
    error = CommandError(("vagrant", "up"), 1, "no disk")
    phases = [
        Phase(name="box", seconds=1.0, told="a.box"),
        Phase(name="up", seconds=2.0, told="", error=error),
    ]
    root = ElementTree.fromstring(junit(phases, checks))
    assert [suite.get("name") for suite in root] == ["gate", "fresh1 embedded"]
    failure = root[0][1].find("failure")
    assert failure is not None
    assert "no disk" in str(failure.get("message"))
    assert len(ElementTree.fromstring(junit(phases, tmp_path / "none.xml"))) == 1


@pytest.mark.parametrize("words", [["--boxes", "0"], ["--memory", "9"], ["--box"]])
def test_bad_options_are_refused(words: list[str]) -> None:
    assert CliRunner().invoke(gate_command.command, words).exit_code == 2


def test_a_world_that_does_not_answer_is_not_entered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no virsh, no libvirt
    monkeypatch.setenv("DOCKYARD_WORLD", "/w")
    monkeypatch.setattr(sys, "argv", ["dockyard", "gate"])
    done = CliRunner().invoke(gate_command.command, ["--folder", str(tmp_path / "gate")])
    assert isinstance(done.exception, ToolkitError)
    assert "'/w' does not answer" in str(done.exception)
