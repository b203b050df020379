import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.fake_libvirt import FakeLibvirt
from toolkit.core.errors import (
    CommandError,
    InvalidInputError,
    NotFoundError,
    ToolkitError,
    UnavailableError,
)
from toolkit.core.files import shipped
from toolkit.fleet.hypervisor import Hypervisor
from toolkit.fleet.programs import RealPrograms, Wish
from toolkit.fleet.vagrant import box_of, driver_of, logins


@pytest.mark.parametrize(
    ("wanted", "file", "role"),
    [
        ("debian12", "/boxes/bookworm-fresh.box", "fresh"),
        ("debian13", "/boxes/trixie-fresh.box", "fresh"),
        ("debian12/podman", "/boxes/bookworm-podman.box", "podman"),
    ],
)
def test_boxes_by_name_are_built(wanted: str, file: str, role: str) -> None:
    assert box_of(wanted, FakeLibvirt()) == (file, role)


def test_a_box_is_built_outside_of_a_network_that_reaches_no_mirror() -> None:
    programs = FakeLibvirt()
    box_of("debian12", programs, outside=("nsenter", "--net=/n", "--"))
    (line,) = programs.calls
    assert line.startswith("nsenter --net=/n -- /")
    assert line.endswith("/box --suite bookworm --role fresh")


def test_a_box_by_file(tmp_path: Path) -> None:
    file = tmp_path / "own.box"
    with pytest.raises(NotFoundError, match="no such box"):
        box_of(str(file), FakeLibvirt())
    file.touch()
    assert box_of(str(file), FakeLibvirt()) == (str(file), "fresh")


@pytest.mark.parametrize(("wanted", "hint"), [("debian11", "debian1"), ("debian12/web", "one of")])
def test_an_unknown_box_is_refused(wanted: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=f"'{wanted}' is no box") as caught:
        box_of(wanted, FakeLibvirt())
    assert hint in caught.value.hint or wanted.startswith("debian12")


def test_the_driver_is_tried_with_the_boxs_kernel(tmp_path: Path) -> None:
    libvirt = FakeLibvirt()
    (tmp_path / "vmlinuz").touch()  # as tar would have left it
    assert driver_of("/boxes/a.box", libvirt, str(tmp_path)) == "qemu"
    assert libvirt.calls[-1].endswith(f"/driver {tmp_path}/vmlinuz")
    assert list(tmp_path.iterdir()) == []


def test_ssh_config_is_read() -> None:
    text = (
        "Host fresh1\n  HostName 10.0.0.9\n  User vagrant\n  Port 2222\n"
        '  IdentityFile "/a key"\n\nHost fresh2\n  HostName 10.0.0.10\n  User root\n'
        "  IdentityFile /k\n"
    )
    one, two = logins(text)
    assert (one.name, one.address, one.port, one.key_file) == ("fresh1", "10.0.0.9", 2222, "/a key")
    assert (two.user, two.port) == ("root", 22)
    assert logins("") == ()
    with pytest.raises(ToolkitError, match="says no 'HostName' for 'x'"):
        logins("Host x\n  User y\n")


def test_names_follow_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one = Hypervisor(FakeLibvirt(), str(tmp_path))
    same = Hypervisor(FakeLibvirt(), str(tmp_path / "link"))
    other = Hypervisor(FakeLibvirt(), str(tmp_path / "other"))
    assert (one.prefix, one.network, one.address) == (same.prefix, same.network, same.address)
    assert one.prefix != other.prefix


def test_no_virsh_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not Hypervisor(RealPrograms(), str(tmp_path)).answers()


class TestRealPrograms:
    def test_what_it_says_is_kept(self) -> None:
        done = RealPrograms().run(("sh", "-c", "echo out; echo err >&2"))
        assert (done.status, done.stdout, done.stderr) == (0, "out\n", "err\n")

    def test_a_log_takes_it_all(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        RealPrograms().run(("sh", "-c", "echo out; echo err >&2"), Wish(log=str(log)))
        script = "for n in $(seq 19); do echo line $n; done; exit 3"
        with pytest.raises(CommandError, match="line 19"):
            RealPrograms().run(("sh", "-c", script), Wish(log=str(log)))
        assert log.read_text().startswith("out\nerr\nline 1\n")

    def test_variables_are_added(self) -> None:
        done = RealPrograms().run(("sh", "-c", "echo $ONE $HOME"), Wish(env={"ONE": "1"}))
        assert done.stdout == f"1 {os.environ['HOME']}\n"

    def test_what_is_not_installed(self) -> None:
        with pytest.raises(NotFoundError, match="'no-such-tool' is not installed"):
            RealPrograms().run(("no-such-tool",))

    def test_time_is_up_for_children_too(self, tmp_path: Path) -> None:
        script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
        for seconds in (0.5, 5, 60):  # a busy machine may not have begun when time is up
            with pytest.raises(UnavailableError, match=f"did not end within {seconds:g} s"):
                RealPrograms().run(("sh", "-c", script), Wish(timeout=seconds))
            if number := (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                break
        assert gone(int(number))

    def test_it_ends_with_a_killed_caller(self, tmp_path: Path) -> None:
        """As after SIGKILL of a gate: no vagrant goes on making machines."""
        script = f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; sleep 1000"
        code = f"from toolkit.fleet.programs import *; RealPrograms().run(('sh', '-c', {script!r}))"
        with subprocess.Popen((sys.executable, "-c", code)) as caller:
            deadline = time.monotonic() + 90
            while not (tmp_path / "pid").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            caller.kill()
        assert gone(int((tmp_path / "pid").read_text()))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_all_that_a_gate_needs_is_shipped() -> None:
    folder = Path(shipped("vagrant"))
    for name in (
        "box",
        "driver",
        "emulator",
        "initramfs",
        "inode-times",
        "libvirt",
        "packages-index",
        "settings",
    ):
        assert os.access(folder / name, os.X_OK), name
    for name in ("Vagrantfile", "box.Vagrantfile"):
        assert (folder / name).is_file()
