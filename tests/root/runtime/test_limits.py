"""What a container may use and which calls it may make; paused, it is entered by nobody."""

import errno
import os
import signal
from pathlib import Path

import pytest

from support.boxes import PYTHON_MOUNTS, Boxes, capabilities
from toolkit.engine.defaults import CAPABILITIES
from toolkit.oci.spec import Cpu, Memory, Pids, Resources, User
from toolkit.runtime import groups
from toolkit.runtime.client import StartError, read_state

pytestmark = pytest.mark.root

EAT = "x = bytearray(200 << 20); print(len(x))"


def test_memory_is_limited_and_its_want_is_told(boxes: Boxes) -> None:
    resources = Resources(memory=Memory(limit=32 << 20, swap=32 << 20))
    box = boxes.start(
        ["/usr/bin/python3", "-I", "-S", "-c", EAT], mounts=PYTHON_MOUNTS, resources=resources
    )
    done = box.finish()
    assert (done.status, done.out) == (137, "")
    assert box.session.exited()["oom"] is True


def test_processes_are_limited(boxes: Boxes) -> None:
    script = "i=0; while [ $i -lt 20 ]; do sleep 1 & i=$((i+1)); done; wait"
    done = boxes.run(["sh", "-c", script], resources=Resources(pids=Pids(limit=8)))
    assert "can't fork" in done.err


def test_cpu_shares_and_quota_are_in_the_files(boxes: Boxes) -> None:
    request = boxes.request(
        ["sleep", "60"], resources=Resources(cpu=Cpu(quota=50_000, period=100_000))
    )
    box = boxes.start(request)
    box.started()
    state = read_state(request.state_dir)
    assert state is not None
    folder = Path(state.cgroup.get("cpu") or state.cgroup["unified"])
    found = [folder / "cpu.cfs_quota_us", folder / "cpu.max"]
    text = next(path.read_text() for path in found if path.exists())
    assert text.split()[0] == "50000"
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_a_limit_that_makes_no_sense_is_a_line(boxes: Boxes) -> None:
    with pytest.raises(StartError, match="less than"):
        boxes.run(["true"], resources=Resources(memory=Memory(limit=1 << 30, swap=1)))


@pytest.mark.parametrize("no_new_privileges", [True, False])
@pytest.mark.parametrize("uid", [0, 1000])
def test_the_default_filter_forbids_what_it_should(
    boxes: Boxes, no_new_privileges: bool, uid: int
) -> None:
    script = (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); "
        "print(c.unshare(0x10000000), ctypes.get_errno()); "
        "print(*[l.split()[1] for l in open('/proc/self/status') if l.startswith('Seccomp:')])"
    )
    done = boxes.run(
        ["/usr/bin/python3", "-I", "-S", "-c", script],
        mounts=PYTHON_MOUNTS,
        seccomp={},
        no_new_privileges=no_new_privileges,
        user=User(uid=uid, gid=uid),
    )
    assert done.out.split() == ["-1", str(errno.EPERM), "2"], done.err


def test_an_exec_is_under_the_containers_filter(boxes: Boxes) -> None:
    nothing = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}],
    }
    request = boxes.request(["sleep", "60"], seccomp=nothing)
    box = boxes.start(request)
    box.started()
    done = boxes.exec(request, ["mkdir", "/tmp/x"]).finish()
    assert "Function not implemented" in done.err
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_a_filter_that_nobody_knows_is_a_line(boxes: Boxes) -> None:
    with pytest.raises(StartError, match="SCMP_ACT_DANCE"):
        boxes.run(["true"], seccomp={"defaultAction": "SCMP_ACT_DANCE"})


def test_a_paused_container_says_so_and_is_not_entered(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    box.started()
    state = read_state(request.state_dir)
    assert state is not None
    group = groups.open_group(state.cgroup)
    group.freeze()
    paused = read_state(request.state_dir)
    assert paused is not None
    assert paused.status == "paused"
    with pytest.raises(StartError, match="is paused"):
        boxes.exec(request, ["true"]).finish()
    group.thaw()
    assert boxes.exec(request, ["true"]).finish().status == 0
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_no_zombie_stays_and_the_group_is_gone(boxes: Boxes) -> None:
    request = boxes.request(["sh", "-c", "sleep 0.01 & sleep 0.01 & exit 0"])
    box = boxes.start(request)
    pid = box.started()
    box.finish()
    assert not Path(f"/proc/{pid}").exists()
    assert not os.path.exists(request.state_dir)


def test_unknown_capabilities_are_skipped(boxes: Boxes) -> None:
    held = capabilities([*CAPABILITIES, "CAP_OF_TOMORROW"])
    assert boxes.run(["true"], capabilities=held).status == 0
