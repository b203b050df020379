"""A killed launcher or shim harms no container, and what it left is cleaned up."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.boxes import Boxes
from toolkit.core.errors import ConflictError, UnavailableError
from toolkit.oci.spec import Namespace
from toolkit.runtime.client import Launcher, cleanup, connect_shim, kill, read_state

pytestmark = pytest.mark.root


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def test_a_killed_launcher_harms_no_container(boxes: Boxes) -> None:
    with Launcher.spawn() as mine:
        other = Boxes(mine, boxes.root, boxes.home, boxes.mark)
        request = other.request(["sh", "-c", "trap 'exit 6' TERM; echo up; sleep 60 & wait"])
        box = other.start(request)
        box.started()
        box.say("up")
        os.kill(mine.pid, signal.SIGKILL)
        with connect_shim(request.state_dir) as session:
            session.signal(signal.SIGTERM)
            assert session.wait() == 6
        assert box.finish().status == 6


def test_a_launcher_that_is_let_go_leaves_its_containers(boxes: Boxes) -> None:
    mine = Launcher.spawn()
    other = Boxes(mine, boxes.root, boxes.home, boxes.mark)
    request = other.request(["sleep", "60"])
    box = other.start(request)
    pid = box.started()
    mine.close()
    assert Path(f"/proc/{pid}").exists()
    kill(request.state_dir, signal.SIGKILL)
    assert box.finish().status == 137


def test_a_gone_launcher_is_said_so(boxes: Boxes) -> None:
    mine = Launcher.spawn()
    os.kill(mine.pid, signal.SIGKILL)
    until(lambda: Path(f"/proc/{mine.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    with pytest.raises(UnavailableError, match="launcher is gone"):
        Boxes(mine, boxes.root, boxes.home, boxes.mark).run(boxes.request(["true"]))
    mine.close()
    for folder in boxes.home.iterdir():
        for below in ("upper", "work"):
            (folder / below).rmdir()
        folder.rmdir()


def test_a_killed_shim_leaves_a_running_container_that_is_cleaned_up(
    boxes: Boxes, tmp_path: Path
) -> None:
    ending = tmp_path / "exit.json"
    script = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.01; done; sleep 60"
    request = boxes.request(["sh", "-c", script], exit_file=str(ending))
    box = boxes.start(request)
    pid = box.started()
    box.say("5")
    state = read_state(request.state_dir)
    assert state is not None
    os.kill(state.shim_pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match="shim is gone"):
        box.finish()
    # the kernel closes its sockets a moment before it counts as dead
    until(lambda: (found := read_state(request.state_dir)) is not None and not found.shim_pid)
    time.sleep(0.2)  # it goes on writing, and must not die of SIGPIPE
    now = read_state(request.state_dir)
    assert now is not None
    assert (now.status, now.pid, now.shim_pid) == ("running", pid, 0)
    with pytest.raises(ConflictError, match="is running"):
        cleanup(request.state_dir)
    kill(request.state_dir, signal.SIGKILL)
    until(lambda: (found := read_state(request.state_dir)) is not None and not found.pid)
    cleanup(request.state_dir)
    assert json.loads(ending.read_text())["status"] == 255
    assert read_state(request.state_dir) is None


def test_force_ends_container_and_shim(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    box.started()
    cleanup(request.state_dir, force=True)
    box.close()


def test_a_shim_killed_in_the_middle_of_a_start_takes_its_init_along(boxes: Boxes) -> None:
    request = boxes.request(["true"], hold=True)
    box = boxes.start(request)
    pid = box.started()
    state = read_state(request.state_dir)
    assert state is not None
    os.kill(state.shim_pid, signal.SIGKILL)
    box.close()
    until(lambda: not Path(f"/proc/{pid}").exists())
    cleanup(request.state_dir)


def test_a_client_that_leaves_is_not_missed(boxes: Boxes, tmp_path: Path) -> None:
    ending = tmp_path / "exit.json"
    box = boxes.start(
        ["sh", "-c", "sleep 0.3; yes | head -c 300000; exit 3"], exit_file=str(ending)
    )
    box.started()
    box.close()
    until(ending.exists)
    assert json.loads(ending.read_text())["status"] == 3


def test_a_launcher_serves_others_on_a_path(boxes: Boxes, tmp_path: Path) -> None:
    path = str(tmp_path / "launcher.sock")
    with Launcher.spawn(listen=path):
        until(lambda: os.path.exists(path))
        assert os.stat(path).st_mode & 0o777 == 0o600
        with Launcher.connect(path) as one, Launcher.connect(path) as other:
            for mine in (one, other):
                done = mine.start(boxes.request(["true"]), (0, 1, 2))
                assert done.wait() == 0
                done.close()


def test_nobody_serves_on_a_wrong_path(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no launcher serves"):
        Launcher.connect(str(tmp_path / "nothing"))


def test_many_start_at_once(boxes: Boxes) -> None:
    running = [boxes.start(["sh", "-c", f"echo {number}"]) for number in range(20)]
    assert [box.finish().out for box in running] == [f"{number}\n" for number in range(20)]


def test_shims_are_reaped(boxes: Boxes) -> None:
    for _ in range(3):
        boxes.run(["true"])
    children = Path(f"/proc/{boxes.launcher.pid}/task/{boxes.launcher.pid}/children").read_text()
    states = [Path(f"/proc/{pid}/stat").read_text().split()[2] for pid in children.split()]
    assert "Z" not in states


def test_namespaces_that_are_not_prepared_are_made_for_the_request(boxes: Boxes) -> None:
    listed = tuple(Namespace(type=name) for name in ("mount", "pid", "uts"))
    for _ in range(3):
        done = boxes.run(["readlink", "/proc/self/ns/net"], namespaces=listed, mounts=())
        assert done.out.strip() == os.readlink("/proc/self/ns/net")
        assert boxes.run(["readlink", "/proc/self/ns/net"]).out != done.out
