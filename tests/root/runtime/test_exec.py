"""One more process in a running container: the same isolation, nothing more."""

import os
import signal
from collections.abc import Iterator

import pytest

from support.boxes import PYTHON_MOUNTS, Boxes, Running, capabilities
from toolkit.oci.spec import Rlimit, User
from toolkit.runtime.client import StartError, kill
from toolkit.runtime.request import StartRequest

pytestmark = pytest.mark.root
KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "uts")
LINKS = f"for n in {' '.join(KINDS)}; do readlink /proc/self/ns/$n; done"


@pytest.fixture
def sleeper(boxes: Boxes) -> Iterator[tuple[StartRequest, int]]:
    request = boxes.request(
        ["sleep", "60"],
        capabilities=capabilities(["CAP_KILL"]),
        no_new_privileges=True,
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=64, hard=64),),
        mounts=PYTHON_MOUNTS,
    )
    box = boxes.start(request)
    yield request, box.started()
    box.session.signal(signal.SIGKILL)
    box.finish()


def test_it_is_in_every_namespace_and_cgroup_of_the_init(
    boxes: Boxes, sleeper: tuple[StartRequest, int]
) -> None:
    request, pid = sleeper
    done = boxes.exec(request, ["sh", "-c", LINKS]).finish()
    assert done.out.split() == [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in KINDS]
    entered = boxes.exec(request, ["sleep", "60"])
    inside = entered.started()
    with open(f"/proc/{pid}/cgroup") as one, open(f"/proc/{inside}/cgroup") as other:
        assert one.read() == other.read()
    entered.session.signal(signal.SIGKILL)
    assert entered.finish().status == 137


def test_it_has_the_capabilities_and_limits_of_the_container(
    boxes: Boxes, sleeper: tuple[StartRequest, int]
) -> None:
    request, _ = sleeper
    text = boxes.exec(request, ["sh", "-c", "cat /proc/self/status; ulimit -n"]).finish().out
    seen = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert [int(seen[f"Cap{name}"], 16) for name in ("Bnd", "Eff", "Prm", "Inh")] == [
        1 << 5,
        1 << 5,
        1 << 5,
        0,
    ]
    assert seen["NoNewPrivs"] == "1"
    assert text.splitlines()[-1] == "64"


def test_it_may_be_another_user_in_another_directory(
    boxes: Boxes, sleeper: tuple[StartRequest, int]
) -> None:
    request, _ = sleeper
    done = boxes.exec(
        request, ["sh", "-c", "id -u; pwd; exit 5"], user=User(uid=9, gid=9), cwd="/tmp"
    ).finish()
    assert (done.status, done.out) == (5, "9\n/tmp\n")


def test_no_descriptor_of_the_host_is_open(boxes: Boxes, sleeper: tuple[StartRequest, int]) -> None:
    request, _ = sleeper
    script = "n=0; while [ $n -lt 63 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done"
    for passthrough in (True, False):
        done = boxes.exec(request, ["sh", "-c", script], passthrough=passthrough).finish()
        assert done.out.split() == ["0", "1", "2"]


@pytest.mark.parametrize(("name", "status"), [("nonsense", 127), ("/tmp", 126)])
def test_what_cannot_be_executed_has_a_status(
    boxes: Boxes, sleeper: tuple[StartRequest, int], name: str, status: int
) -> None:
    request, _ = sleeper
    with pytest.raises(StartError, match="exec in container") as caught:
        boxes.exec(request, [name]).finish()
    assert caught.value.exit_status == status


def test_its_streams_are_relayed(boxes: Boxes, sleeper: tuple[StartRequest, int]) -> None:
    request, _ = sleeper
    done = boxes.exec(
        request, ["sh", "-c", "dd if=/dev/zero bs=1024 count=1024 2>/dev/null; echo e >&2"]
    ).finish()
    assert (len(done.out), done.err) == (1024 * 1024, "e\n")


def test_the_end_of_the_container_ends_it(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    box.started()
    inside = boxes.exec(request, ["sleep", "60"])
    inside.started()
    kill(request.state_dir, signal.SIGKILL)
    assert inside.finish().status == 137
    assert box.finish().status == 137


def test_there_is_none_in_a_container_that_has_ended(boxes: Boxes) -> None:
    request = boxes.request(["true"])
    boxes.run(request)
    with pytest.raises(StartError, match="there is no container"):
        boxes.exec(request, ["true"]).finish()


def test_every_process_of_the_group_can_be_signalled(boxes: Boxes) -> None:
    request = boxes.request(["sh", "-c", "trap 'exit 3' TERM; sleep 60 & wait"])
    box = boxes.start(request)
    box.started()
    entered: Running = boxes.exec(request, ["sleep", "60"])
    entered.started()
    kill(request.state_dir, signal.SIGTERM, all=True)
    assert entered.finish().status in (137, 143)  # pid 1 may end before the signal has ended it
    assert box.finish().status == 3


def test_a_directory_that_is_not_there_is_told(
    boxes: Boxes, sleeper: tuple[StartRequest, int]
) -> None:
    request, _ = sleeper
    with pytest.raises(StartError, match="'/nowhere'") as caught:
        boxes.exec(request, ["true"], cwd="/nowhere").finish()
    assert caught.value.exit_status == 125
