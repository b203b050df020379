"""Layouts out of the two texts of procfs, as several distributions write them."""

from pathlib import Path

import pytest

from toolkit.cgroup.layout import Layout

DATA = Path(__file__).parent / "data"


def layout(name: str) -> Layout:
    mountinfo = (DATA / f"{name}.mountinfo").read_text()
    return Layout.detect(mountinfo, (DATA / f"{name}.cgroup").read_text())


def own(name: str) -> dict[str, str]:
    found = layout(name)
    v2 = {} if found.v2 is None else {"unified": found.v2.own}
    return v2 | {",".join(entry.controllers): entry.own for entry in found.v1}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("debian12-session", "v2"),
        ("debian12-service", "v2"),
        ("bare-hybrid", "hybrid"),
        ("debian10-hybrid", "hybrid"),
        ("docker-in-docker-v1", "v1"),
        ("docker-in-docker-v2", "v2"),
        ("stacked", "v1"),
    ],
)
def test_the_kind(name: str, kind: str) -> None:
    assert layout(name).kind == kind


def test_v2_of_a_login_session() -> None:
    found = layout("debian12-session")
    assert found.v1 == ()
    assert found.v2 is not None
    assert found.v2.mount == "/sys/fs/cgroup"
    assert found.v2.own == "/sys/fs/cgroup/user.slice/user-0.slice/session-3.scope"


def test_v2_of_a_service() -> None:
    groups = own("debian12-service")
    assert groups == {"unified": "/sys/fs/cgroup/system.slice/dockyard.service"}


def test_own_groups_differ_by_controller() -> None:
    groups = own("bare-hybrid")
    assert groups["memory"] == "/sys/fs/cgroup/memory/sandbox/229c65e9"
    assert groups["pids"] == "/sys/fs/cgroup/pids"
    assert groups["name=systemd"] == "/sys/fs/cgroup/systemd"
    assert groups["unified"] == "/sys/fs/cgroup/unified"


def test_controllers_that_are_mounted_together_are_one_hierarchy() -> None:
    groups = own("debian10-hybrid")
    assert groups["cpu,cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct/user.slice"
    assert "/session-1.scope" in groups["memory"]
    found = layout("debian10-hybrid")
    assert found.find("cpuacct") == found.find("cpu")
    assert found.find("hugetlb") is None


def test_a_mounted_part_of_a_hierarchy_is_taken_off_the_path() -> None:
    groups = own("docker-in-docker-v1")
    assert groups["memory"] == "/sys/fs/cgroup/memory"
    assert groups["cpu,cpuacct"] == "/sys/fs/cgroup/cpu,cpuacct"
    assert "perf_event" not in groups  # it exists, but is mounted nowhere


def test_a_cgroup_namespace_begins_at_the_mount_point() -> None:
    assert own("docker-in-docker-v2") == {"unified": "/sys/fs/cgroup"}


def test_a_hidden_mount_does_not_count() -> None:
    found = layout("stacked")
    assert [entry.controllers for entry in found.v1] == [("pids",), ("memory",)]
    assert own("stacked") == {"pids": "/sys/fs/cgroup/pids", "memory": "/mnt/a b/own"}


def test_a_named_hierarchy_only_tracks() -> None:
    tracking = [entry.controllers for entry in layout("bare-hybrid").v1 if entry.tracks_only]
    assert tracking == [("name=systemd",)]


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/a/b", "/a", "/m/b"),
        ("/a", "/a", "/m"),
        ("/ab", "/a", "/m"),
        ("/", "/", "/m"),
        ("/../x", "/", "/m"),
        ("/x", "/..", "/m"),
    ],
)
def test_what_is_not_below_the_mounted_part_is_the_mount_point(
    path: str, root: str, expected: str
) -> None:
    mountinfo = f"1 0 8:1 / / rw - ext4 x rw\n2 1 0:5 {root} /m rw - cgroup cgroup rw,pids\n"
    found = Layout.detect(mountinfo, f"3:pids:{path}\n")
    assert found.v1[0].own == expected


def test_no_groups_at_all() -> None:
    assert Layout.detect("1 0 8:1 / / rw - ext4 x rw\n", "0::/\n") == Layout(kind="none")


def test_a_colon_in_a_path_stays() -> None:
    found = Layout.detect(
        "1 0 8:1 / / rw - ext4 x rw\n2 1 0:5 / /m rw - cgroup2 cgroup2 rw\n", "0::/a:b\n"
    )
    assert found.v2 is not None
    assert found.v2.own == "/m/a:b"


def test_this_machine_has_some_layout() -> None:
    assert Layout.of_host().kind in ("v1", "v2", "hybrid", "none")
