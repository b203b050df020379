"""Limits that bite, on whatever control groups this machine has."""

import errno
import mmap
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from toolkit.cgroup.controllers import available
from toolkit.cgroup.group import Cgroup
from toolkit.cgroup.layout import Layout
from toolkit.cgroup.limits import DeviceRule, Hugepages, IoRate, Limits
from toolkit.core.errors import ConflictError, InvalidInputError, UnsupportedError

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("home")]
MIB = 1 << 20
Make = Callable[..., Cgroup]
Spawn = Callable[[Cgroup, Callable[[], object]], int]


@pytest.fixture
def layout() -> Layout:
    return Layout.of_host()


@pytest.fixture
def make(layout: Layout) -> Iterator[Make]:
    """Groups below this test's own parent; killed and removed in the end."""
    with ExitStack() as undo:

        def create(name: str = "box", **limits: Any) -> Cgroup:
            path = f"{os.environ['DOCKYARD_CGROUP_PARENT']}/{name}"
            group = Cgroup.create(layout, path, Limits(**limits))
            undo.callback(group.remove)
            return group

        yield create


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """``spawn(group, action)``: a child in the group; its status is 1 if the action raised."""
    pids: list[int] = []

    def start(group: Cgroup, action: Callable[[], object]) -> int:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                group.enter()
                action()
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
        return pid

    yield start
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def end(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def touch(size: int) -> None:
    """Make ``size`` bytes of memory our own."""
    with mmap.mmap(-1, size) as area:
        for offset in range(0, size, mmap.PAGESIZE):
            area[offset] = 1


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def test_too_much_memory_is_an_oom_kill(make: Make, spawn: Spawn) -> None:
    group = make(memory=32 * MIB, memory_swap=32 * MIB)
    assert end(spawn(group, lambda: touch(16 * MIB))) == 0
    assert group.oom_kills() == 0
    assert end(spawn(group, lambda: touch(64 * MIB))) == -signal.SIGKILL
    assert group.oom_kills() == 1
    stats = group.stats()
    assert stats.memory_limit == 32 * MIB
    assert stats.oom_kills == 1


def test_a_neighbour_is_not_harmed(make: Make, spawn: Spawn) -> None:
    small, other = make("small", memory=16 * MIB), make("other", memory=256 * MIB)
    pid = spawn(other, signal.pause)
    assert end(spawn(small, lambda: touch(64 * MIB))) == -signal.SIGKILL
    assert state(pid) == "S"
    assert other.oom_kills() == 0


def test_too_many_processes_are_refused(make: Make, spawn: Spawn) -> None:
    group = make(pids=4)

    def forks() -> None:
        for number in range(10):
            try:
                if os.fork() == 0:
                    signal.pause()
            except BlockingIOError as error:
                os._exit(number if error.errno == errno.EAGAIN else 99)

    assert end(spawn(group, forks)) == 3
    stats = group.stats()
    assert (stats.pids, stats.pids_limit) == (3, 4)
    group.kill()


def test_a_quota_throttles(make: Make, spawn: Spawn) -> None:
    group = make(cpu_quota_us=5000, cpu_period_us=50000, cpu_shares=512)

    def burn() -> None:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            pass

    assert end(spawn(group, burn)) == 0
    stats = group.stats()
    assert stats.cpu_throttled
    assert stats.cpu_usage_us is not None
    assert stats.cpu_usage_us < 250_000  # a tenth of half a second, and room for slices


def test_a_cpuset_pins(make: Make, spawn: Spawn) -> None:
    group = make(cpuset_cpus="0")
    expected = {0}
    pid = spawn(group, lambda: os._exit(0 if os.sched_getaffinity(0) == expected else 1))
    assert end(pid) == 0


def test_a_cpu_that_does_not_exist_is_refused(make: Make, layout: Layout) -> None:
    if layout.find("cpuset") is None:
        pytest.skip("v2 takes any list")
    with pytest.raises(InvalidInputError, match="'cpuset-cpus' cannot be '4000'"):
        make(cpuset_cpus="4000")


def test_devices_are_opened_only_by_rule(make: Make, spawn: Spawn, layout: Layout) -> None:
    if layout.find("devices") is None:
        pytest.skip("no v1 devices controller here")
    rules = (
        DeviceRule(allow=False),
        DeviceRule(allow=True, type="c", major=1, minor=3),
        DeviceRule(allow=True, type="c", major=1, minor=5, access="r"),
    )
    group = make(devices=rules)

    def opens() -> None:
        os.open("/dev/null", os.O_RDWR)
        os.open("/dev/zero", os.O_RDONLY)
        for path, flags in (("/dev/zero", os.O_WRONLY), ("/dev/full", os.O_RDONLY)):
            try:
                os.open(path, flags)
            except PermissionError:
                continue
            os._exit(9)

    assert end(spawn(group, opens)) == 0
    assert group.warnings == ()


def test_frozen_and_thawed(make: Make, spawn: Spawn) -> None:
    group = make()

    def count() -> None:
        while True:
            time.sleep(0.001)

    pid = spawn(group, count)
    wait_until(lambda: group.processes() == [pid])
    group.freeze()

    def switches() -> str:
        return (
            Path(f"/proc/{pid}/status").read_text().split("voluntary_ctxt_switches:")[1].split()[0]
        )

    before = switches()
    time.sleep(0.05)
    assert switches() == before
    group.thaw()
    wait_until(lambda: switches() != before)
    group.kill()


def test_kill_ends_all_even_what_is_frozen_or_forks(make: Make, spawn: Spawn) -> None:
    group = make(pids=200)

    def bomb() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            try:
                os.fork()
            except BlockingIOError:
                time.sleep(0.001)

    spawn(group, bomb)
    wait_until(lambda: len(group.processes()) > 20)
    group.kill()
    assert group.processes() == []
    pid = spawn(group, signal.pause)
    wait_until(lambda: group.processes() == [pid])
    group.freeze()
    group.kill()
    assert end(pid) == -signal.SIGKILL


def test_processes_in_groups_below_are_ours_too(make: Make, spawn: Spawn) -> None:
    outer = make("outer", memory=64 * MIB)
    inner = make("outer/inner")
    pid = spawn(inner, signal.pause)
    wait_until(lambda: outer.processes() == [pid])
    outer.kill()
    assert end(pid) == -signal.SIGKILL
    outer.remove()


def test_a_busy_group_is_waited_for(make: Make, spawn: Spawn) -> None:
    group = make()
    pid = spawn(group, lambda: time.sleep(0.2))
    wait_until(lambda: group.processes() == [pid])
    with pytest.raises(OSError, match="processes are still in the group") as caught:
        group.remove(timeout=0.02)
    assert caught.value.errno == errno.EBUSY
    group.remove()
    assert not any(os.path.exists(path) for path in group.directories)


def test_a_living_group_is_not_taken_over(make: Make, spawn: Spawn) -> None:
    group = make()
    pid = spawn(group, signal.pause)
    wait_until(lambda: group.processes() == [pid])
    with pytest.raises(ConflictError, match="has processes of another container"):
        make()
    group.kill()
    make()


def test_join_moves_another_process(make: Make, spawn: Spawn) -> None:
    first, second = make("first"), make("second")
    pid = spawn(first, signal.pause)
    wait_until(lambda: first.processes() == [pid])
    second.join(pid)
    assert first.processes() == []
    assert second.processes() == [pid]
    second.kill()


@pytest.mark.parametrize("kind", ["this machine's", "v2"])
def test_a_child_is_forked_into_the_group(make: Make, layout: Layout, kind: str) -> None:
    if kind == "v2":
        if layout.v2 is None:
            pytest.skip("no v2 hierarchy is mounted")
        alone = Layout(kind="v2", v2=layout.v2)
        group = Cgroup.create(alone, f"{os.environ['DOCKYARD_CGROUP_PARENT']}/alone")
    else:
        group = make()
    pid = group.fork()
    if pid == 0:
        signal.pause()
    wait_until(lambda: group.processes() == [pid])
    own = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    inside = [line for line in own if os.environ["DOCKYARD_CGROUP_PARENT"] in line]
    assert len(inside) == len(group.directories)
    group.kill()
    assert end(pid) == -signal.SIGKILL
    group.remove()


def test_nothing_is_left_when_a_limit_fails(layout: Layout) -> None:
    parent = os.environ["DOCKYARD_CGROUP_PARENT"]
    with pytest.raises(InvalidInputError):
        Cgroup.create(layout, f"{parent}/box", Limits(pids=3, cpuset_mems="999"))
    found = [names for _, names, _ in os.walk("/sys/fs/cgroup") if parent in names]
    assert found == []  # os.walk passes over what others remove meanwhile


def test_containers_side_by_side_share_a_parent_that_comes_and_goes(layout: Layout) -> None:
    """Each makes the parent anew that the other just removed."""
    parent = os.environ["DOCKYARD_CGROUP_PARENT"]
    pids = []
    for name in ("a", "b", "c"):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for _ in range(30):
                    Cgroup.create(layout, f"{parent}/{name}", Limits(pids=9)).remove()
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [end(pid) for pid in pids] == [0, 0, 0]


def test_what_one_hierarchy_lacks_another_may_have(make: Make, layout: Layout) -> None:
    if layout.v2 is None or "hugetlb" not in available(layout):
        pytest.skip("the v2 hierarchy has no huge pages to limit")
    group = make(hugepages=(Hugepages(size="2MB", limit=4 * MIB),))
    assert Path(group.paths["unified"], "hugetlb.2MB.max").read_text() == f"{4 * MIB}\n"


def test_a_file_of_v2_is_refused_where_the_controller_is_v1s(make: Make, layout: Layout) -> None:
    if layout.kind == "v2":
        assert Path(
            make(unified=(("memory.high", "max"),)).paths["unified"], "memory.high"
        ).exists()
        return
    with pytest.raises(UnsupportedError, match=r"'memory.high' needs the cgroup v2 controller"):
        make(unified=(("memory.high", "max"),))


def test_a_rate_of_a_device_is_set(make: Make, layout: Layout) -> None:
    disk = next(
        (line.split() for line in Path("/proc/partitions").read_text().splitlines()[2:]), None
    )
    if layout.kind == "v2" or disk is None or layout.find("blkio") is None:
        pytest.skip("no disk, or none of v1's blkio")
    rate = IoRate(kind="rbps", major=int(disk[0]), minor=int(disk[1]), rate=MIB)
    text = Path(make(io_rates=(rate,)).paths["blkio"], "blkio.throttle.read_bps_device").read_text()
    assert text == f"{disk[0]}:{disk[1]} {MIB}\n"


def test_swappiness_and_no_oom_killer(make: Make, layout: Layout) -> None:
    if layout.kind == "v2":
        with pytest.raises(UnsupportedError, match=r"only cgroup v1 has it|this kernel lacks"):
            make(memory_swappiness=10)
        return
    memory = Path(make(memory=64 * MIB, memory_swappiness=10).paths["memory"])
    if (memory / "memory.swappiness").exists():
        assert (memory / "memory.swappiness").read_text() == "10\n"
