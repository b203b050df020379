"""Limits turned into writes, one controller at a time: pure functions."""

from pathlib import Path

import pytest

from toolkit.cgroup import controllers, cpu, cpuset, devices, files, hugetlb, io, memory, pids
from toolkit.cgroup.files import Write
from toolkit.cgroup.limits import DeviceRule, Hugepages, IoRate, IoWeight, Limits, Rdma
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import replace

MIB = 1 << 20


def plain(steps: tuple[Write, ...]) -> list[tuple[str, str]]:
    return [(step.file, step.value) for step in steps]


@pytest.mark.parametrize("controller", [cpu, cpuset, devices, hugetlb, io, memory, pids])
def test_no_limit_writes_nothing(controller: object) -> None:
    for version in ("v1", "v2"):
        assert getattr(controller, version)(Limits()) == ()


def test_memory_on_v1_before_the_sum_with_swap() -> None:
    limits = Limits(memory=64 * MIB, memory_swap=96 * MIB, memory_reservation=MIB)
    assert plain(memory.v1(limits)) == [
        ("memory.limit_in_bytes", "67108864"),
        ("memory.soft_limit_in_bytes", "1048576"),
        ("memory.memsw.limit_in_bytes", "100663296"),
    ]


def test_memory_on_v2_counts_swap_alone() -> None:
    limits = Limits(memory=64 * MIB, memory_swap=96 * MIB, memory_reservation=MIB)
    assert plain(memory.v2(limits)) == [
        ("memory.max", "67108864"),
        ("memory.low", "1048576"),
        ("memory.swap.max", "33554432"),
    ]


def test_memory_and_swap_alike_mean_no_swap() -> None:
    limits = Limits(memory=64 * MIB, memory_swap=64 * MIB)
    assert plain(memory.v2(limits))[1] == ("memory.swap.max", "0")


def test_unlimited_memory() -> None:
    limits = Limits(memory=-1, memory_swap=-1)
    assert plain(memory.v1(limits))[0] == ("memory.limit_in_bytes", "-1")
    assert plain(memory.v2(limits)) == [("memory.max", "max"), ("memory.swap.max", "max")]


def test_swap_without_accounting_matters_only_if_it_is_limited() -> None:
    (_, limited) = memory.v1(Limits(memory=MIB, memory_swap=2 * MIB))
    (_, lifted) = memory.v1(Limits(memory=MIB, memory_swap=-1))
    assert not limited.optional
    assert "swapaccount" in limited.missing
    assert lifted.optional


def test_cpu_on_v1_writes_the_period_first() -> None:
    limits = Limits(cpu_quota_us=50000, cpu_period_us=100000, cpu_shares=512)
    assert plain(cpu.v1(limits)) == [
        ("cpu.shares", "512"),
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "50000"),
    ]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(cpu_quota_us=50000), "50000 100000"),
        (Limits(cpu_quota_us=50000, cpu_period_us=20000), "50000 20000"),
        (Limits(cpu_period_us=20000), "max 20000"),
        (Limits(cpu_quota_us=-1), "max 100000"),
    ],
)
def test_cpu_on_v2_is_one_file(limits: Limits, expected: str) -> None:
    assert plain(cpu.v2(limits)) == [("cpu.max", expected)]


@pytest.mark.parametrize(
    ("shares", "weight"),
    [(2, 1), (1024, 39), (262144, 10000), (1, 1), (10**6, 10000), (512, 20)],
)
def test_shares_become_weight(shares: int, weight: int) -> None:
    assert cpu.weight(shares) == weight
    assert plain(cpu.v2(Limits(cpu_shares=shares))) == [("cpu.weight", str(weight))]


def test_no_shares_are_no_limit() -> None:
    assert cpu.v1(Limits(cpu_shares=0)) == cpu.v2(Limits(cpu_shares=0)) == ()


def test_cpuset_is_alike_in_both() -> None:
    limits = Limits(cpuset_cpus="0-2,7", cpuset_mems="0")
    expected = [("cpuset.cpus", "0-2,7"), ("cpuset.mems", "0")]
    assert plain(cpuset.v1(limits)) == plain(cpuset.v2(limits)) == expected


@pytest.mark.parametrize(("limit", "value"), [(64, "64"), (0, "0"), (-1, "max")])
def test_pids(limit: int, value: str) -> None:
    assert plain(pids.v1(Limits(pids=limit))) == [("pids.max", value)]
    assert plain(pids.v2(Limits(pids=limit))) == [("pids.max", value)]


def test_huge_pages_have_a_file_a_size() -> None:
    limits = Limits(hugepages=(Hugepages(size="2MB", limit=4 * MIB),))
    assert plain(hugetlb.v1(limits)) == [("hugetlb.2MB.limit_in_bytes", "4194304")]
    assert plain(hugetlb.v2(limits)) == [("hugetlb.2MB.max", "4194304")]


def test_rates_of_devices() -> None:
    rates = [("rbps", 1000), ("wiops", 0)]
    limits = Limits(
        io_rates=tuple(IoRate(kind=kind, major=8, minor=16, rate=rate) for kind, rate in rates)
    )
    assert plain(io.v1(limits)) == [
        ("blkio.throttle.read_bps_device", "8:16 1000"),
        ("blkio.throttle.write_iops_device", "8:16 0"),
    ]
    assert plain(io.v2(limits)) == [("io.max", "8:16 rbps=1000"), ("io.max", "8:16 wiops=max")]


def test_what_only_v1_has_names_its_file_on_both() -> None:
    limits = Limits(memory_swappiness=10, oom_kill_disable=True)
    wanted = [("memory.swappiness", "10"), ("memory.oom_control", "1")]
    assert plain(memory.v1(limits)) == plain(memory.v2(limits)) == wanted
    assert all("only cgroup v1" in step.missing for step in memory.v2(limits))


def test_burst_and_idle() -> None:
    limits = Limits(cpu_burst_us=5000, cpu_idle=1)
    assert plain(cpu.v1(limits)) == [("cpu.cfs_burst_us", "5000"), ("cpu.idle", "1")]
    assert plain(cpu.v2(limits)) == [("cpu.max.burst", "5000"), ("cpu.idle", "1")]


def test_devices_keep_their_order() -> None:
    rules = (
        DeviceRule(allow=False),
        DeviceRule(allow=True, type="c", access="m"),
        DeviceRule(allow=True, type="c", major=1, minor=3, access="rw"),
        DeviceRule(allow=False, type="b", major=8, minor=-1),
        DeviceRule(allow=True, type="a", access="r"),
    )
    assert plain(devices.v1(Limits(devices=rules))) == [
        ("devices.deny", "a"),
        ("devices.allow", "c *:* m"),
        ("devices.allow", "c 1:3 rw"),
        ("devices.deny", "b 8:* rwm"),
        ("devices.allow", "b *:* r"),
        ("devices.allow", "c *:* r"),
    ]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(memory_swap=MIB), "needs a limit of memory"),
        (Limits(memory=-1, memory_swap=MIB), "needs a limit of memory"),
        (Limits(memory=2 * MIB, memory_swap=MIB), "less than 2097152 of memory"),
        (Limits(memory=0), "0 bytes makes no sense"),
        (Limits(memory=-5), "makes no sense"),
        (Limits(cpu_period_us=10), "out of range"),
        (Limits(cpu_period_us=2_000_000), "out of range"),
        (Limits(cpu_quota_us=10), "too small"),
        (Limits(pids=-2), "makes no sense"),
        (Limits(devices=(DeviceRule(allow=True, type="x"),)), "device rule"),
        (Limits(unified=(("memory/high", "1"),)), "no file of a cgroup"),
        (Limits(unified=(("memory", "1"),)), "no file of a cgroup"),
        (Limits(devices=(DeviceRule(allow=True, access="rx"),)), "device rule"),
    ],
)
def test_limits_that_no_kernel_takes(limits: Limits, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        limits.check()


@pytest.mark.parametrize(
    "limits",
    [Limits(), Limits(memory=MIB, memory_swap=-1), Limits(cpu_quota_us=-1), Limits(pids=0)],
)
def test_limits_that_are_fine(limits: Limits) -> None:
    limits.check()


def test_weights_of_devices() -> None:
    weights = (IoWeight(weight=70), IoWeight(weight=1000, leaf_weight=10, major=8, minor=16))
    limits = Limits(io_weights=weights)
    assert plain(io.v1(limits)) == [
        ("blkio.weight", "70"),
        ("blkio.weight_device", "8:16 1000"),
        ("blkio.leaf_weight_device", "8:16 10"),
    ]
    assert plain(io.v2(limits))[:2] == [("io.bfq.weight", "70"), ("io.bfq.weight", "8:16 1000")]
    others = [step.instead for step in (*io.v1(limits)[:2], *io.v2(limits)[:2])]
    assert plain(tuple(other for other in others if other)) == [
        ("blkio.bfq.weight", "70"),
        ("blkio.bfq.weight_device", "8:16 1000"),
        ("io.weight", "607"),
        ("io.weight", "8:16 10000"),
    ]


def test_a_file_that_stands_in_for_another(tmp_path: Path) -> None:
    first, second = (Write(file=name, value=name, limit="x") for name in ("first", "second"))
    step = replace(first, instead=second)
    (tmp_path / "second").write_text("")
    files.apply(str(tmp_path), (step,))
    assert (tmp_path / "second").read_text() == "second"
    (tmp_path / "first").write_text("")
    files.apply(str(tmp_path), (step,))
    assert (tmp_path / "first").read_text() == "first"
    (tmp_path / "first").unlink()
    (tmp_path / "second").unlink()
    with pytest.raises(UnsupportedError, match="needs 'second', which this kernel lacks"):
        files.apply(str(tmp_path), (step,))


def test_real_time_comes_period_first() -> None:
    limits = Limits(cpu_realtime_us=5, cpu_realtime_period_us=9)
    assert plain(cpu.v1(limits)) == [("cpu.rt_period_us", "9"), ("cpu.rt_runtime_us", "5")]


def test_networks_and_rdma_are_controllers_of_their_own() -> None:
    limits = Limits(
        net_class=5,
        net_priorities=(("eth0", 1), ("eth1", 2)),
        rdma=(Rdma(device="mlx4_0", handles=2), Rdma(device="ocrdma1", objects=0)),
    )
    found = {name: plain(steps) for name, steps in controllers.writes(limits, 1).items()}
    assert found == {
        "net_cls": [("net_cls.classid", "5")],
        "net_prio": [("net_prio.ifpriomap", "eth0 1"), ("net_prio.ifpriomap", "eth1 2")],
        "rdma": [
            ("rdma.max", "mlx4_0 hca_handle=2 hca_object=max"),
            ("rdma.max", "ocrdma1 hca_handle=max hca_object=0"),
        ],
    }


@pytest.mark.parametrize(
    ("before", "limit", "first"),
    [
        (64, 32, "memory.limit_in_bytes"),
        (64, 64, "memory.limit_in_bytes"),
        (64, 65, "memory.memsw.limit_in_bytes"),
        (64, -1, "memory.memsw.limit_in_bytes"),
        (None, 99, "memory.limit_in_bytes"),
    ],
)
def test_limits_of_memory_rise_and_fall_in_order(
    tmp_path: Path, before: int | None, limit: int, first: str
) -> None:
    if before is not None:
        (tmp_path / "memory.memsw.limit_in_bytes").write_text(f"{before}\n")
    steps = memory.v1(Limits(memory=limit, memory_swap=-1 if limit < 0 else 2 * limit))
    ordered = memory.in_order(str(tmp_path), steps)
    assert ordered[0].file == first
    assert sorted(plain(ordered)) == sorted(plain(steps))
