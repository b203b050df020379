"""Units, slices and limits in systemd's own words: pure functions."""

import re

import pytest

from toolkit.cgroup.limits import UNLIMITED, Limits
from toolkit.cgroup.systemd import (
    Unit,
    address,
    bits,
    limits_of,
    properties_of,
    slice_path,
    unit_of,
)
from toolkit.core.errors import InvalidInputError

MIB = 1 << 20
INFINITE = 2**64 - 1


@pytest.mark.parametrize(
    ("path", "unit", "group"),
    [
        ("system.slice:docker:abc", "docker-abc.scope", "/system.slice"),
        ("machine.slice:libpod:abc", "libpod-abc.scope", "/machine.slice"),
        (":box:one", "box-one.scope", "/system.slice"),
        ("a-b.slice::one", "one.scope", "/a.slice/a-b.slice"),
        ("-.slice:box:one", "box-one.scope", ""),
        ("", "dockyard-name.scope", "/system.slice"),
    ],
)
def test_a_path_names_a_unit(path: str, unit: str, group: str) -> None:
    found = unit_of(path, "name")
    assert (found.name, found.path) == (unit, f"{group}/{unit}")


@pytest.mark.parametrize(
    "path", ["/a/b", "a.slice:b", "a.slice:b:c:d", "a.slice:b:", "a:b:c", "a/b.slice:c:d", "::x/y"]
)
def test_what_names_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match=r"linux\.cgroupsPath: "):
        unit_of(path, "name")


@pytest.mark.parametrize("name", ["a", "a--b.slice", "-a.slice", "a-.slice", ".slice"])
def test_a_slice_has_no_empty_part(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is no slice"):
        slice_path(name)


def test_a_slice_lies_in_those_that_its_name_begins_with() -> None:
    assert slice_path("a-b-c.slice") == "/a.slice/a-b.slice/a-b-c.slice"
    assert Unit(name="x.scope", slice="-.slice").path == "/x.scope"


def test_limits_are_properties() -> None:
    limits = Limits(
        memory=64 * MIB,
        memory_swap=96 * MIB,
        memory_reservation=MIB,
        cpu_shares=1024,
        cpu_quota_us=33_333,
        cpu_period_us=100_000,
        cpuset_cpus="0-2,9",
        cpuset_mems="0",
        pids=7,
    )
    assert dict(limits_of(limits)) == {
        "MemoryMax": ("t", 64 * MIB),
        "MemoryLow": ("t", MIB),
        "MemorySwapMax": ("t", 32 * MIB),
        "CPUWeight": ("t", 39),
        "CPUQuotaPeriodUSec": ("t", 100_000),
        "CPUQuotaPerSecUSec": ("t", 340_000),
        "AllowedCPUs": ("ay", b"\x07\x02"),
        "AllowedMemoryNodes": ("ay", b"\x01"),
        "TasksMax": ("t", 7),
    }


def test_files_that_systemd_has_a_name_for_are_told_by_it() -> None:
    files = (("memory.high", "5"), ("pids.max", "max"), ("memory.max", "7"), ("io.weight", "9"))
    assert dict(limits_of(Limits(memory=9, unified=files))) == {
        "MemoryHigh": ("t", 5),
        "TasksMax": ("t", INFINITE),
        "MemoryMax": ("t", 7),
    }


def test_no_limit_is_no_property_and_lifted_ones_are_infinite() -> None:
    assert limits_of(Limits()) == []
    lifted = Limits(memory=UNLIMITED, memory_swap=UNLIMITED, cpu_quota_us=UNLIMITED, pids=UNLIMITED)
    assert {value for _, (_, value) in limits_of(lifted)} == {INFINITE}


@pytest.mark.parametrize("listed", ["x", "1-", "1,,2", "0-9999"])
def test_a_list_that_is_none(listed: str) -> None:
    with pytest.raises(InvalidInputError, match="is no list"):
        bits(listed)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a b'", ("s", "a b")),
        ('"a"', ("s", "a")),
        ("true", ("b", True)),
        ("5", ("i", 5)),
        ("uint64 5", ("t", 5)),
        ("int32 -5", ("i", -5)),
        ("0.5", ("d", 0.5)),
        ("['a', \"b\"]", ("as", ["a", "b"])),
        ("[]", ("as", [])),
    ],
)
def test_annotations_are_properties(text: str, value: object) -> None:
    assert properties_of({"org.systemd.property.Name": text, "other": "x"}) == [("Name", value)]


def test_seconds_become_microseconds() -> None:
    found = properties_of({"org.systemd.property.TimeoutStopSec": "1.5"})
    assert found == [("TimeoutStopUSec", ("t", 1_500_000))]


@pytest.mark.parametrize("text", ["", "'a", "'a'b'", "[1]", "['a'", "uint9 5", "x", "tru"])
def test_a_value_that_is_none_is_refused_by_its_key(text: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape("annotations.org.systemd.property.A:")):
        properties_of({"org.systemd.property.A": text})


def test_where_systemd_is() -> None:
    assert address("unix:path=/x/bus") == ("/x/bus", True)
    assert address("tcp:host=a;unix:abstract=b,path=/y/private") == ("/y/private", False)
    assert address("")[0] in ("/run/dbus/system_bus_socket", "/run/systemd/private")
    with pytest.raises(InvalidInputError, match="is no address of a bus"):
        address("tcp:host=a")
