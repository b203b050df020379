"""Making, limiting and measuring groups in a folder that stands for the kernel's."""

import errno
import os
from pathlib import Path

import pytest

from toolkit.cgroup import controllers, devices, files
from toolkit.cgroup.files import enter
from toolkit.cgroup.group import Cgroup
from toolkit.cgroup.layout import Hierarchy, Layout
from toolkit.cgroup.limits import DeviceRule, Limits
from toolkit.core.errors import ConflictError, InvalidInputError, UnsupportedError
from toolkit.core.record import replace

MIB = 1 << 20
EVERYTHING = Limits(
    memory=64 * MIB,
    memory_swap=64 * MIB,
    cpu_quota_us=50000,
    cpu_period_us=100000,
    cpu_shares=1024,
    cpuset_cpus="0",
    pids=64,
)


def text(group: Cgroup, controller: str, name: str) -> str:
    return (Path(group.paths[controller]) / name).read_text()


def test_v2_lies_below_the_mount_point(v2: Layout, tmp_path: Path) -> None:
    group = Cgroup.create(v2, "dockyard/box", EVERYTHING)
    assert group.paths == {"unified": str(tmp_path / "dockyard" / "box")}
    assert text(group, "unified", "memory.max") == str(64 * MIB)
    assert text(group, "unified", "memory.swap.max") == "0"
    assert text(group, "unified", "cpu.max") == "50000 100000"
    assert text(group, "unified", "cpu.weight") == "39"
    assert text(group, "unified", "cpuset.cpus") == "0"
    assert text(group, "unified", "pids.max") == "64"


def test_v2_controllers_are_handed_down_the_path(v2: Layout, tmp_path: Path) -> None:
    Cgroup.create(v2, "dockyard/box")
    enabled = "+cpu +io +memory +pids"
    assert (tmp_path / "cgroup.subtree_control").read_text() == enabled
    assert (tmp_path / "dockyard" / "cgroup.subtree_control").read_text() == enabled
    assert (tmp_path / "dockyard" / "box" / "cgroup.subtree_control").read_text() == ""


def test_v2_hands_down_what_a_limit_needs_too(v2: Layout, tmp_path: Path) -> None:
    Cgroup.create(v2, "dockyard/box", Limits(cpuset_cpus="0"))
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +memory +pids"


def test_v2_leaves_alone_what_is_handed_down_already(v2: Layout, tmp_path: Path) -> None:
    control = tmp_path / "cgroup.subtree_control"
    control.write_text("cpuset cpu io memory pids")
    Cgroup.create(v2, "dockyard/box")
    assert control.read_text() == "cpuset cpu io memory pids"


def test_v1_lies_below_our_own_group(v1: Layout, tmp_path: Path) -> None:
    group = Cgroup.create(v1, "dockyard/box", EVERYTHING)
    assert group.paths["memory"] == str(tmp_path / "memory" / "own" / "dockyard" / "box")
    assert text(group, "memory", "memory.limit_in_bytes") == str(64 * MIB)
    assert text(group, "memory", "memory.memsw.limit_in_bytes") == str(64 * MIB)
    assert text(group, "cpu", "cpu.cfs_quota_us") == "50000"
    assert text(group, "cpuset", "cpuset.cpus") == "0"
    assert text(group, "pids", "pids.max") == "64"


def test_an_absolute_path_begins_at_the_mount_point(v1: Layout, tmp_path: Path) -> None:
    group = Cgroup.create(v1, "/dockyard/box")
    assert group.paths["memory"] == str(tmp_path / "memory" / "dockyard" / "box")


def test_device_rules_are_moot_in_a_user_namespace(
    v2: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "are_moot", lambda: True)
    group = Cgroup.create(v2, "dockyard/box", Limits(devices=(DeviceRule(allow=False),)))
    assert "left out" in group.warnings[0]
    assert Cgroup.create(v2, "dockyard/box").warnings == ()


def test_device_rules_that_cannot_be_enforced_are_an_error(v2: Layout, tmp_path: Path) -> None:
    """A folder takes no program; without root not even loading one is allowed."""
    with pytest.raises((OSError, UnsupportedError), match=r"bpf: |device rules cannot"):
        Cgroup.create(v2, "dockyard/new", Limits(devices=(DeviceRule(allow=False),)))
    assert not (tmp_path / "dockyard" / "new").exists()


@pytest.mark.parametrize("path", ["", "/", ".", "a/../b", "..", "a\0b"])
def test_paths_that_lead_elsewhere(v2: Layout, path: str) -> None:
    with pytest.raises(InvalidInputError, match="is no path of a cgroup"):
        Cgroup.create(v2, path)


def test_a_group_with_processes_belongs_to_another(v2: Layout, tmp_path: Path) -> None:
    (tmp_path / "dockyard" / "box" / "cgroup.procs").write_text("17\n")
    with pytest.raises(ConflictError, match="has processes of another container"):
        Cgroup.create(v2, "dockyard/box")


def test_a_missing_controller_matters_only_to_a_limit(v2: Layout, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu pids")
    Cgroup.create(v2, "dockyard/box", Limits(pids=5))
    with pytest.raises(UnsupportedError, match="'memory' needs the cgroup controller") as caught:
        Cgroup.create(v2, "dockyard/box", Limits(memory=MIB))
    assert "cgroup_enable=memory" in caught.value.hint


def test_a_missing_v1_controller_says_how_to_get_it(v1: Layout) -> None:
    without = Layout(kind="v1", v1=tuple(h for h in v1.v1 if h.controllers != ("pids",)))
    Cgroup.create(without, "dockyard/box", Limits(memory=MIB))
    with pytest.raises(UnsupportedError, match="'pids-limit' needs") as caught:
        Cgroup.create(without, "dockyard/box", Limits(pids=5))
    assert "mount -t cgroup -o pids" in caught.value.hint


def test_no_groups_at_all_are_fine_without_limits() -> None:
    nothing = Layout(kind="none")
    assert Cgroup.create(nothing, "a/b").paths == {}
    with pytest.raises(UnsupportedError) as caught:
        Cgroup.create(nothing, "a/b", Limits(pids=5))
    assert "no control groups are mounted" in caught.value.hint


def test_hybrid_uses_v2_only_for_what_v1_lacks(v1: Layout, v2: Layout, tmp_path: Path) -> None:
    hybrid = Layout(kind="hybrid", v1=v1.v1[:1], v2=v2.v2)
    assert list(Cgroup.create(hybrid, "dockyard/box").paths) == ["cpu"]
    group = Cgroup.create(hybrid, "dockyard/box", Limits(pids=5))
    assert set(group.paths) == {"cpu", "unified"}
    assert (tmp_path / "dockyard" / "box" / "pids.max").read_text() == "5"


def test_a_file_that_the_kernel_lacks_is_named(v1: Layout, tmp_path: Path) -> None:
    (tmp_path / "memory/own/dockyard/box/memory.memsw.limit_in_bytes").unlink()
    Cgroup.create(v1, "dockyard/box", Limits(memory=MIB))
    Cgroup.create(v1, "dockyard/box", Limits(memory=MIB, memory_swap=-1))
    with pytest.raises(UnsupportedError, match=r"'memory-swap' needs 'memory\.memsw") as caught:
        Cgroup.create(v1, "dockyard/box", Limits(memory=MIB, memory_swap=2 * MIB))
    assert "swapaccount=1" in caught.value.hint


def test_what_was_made_is_undone_on_failure(v2: Layout, tmp_path: Path) -> None:
    """The folder has no kernel, so a new group has no files and the limit cannot be set."""
    before = sorted(path for path in tmp_path.rglob("*") if path.is_dir())
    with pytest.raises(UnsupportedError, match=r"'pids-limit' needs 'pids\.max'"):
        Cgroup.create(v2, "dockyard/new/box", Limits(pids=5))
    assert sorted(path for path in tmp_path.rglob("*") if path.is_dir()) == before


def test_parents_that_we_made_go_with_the_last_one(v2: Layout, tmp_path: Path) -> None:
    first = Cgroup.create(v2, "made/a")
    second = Cgroup.create(v2, "made/b")
    first.remove()
    assert (tmp_path / "made").is_dir()
    second.remove()
    second.remove()
    assert not (tmp_path / "made").exists()
    assert (tmp_path / "dockyard").is_dir()


def test_a_parent_of_somebody_else_stays(v2: Layout, tmp_path: Path) -> None:
    (tmp_path / "slice").mkdir()
    Cgroup.create(v2, "slice/a").remove()
    assert (tmp_path / "slice").is_dir()


def test_limits_can_be_changed(v2: Layout) -> None:
    group = Cgroup.create(v2, "dockyard/box")
    group.set(Limits(pids=7), v2)
    assert text(group, "unified", "pids.max") == "7"


def test_joining(v1: Layout, v2: Layout) -> None:
    group = Cgroup.create(v2, "dockyard/box")
    group.join(4711)
    assert text(group, "unified", "cgroup.procs") == "4711"
    assert group.processes() == [4711]
    old = Cgroup.create(v1, "dockyard/box")
    enter(old.directories)
    assert text(old, "memory", "tasks") == "0"
    assert text(old, "memory", "cgroup.procs") == ""


def test_a_group_is_found_again_by_its_paths(v2: Layout) -> None:
    group = Cgroup.create(v2, "dockyard/box")
    again = Cgroup.from_paths(dict(group.paths))
    assert again.directories == group.directories


def test_v2_is_killed_by_its_file(v2: Layout, tmp_path: Path) -> None:
    group = Cgroup.create(v2, "dockyard/box")
    group.kill()
    assert text(group, "unified", "cgroup.kill") == ""  # nobody there: nothing to write
    Path(group.paths["unified"], "cgroup.procs").write_text("999999999\n")
    with pytest.raises(Exception, match="cannot be killed"):
        group.kill(timeout=0.01)
    assert text(group, "unified", "cgroup.kill") == "1"
    del tmp_path


def test_freezing_that_fails_is_taken_back(v2: Layout, v1: Layout) -> None:
    new, old = Cgroup.create(v2, "dockyard/box"), Cgroup.create(v1, "dockyard/box")
    with pytest.raises(Exception, match="did not freeze in time"):
        new.freeze(timeout=0.01)
    assert text(new, "unified", "cgroup.freeze") == "0"
    old.freeze()
    assert text(old, "freezer", "freezer.state") == "FROZEN"
    old.thaw()
    assert text(old, "freezer", "freezer.state") == "THAWED"


def test_without_a_freezer_there_is_a_hint() -> None:
    with pytest.raises(UnsupportedError, match="'freezer' is missing"):
        Cgroup({"pids": "/nowhere"}).freeze()


def test_statistics_of_v2(v2: Layout) -> None:
    stats = Cgroup.create(v2, "dockyard/box", Limits(pids=64)).stats()
    assert (stats.memory_usage, stats.memory_peak, stats.memory_limit) == (4096, 8192, None)
    assert stats.memory_cache == 2048
    assert (stats.cpu_usage_us, stats.cpu_user_us, stats.cpu_periods) == (7, 4, 2)
    assert stats.cpu_throttled is None
    assert (stats.pids, stats.pids_limit) == (1, 64)
    assert (stats.io_read_bytes, stats.io_write_bytes) == (11, 22)
    assert stats.oom_kills == 1


def test_statistics_of_v1(v1: Layout) -> None:
    stats = Cgroup.create(v1, "dockyard/box", Limits(memory=MIB)).stats()
    assert (stats.memory_usage, stats.memory_limit, stats.memory_cache) == (4096, MIB, 1024)
    assert (stats.cpu_usage_us, stats.cpu_system_us) == (9, 4)
    assert (stats.cpu_throttled, stats.cpu_throttled_us) == (2, 3)
    assert (stats.io_read_bytes, stats.io_write_bytes) == (10, 20)
    assert stats.oom_kills == 3


def test_no_group_has_no_statistics() -> None:
    empty = Cgroup({})
    assert empty.stats().memory_usage is None
    assert empty.oom_kills() == 0
    assert empty.processes() == []
    empty.kill()
    empty.remove()


def test_a_read_only_tree_is_an_error_only_if_needed(
    v2: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, mode: int) -> None:
        del mode
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, "mkdir", refuse)
    assert Cgroup.create(v2, "dockyard/box").paths == {}
    with pytest.raises(UnsupportedError, match="no cgroup can be made") as caught:
        Cgroup.create(v2, "dockyard/box", Limits(pids=5))
    assert "limits of pids" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (errno.EBUSY, "move them into a group below"),
        (errno.EOPNOTSUPP, "move them into a group below"),
        (errno.EACCES, "Delegate=yes"),
    ],
)
def test_a_controller_that_cannot_be_enabled(
    v2: Layout, monkeypatch: pytest.MonkeyPatch, code: int, hint: str
) -> None:
    assert v2.v2 is not None
    write = files.write

    def refuse(directory: str, name: str, value: str) -> None:
        if name == "cgroup.subtree_control" and "pids" in value:
            raise OSError(code, os.strerror(code), directory)
        write(directory, name, value)

    monkeypatch.setattr(files, "write", refuse)
    controllers.enable(v2.v2.mount, frozenset())
    with pytest.raises(UnsupportedError, match="'pids' cannot be enabled") as caught:
        controllers.enable(v2.v2.mount, frozenset({"pids"}))
    assert hint in caught.value.hint


def test_processes_at_the_root_of_our_namespace_make_room(
    v2: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does it: busy until the group itself has no process."""
    assert v2.v2 is not None
    write, moved = files.write, []
    (tmp_path / "cgroup.procs").write_text("17\n18\n0\n")

    def kernel(directory: str, name: str, value: str) -> None:
        procs = tmp_path / "cgroup.procs"
        if name == "cgroup.subtree_control" and directory == str(tmp_path):
            if procs.read_text().strip("0\n") and value != "+cpu":  # it can divide threads
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), directory)
        elif directory == str(tmp_path / "init"):
            moved.append(value)
            procs.write_text("".join(f"{pid}\n" for pid in {"17", "18", "0"} - {*moved}))
            return
        write(directory, name, value)

    monkeypatch.setattr(files, "write", kernel)
    inside = replace(v2, v2=replace(v2.v2, own=v2.v2.mount))
    with pytest.raises(UnsupportedError, match="'pids' cannot be enabled"):
        Cgroup.create(v2, "dockyard/box", Limits(pids=5))  # not our namespace's root: left alone
    Cgroup.create(inside, "dockyard/box")  # no limit asks for it
    assert moved == []
    assert (tmp_path / "cgroup.subtree_control").read_text() == ""  # no group of threads either
    group = Cgroup.create(inside, "dockyard/box", Limits(pids=5))
    assert sorted(moved) == ["17", "18"]
    assert text(group, "unified", "pids.max") == "5"


def test_a_value_that_the_kernel_refuses_is_the_users_fault(
    v2: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: str, name: str, value: str) -> None:
        if name == "cpuset.cpus":
            raise OSError(errno.ERANGE, f"write '{value}': Numerical result out of range", name)
        del directory

    monkeypatch.setattr(files, "write", refuse)
    with pytest.raises(InvalidInputError, match="'cpuset-cpus' cannot be '99'"):
        Cgroup.create(v2, "dockyard/box", Limits(cpuset_cpus="99"))


def test_hierarchies_know_what_they_are() -> None:
    named = Hierarchy(controllers=("name=x",), mount="/m", own="/m/a", version=1)
    assert named.tracks_only
