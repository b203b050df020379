import json
from pathlib import Path

import pytest

from support.fake_libvirt import FakeLibvirt
from toolkit.core.errors import CommandError, ConflictError
from toolkit.fleet.boxes import Boxes, Fleet, Place, Plan
from toolkit.inventory.load import load

BOX = ("/boxes/a.box", "fresh")
KEPT = Plan(snapshot=True)


@pytest.fixture
def libvirt() -> FakeLibvirt:
    return FakeLibvirt(
        machines={"other": "running"}, pools={"default": True}, networks={"default": True}
    )


@pytest.fixture
def boxes(tmp_path: Path, libvirt: FakeLibvirt) -> Boxes:
    place = Place(folder=str(tmp_path), vagrant_home="/vagrant", driver="qemu")
    return Boxes(place, libvirt)


def only_others(libvirt: FakeLibvirt) -> bool:
    return [*libvirt.machines, *libvirt.pools, *libvirt.networks] == ["other", "default", "default"]


def up(boxes: Boxes, plan: Plan) -> Fleet:
    return boxes.up(plan, BOX)


def test_up_gives_files_that_reach_the_machines(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    fleet = up(boxes, Plan(count=2))
    assert [login.name for login in fleet.logins] == ["fresh1", "fresh2"]
    hosts = load(fleet.inventory)
    assert hosts.members("boxes") == ("fresh1", "fresh2")
    variables = hosts.variables("fresh2")
    assert variables["ansible_host"] == "10.0.0.6"
    assert variables["ansible_ssh_private_key_file"] == "/keys/one"
    assert variables["dockyard_known_hosts"] == fleet.known_hosts
    known = Path(fleet.known_hosts).read_text().splitlines()
    assert known[0] == "10.0.0.5 ssh-ed25519 AAAA"
    assert len(known) == 4
    config = Path(fleet.ssh_config).read_text()
    assert "StrictHostKeyChecking yes" in config
    logins = [call for call in libvirt.calls if call.startswith(f"ssh -F {fleet.ssh_config}")]
    assert len(logins) == 2  # each has answered, its key checked


def test_down_leaves_what_is_others(boxes: Boxes, libvirt: FakeLibvirt, tmp_path: Path) -> None:
    up(boxes, Plan(count=3))
    assert len(libvirt.machines) == 4
    boxes.down(saved=False)
    assert only_others(libvirt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["console"]


def test_machines_that_did_not_come_up_are_removed_by_the_next_run(
    boxes: Boxes, libvirt: FakeLibvirt
) -> None:
    up(boxes, Plan())  # and its gate was killed
    libvirt.broken["vagrant --no-tty up"] = "the disk is full"
    with pytest.raises(CommandError, match="the disk is full"):
        up(boxes, Plan())
    assert list(libvirt.machines) == ["other"]
    boxes.down(saved=False)
    assert only_others(libvirt)


@pytest.mark.parametrize("words", ["vagrant --no-tty up", "vagrant ssh-config", "snapshot-create"])
def test_machines_that_do_not_come_up_are_made_once_more(
    boxes: Boxes, libvirt: FakeLibvirt, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    libvirt.hiccups.add(words)
    assert len(up(boxes, KEPT).logins) == 1
    assert len(libvirt.machines) == 2
    assert "made anew" in caplog.text
    assert "connection reset" in caplog.text


@pytest.mark.parametrize("words", ["/etc/ssh/ssh_host_", "fresh1 true"])
def test_a_machine_may_hang_up_while_it_boots(
    boxes: Boxes, libvirt: FakeLibvirt, words: str
) -> None:
    libvirt.hiccups.add(words)
    assert len(up(boxes, Plan()).logins) == 1
    assert sum("vagrant --no-tty up" in call for call in libvirt.calls) == 1


def test_a_saved_machine_that_does_not_come_back_is_made_anew(
    boxes: Boxes, libvirt: FakeLibvirt
) -> None:
    up(boxes, KEPT)
    boxes.down(saved=True)
    libvirt.hiccups.add("snapshot-revert")
    assert not up(boxes, KEPT).resumed


def test_saved_machines_come_back_without_a_boot(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    first = up(boxes, KEPT)
    assert not first.resumed
    boxes.down(saved=True)
    assert sorted(libvirt.machines.values()) == ["off", "running"]
    libvirt.calls.clear()
    again = up(boxes, KEPT)
    assert again.resumed
    assert again.logins == first.logins
    assert not [call for call in libvirt.calls if "vagrant" in call]
    assert set(libvirt.machines.values()) == {"running"}


@pytest.mark.parametrize(
    ("plan", "box"),
    [
        (Plan(snapshot=True, memory=1024), BOX),
        (Plan(snapshot=True, count=2), BOX),
        (KEPT, ("/boxes/b.box", "fresh")),
        (Plan(), BOX),
    ],
)
def test_another_plan_makes_them_anew(
    boxes: Boxes, libvirt: FakeLibvirt, plan: Plan, box: tuple[str, str]
) -> None:
    up(boxes, KEPT)
    boxes.down(saved=True)
    libvirt.calls.clear()
    assert not boxes.up(plan, box).resumed
    assert any("undefine" in call for call in libvirt.calls)


def test_a_machine_without_its_snapshot_is_made_anew(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    up(boxes, KEPT)
    boxes.down(saved=True)
    libvirt.snapshots.clear()
    assert not up(boxes, KEPT).resumed


def test_a_run_without_a_snapshot_leaves_none(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    up(boxes, KEPT)
    boxes.down(saved=True)
    up(boxes, Plan())
    boxes.down(saved=True)  # asked to keep what was never saved
    assert only_others(libvirt)


def test_revert_puts_all_back(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    fleet = up(boxes, Plan(snapshot=True, count=2))
    libvirt.calls.clear()
    boxes.revert(fleet)
    reverted = [call for call in libvirt.calls if "snapshot-revert" in call]
    assert len(reverted) == 2
    assert all("--running" in call for call in reverted)


def test_one_run_at_a_time(boxes: Boxes) -> None:
    second = boxes.locked()
    with boxes.locked(), pytest.raises(ConflictError, match="another run uses the machines"):
        second.__enter__()
    with boxes.locked():
        pass


def test_what_cannot_be_removed_is_said(boxes: Boxes, libvirt: FakeLibvirt) -> None:
    up(boxes, Plan())
    libvirt.broken["pool-undefine"] = "busy"
    with pytest.raises(ConflictError, match=r"libvirt still has dockyard-.*-pool"):
        boxes.clean()


def test_the_driver_is_tried_where_none_is_given(tmp_path: Path, libvirt: FakeLibvirt) -> None:
    boxes = Boxes(Place(folder=str(tmp_path), vagrant_home="/vagrant"), libvirt)
    assert up(boxes, KEPT).driver == "qemu"
    kept = json.loads((tmp_path / "boxes.json").read_text())
    assert kept["recipe"]["driver"] == "qemu"
    assert any(call.endswith("/driver") for call in libvirt.calls)


def test_two_folders_do_not_meet(tmp_path: Path, libvirt: FakeLibvirt) -> None:
    one, two = (
        Boxes(Place(folder=str(tmp_path / name), vagrant_home="/v", driver="kvm"), libvirt)
        for name in ("one", "two")
    )
    for boxes in (one, two):
        with boxes.locked():
            up(boxes, Plan())
    one.down(saved=False)
    assert [name for name in libvirt.machines if name.startswith(two.hypervisor.prefix)]
    two.down(saved=False)
    assert only_others(libvirt)
