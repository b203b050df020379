"""Containers that the launcher keeps itself: no shim of their own, and nothing lost by that."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.boxes import Boxes, Running
from toolkit.core.errors import UnavailableError
from toolkit.runtime.client import Launcher, StartError, cleanup, connect_shim, kill, read_state
from toolkit.runtime.request import StartRequest
from toolkit.runtime.spawn import spawn
from toolkit.runtime.steps import INIT_STEPS, SHIM_STEPS

pytestmark = pytest.mark.root


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def children(pid: int) -> list[str]:
    """Those of a launcher, but its nursery."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in found if name_of(child) != "dockyard-nest"]


def name_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""


def nursery(pid: int) -> int:
    """The process that forks inits for a launcher; it comes when there is nothing else to do."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: any(name_of(child) == "dockyard-nest" for child in path.read_text().split()))
    return next(int(one) for one in path.read_text().split() if name_of(one) == "dockyard-nest")


def ended(pid: int) -> None:
    """Wait until it is reaped."""
    until(lambda: not Path(f"/proc/{pid}").exists())


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def sleeping(boxes: Boxes, **changes: object) -> tuple[StartRequest, Running, int]:
    request = boxes.request(["sleep", "60"], passthrough=True, **changes)
    box = boxes.start(request)
    return request, box, box.started()


def another(mine: Launcher, boxes: Boxes, folder: str) -> Boxes:
    """Boxes of a launcher of their own, with names of their own."""
    made = Boxes(mine, boxes.root, boxes.home / folder, boxes.mark)
    made.home.mkdir()
    return made


def test_there_is_no_process_between_launcher_and_container(boxes: Boxes) -> None:
    nursery(boxes.launcher.pid)  # until it has its name it looks like anything
    request, box, pid = sleeping(boxes)
    state = read_state(request.state_dir)
    assert state is not None
    assert (state.shim_pid, state.shim_shared) == (boxes.launcher.pid, True)
    assert children(boxes.launcher.pid) == [str(pid)]
    with connect_shim(request.state_dir) as other:
        other.signal(signal.SIGTERM)  # to the first of a pid namespace: ignored
        other.signal(signal.SIGKILL)
        assert other.wait() == 137
    assert box.finish().status == 137


def test_one_that_needs_a_relay_has_a_shim_of_its_own(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    box.started()
    state = read_state(request.state_dir)
    assert state is not None
    assert state.shim_pid != boxes.launcher.pid
    assert not state.shim_shared
    box.session.signal(signal.SIGKILL)
    assert box.finish().status == 137


def test_a_killed_nursery_is_replaced(boxes: Boxes) -> None:
    for _ in range(2):
        first = nursery(boxes.launcher.pid)
        os.kill(first, signal.SIGKILL)
        assert boxes.run(["true"], passthrough=True).status == 0
        ended(first)
        assert nursery(boxes.launcher.pid) != first


def test_what_a_frozen_nursery_never_did_the_launcher_does(boxes: Boxes) -> None:
    """It has been asked when it is killed."""
    pid = nursery(boxes.launcher.pid)
    os.kill(pid, signal.SIGSTOP)
    box = boxes.start(["cat", "/proc/self/cgroup"], passthrough=True)
    os.kill(pid, signal.SIGKILL)
    done = box.finish()
    assert (done.status, done.err) == (0, "")
    assert done.out


def test_the_nursery_ends_before_its_launcher() -> None:
    with Launcher.spawn() as mine:
        pid = nursery(mine.pid)
    assert not Path(f"/proc/{pid}").exists()


def test_a_launcher_for_one_container_has_a_nursery_for_one(boxes: Boxes) -> None:
    sock, launcher = spawn(nurseries=1)
    with Launcher(sock, launcher) as mine:
        pid = nursery(launcher)
        mine_too = another(mine, boxes, "own")
        assert mine_too.run(["true"], passthrough=True).status == 0
        ended(pid)
        assert mine_too.run(["true"], passthrough=True).status == 0
        until(lambda: children(launcher) == [])
        assert Path(f"/proc/{launcher}/task/{launcher}/children").read_text() == ""
    (boxes.home / "own").rmdir()


def test_a_launcher_without_a_nursery_starts_containers_all_the_same(boxes: Boxes) -> None:
    sock, launcher = spawn(nurseries=0)
    with Launcher(sock, launcher) as mine:
        mine_too = another(mine, boxes, "own")
        assert mine_too.run(["true"], passthrough=True).status == 0
        assert Path(f"/proc/{launcher}/task/{launcher}/children").read_text() == ""
    (boxes.home / "own").rmdir()


def test_many_at_once_end_each_with_its_own_status(boxes: Boxes) -> None:
    nursery(boxes.launcher.pid)
    before = descriptors(boxes.launcher.pid)
    running = [
        boxes.start(["sh", "-c", f"echo {number}; exit {number}"], passthrough=True)
        for number in range(20)
    ]
    done = [box.finish() for box in running]
    assert [one.status for one in done] == list(range(20))
    assert [one.out for one in done] == [f"{number}\n" for number in range(20)]
    until(lambda: children(boxes.launcher.pid) == [])
    until(lambda: descriptors(boxes.launcher.pid) <= before)


@pytest.mark.parametrize("step", [*SHIM_STEPS, *INIT_STEPS])
def test_a_failing_step_leaves_nothing(boxes: Boxes, step: str) -> None:
    with pytest.raises(StartError, match="fault: asked for by a test"):
        boxes.run(["true"], passthrough=True, fault=step)
    assert boxes.run(["true"], passthrough=True).status == 0
    until(lambda: children(boxes.launcher.pid) == [])


def test_a_missing_program_is_127_and_the_launcher_goes_on(boxes: Boxes) -> None:
    with pytest.raises(StartError, match="not found") as caught:
        boxes.run(["nothing-here"], passthrough=True)
    assert caught.value.exit_status == 127
    assert boxes.run(["true"], passthrough=True).status == 0


def test_a_held_one_runs_when_it_is_told(boxes: Boxes) -> None:
    request = boxes.request(["echo", "now"], passthrough=True, hold=True)
    box = boxes.start(request)
    box.started()
    state = read_state(request.state_dir)
    assert state is not None
    assert state.status == "created"
    box.session.begin()
    assert box.finish().out == "now\n"


def test_a_launcher_that_is_let_go_stays_for_them(boxes: Boxes) -> None:
    mine = Launcher.spawn()
    pid = mine.pid
    request, box, inner = sleeping(another(mine, boxes, "own"))
    mine.close()  # and does not wait for it
    assert Path(f"/proc/{inner}").exists()
    with connect_shim(request.state_dir) as session:
        session.signal(signal.SIGKILL)
        assert session.wait() == 137
    box.close()
    assert os.waitpid(pid, 0)[1] == 0
    (boxes.home / "own").rmdir()


def test_a_killed_launcher_costs_their_status_not_their_life(boxes: Boxes) -> None:
    mine = Launcher.spawn()
    request, box, pid = sleeping(another(mine, boxes, "own"))
    os.kill(mine.pid, signal.SIGKILL)
    with pytest.raises(UnavailableError, match="shim is gone"):
        box.session.wait()
    # the kernel closes its sockets a moment before it counts as dead
    until(lambda: (found := read_state(request.state_dir)) is not None and not found.shim_pid)
    state = read_state(request.state_dir)
    assert state is not None
    assert (state.status, state.pid, state.shim_pid) == ("running", pid, 0)
    kill(request.state_dir, signal.SIGKILL)
    until(lambda: (found := read_state(request.state_dir)) is not None and not found.pid)
    cleanup(request.state_dir)
    assert read_state(request.state_dir) is None
    box.close()
    mine.close()
    (boxes.home / "own").rmdir()


def test_forced_cleaning_ends_one_and_no_other(boxes: Boxes) -> None:
    request, box, _ = sleeping(boxes)
    _, other, pid = sleeping(boxes)
    cleanup(request.state_dir, force=True)
    box.close()
    assert Path(f"/proc/{pid}").exists()
    assert boxes.run(["true"], passthrough=True).status == 0
    other.session.signal(signal.SIGKILL)
    assert other.finish().status == 137


def test_a_client_that_leaves_is_not_missed(boxes: Boxes) -> None:
    request, box, _ = sleeping(boxes)
    box.close()
    kill(request.state_dir, signal.SIGKILL)
    until(lambda: not Path(request.state_dir).exists())


def test_prepared_namespaces_serve_one_container_each(boxes: Boxes) -> None:
    links = "readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts"
    script = f"{links}; cat /sys/class/net/lo/operstate"
    seen: set[str] = set()
    for _ in range(3):
        time.sleep(0.02)  # time to prepare
        *found, state = boxes.run(["sh", "-c", script], passthrough=True).out.split()
        assert seen.isdisjoint(found)
        assert state == "unknown"  # what the kernel says of a loopback that is up
        seen |= set(found)
    own = {os.readlink(f"/proc/self/ns/{name}") for name in ("net", "ipc", "uts")}
    assert seen.isdisjoint(own)
    there = {os.readlink(f"/proc/{boxes.launcher.pid}/ns/{name}") for name in ("net", "ipc", "uts")}
    assert there == own
