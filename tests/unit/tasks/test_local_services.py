"""systemd without systemd: what systemctl says is recorded."""

import os
from pathlib import Path

import pytest

from toolkit.core.errors import CommandError, UnsupportedError
from toolkit.core.process import Completed
from toolkit.tasks import local_services
from toolkit.tasks.host import Unit
from toolkit.tasks.local_services import Systemd


class Systemctl:
    """Answers by the verb: status and standard output."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        assert argv[:2] == ("systemctl", "--no-ask-password")
        self.asked.append(argv[2:])
        status, stdout = self.answers.get(argv[2].replace("-", "_"), (0, ""))
        return Completed(argv=argv, status=status, stdout=stdout, stderr="it broke\n")


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(local_services, "RUNNING", str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(local_services, "RUNNING", str(tmp_path / "no"))
    monkeypatch.setattr(local_services, "_DIRECTORIES", (str(tmp_path),))
    return tmp_path


@pytest.mark.usefixtures("booted")
def test_a_running_manager_is_asked() -> None:
    said = "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n"
    services = Systemd(Systemctl(show=(0, said)))
    assert services.running()
    assert services.unit("cron.service") == Unit(
        name="cron.service", enabled="enabled", active="active"
    )


@pytest.mark.usefixtures("booted")
def test_an_unknown_unit_does_not_exist() -> None:
    said = "LoadState=not-found\nUnitFileState=\nActiveState=inactive\n"
    unit = Systemd(Systemctl(show=(0, said))).unit("nope.service")
    assert not unit.exists


@pytest.mark.usefixtures("booted")
def test_a_masked_unit_is_masked() -> None:
    said = "LoadState=masked\nUnitFileState=masked\nActiveState=inactive\n"
    assert Systemd(Systemctl(show=(0, said))).unit("a.service").enabled == "masked"


@pytest.mark.usefixtures("booted")
def test_an_init_script_has_its_state_asked() -> None:
    said = "LoadState=loaded\nUnitFileState=\nActiveState=active\n"
    systemctl = Systemctl(show=(0, said), is_enabled=(0, "enabled\n"))
    assert Systemd(systemctl).unit("old.service").enabled == "enabled"


@pytest.mark.parametrize(
    ("file", "unit", "exists"),
    [
        ("cron.service", "cron.service", True),
        ("getty@.service", "getty@tty1.service", True),
        ("getty@.service", "getty@.service", True),
        ("cron.service", "other.service", False),
    ],
)
def test_without_a_manager_files_tell(file: str, unit: str, exists: bool, offline: Path) -> None:
    (offline / file).touch()
    systemctl = Systemctl(is_enabled=(1, "disabled\n"))
    services = Systemd(systemctl)
    assert not services.running()
    found = services.unit(unit)
    assert (found.exists, found.active) == (exists, "")
    assert bool(systemctl.asked) is exists


def test_a_dangling_link_is_a_unit_too(offline: Path) -> None:
    os.symlink("/dev/null", offline / "gone.service")
    assert Systemd(Systemctl(is_enabled=(1, "masked\n"))).unit("gone.service").enabled == "masked"


def test_a_host_without_systemd_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="this host has no systemd"):
        Systemd(Systemctl(enable=(127, ""))).enable("a.service")


def test_a_failure_says_where_to_look() -> None:
    with pytest.raises(CommandError, match="it broke") as caught:
        Systemd(Systemctl(start=(1, ""))).start("a.service")
    assert "journalctl -u a.service" in caught.value.hint


@pytest.mark.parametrize(
    "verb", ["enable", "disable", "mask", "unmask", "start", "stop", "restart", "reload"]
)
def test_every_action_is_systemctls_own(verb: str) -> None:
    systemctl = Systemctl()
    getattr(Systemd(systemctl), verb)("-odd.service")
    assert systemctl.asked[0][0] == verb
    assert systemctl.asked[0][-2:] == ("--", "-odd.service")
