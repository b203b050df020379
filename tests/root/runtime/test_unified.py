"""The same on cgroup v2: in a mount namespace of its own, where nothing else is mounted."""

import signal
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from support.boxes import Boxes
from support.fork import in_child
from toolkit.linux.mounts import MountFlag, mount
from toolkit.linux.namespaces import NamespaceFlag, unshare
from toolkit.runtime.client import Launcher, StartError, read_state

pytestmark = pytest.mark.root
OnV2 = Callable[[Callable[[Boxes], list[str]]], list[str]]
GROUPS = "/sys/fs/cgroup"


@pytest.fixture
def on_v2(busybox_root: Path, tmp_path: Path) -> OnV2:
    """``on_v2(action)`` gives ``action(boxes)`` with a launcher that sees v2 alone."""
    mark = f"dockyard-test-{uuid.uuid4().hex[:12]}"

    def run(action: Callable[[Boxes], list[str]]) -> list[str]:
        def inside() -> list[str]:
            unshare(NamespaceFlag.MOUNT)
            mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
            mount("cgroup2", GROUPS, "cgroup2")
            with Launcher.spawn(faults=True) as launcher:
                boxes = Boxes(launcher, busybox_root, tmp_path, mark)
                value = action(boxes)
                assert boxes.leftovers() == []
            return value

        return in_child(inside)

    return run


def test_the_init_is_born_in_its_group(on_v2: OnV2) -> None:
    def action(boxes: Boxes) -> list[str]:
        request = boxes.request(["sleep", "60"])
        box = boxes.start(request)
        host = Path(f"/proc/{box.started()}/cgroup").read_text().splitlines()[-1]
        state = read_state(request.state_dir)
        assert state is not None
        entered = boxes.exec(request, ["sleep", "60"])
        other = Path(f"/proc/{entered.started()}/cgroup").read_text().splitlines()[-1]
        own = boxes.exec(request, ["cat", "/proc/self/cgroup"]).finish().out.splitlines()[-1]
        box.session.signal(signal.SIGKILL)
        assert (box.finish().status, entered.finish().status) == (137, 137)
        return [host, other, own, *state.cgroup.values()]

    host, other, own, group = on_v2(action)
    assert host.startswith("0::/dockyard-test-")
    assert other == host
    assert own == "0::/"
    assert group == GROUPS + host.removeprefix("0::")


def test_its_mount_shows_the_own_group_only(on_v2: OnV2) -> None:
    def action(boxes: Boxes) -> list[str]:
        script = "cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/x; grep cgroup /proc/mounts"
        return [boxes.run(["sh", "-c", f"{script} 2>&1"]).out]

    (said,) = on_v2(action)
    assert said.startswith("1\n")
    assert "cgroup /sys/fs/cgroup cgroup2 ro," in said


@pytest.mark.parametrize("fault", ["cgroup", "fork", "join", "cgroup namespace", "exec"])
def test_a_failing_step_leaves_nothing(on_v2: OnV2, fault: str) -> None:
    def action(boxes: Boxes) -> list[str]:
        with pytest.raises(StartError, match="fault"):
            boxes.run(["true"], fault=fault)
        return [str(boxes.run(["true"]).status)]

    assert on_v2(action) == ["0"]
