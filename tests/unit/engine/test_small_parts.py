"""Owners, network files, the machine, stored rows and the guard."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolkit.core.files import remove_tree
from toolkit.engine import machine, owner
from toolkit.engine.config import ContainerConfig
from toolkit.engine.guard import Guard
from toolkit.engine.stored import PlainImage, Stored, dump, load, plain
from toolkit.oci.image import ImageConfig


def test_this_process_is_alive() -> None:
    assert owner.alive(owner.me())


def test_a_process_that_got_this_number_later_is_another() -> None:
    assert not owner.alive(f"{os.getpid()}:1")


@pytest.mark.parametrize("text", ["", "1", "1:", ":5", "x:y", "999999999:1"])
def test_others_are_not(text: str) -> None:
    assert not owner.alive(text)


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen((sys.executable, "-c", "")) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not owner.alive(f"{child.pid}:1")


def test_own_capabilities_are_names() -> None:
    assert all(name.startswith("CAP_") for name in machine.own_capabilities())


def test_host_devices_are_nodes_and_no_terminals() -> None:
    found = {device.path for device in machine.host_devices()}
    assert "/dev/null" in found
    assert not any(path.startswith(("/dev/pts/", "/dev/tty")) for path in found)
    assert "/dev/console" not in found


def test_an_overlay_is_known_by_its_mount() -> None:
    assert not machine.is_overlay("/proc")


def test_a_row_survives() -> None:
    config = ContainerConfig(image="box", command=("sh",))
    said = ImageConfig(env=("A=1",), cmd=("x",), user="web", stop_signal="INT", labels={})
    image = PlainImage(lower=("/l",), binds=(("/usr", "/usr"),), digest="sha256:1", config=said)
    stored = Stored(config=config, image=plain(image))
    assert load(dump(stored)) == stored


def test_a_tree_goes_with_all_it_holds_but_not_through_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    deep = tmp_path / "tree/a/b"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    remove_tree(str(tmp_path / "tree"))
    remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == ["kept"]
    assert (tmp_path / "kept/file").exists()


def test_a_guard_stays_quiet_when_all_went_well(tmp_path: Path) -> None:
    with Guard((tmp_path / "seen").touch):
        pass
    assert not (tmp_path / "seen").exists()


def test_a_guard_acts_when_its_process_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal; from toolkit.engine.guard import Guard\n"
        f"with Guard(lambda: pathlib.Path({str(tmp_path / 'seen')!r}).touch()):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run((sys.executable, "-c", program), check=False)
    assert done.returncode == -9
    deadline = time.monotonic() + 10
    while not (tmp_path / "seen").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
