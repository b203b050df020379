"""Labels on a machine that has AppArmor or SELinux, or neither: a folder stands for ``/``."""

from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.oci.spec import Process
from toolkit.runtime import labels

PROFILE = Process(cwd="/", apparmor_profile="box")
LABEL = Process(cwd="/", selinux_label="system_u:system_r:container_t:s0:c1,c2")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "proc/self/attr/apparmor").mkdir(parents=True)
    (tmp_path / "proc/self/attr/exec").write_text("")
    return tmp_path


def add(top: Path, path: str, text: str = "") -> None:
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_text(text)


def at(top: Path) -> str:
    return f"{top}/"


def test_without_either_both_are_refused(top: Path) -> None:
    add(top, "sys/module/apparmor/parameters/enabled", "N\n")
    with pytest.raises(UnsupportedError, match=r"process\.apparmorProfile: 'box' .* not enabled"):
        labels.check(PROFILE, top=at(top))
    with pytest.raises(UnsupportedError, match=r"process\.selinuxLabel: .* not enabled"):
        labels.check(LABEL, top=at(top))
    unconfined = Process(cwd="/", apparmor_profile="unconfined")
    labels.check(unconfined, top=at(top))  # that is what it will be
    labels.writer(unconfined, at(top))()
    assert (top / "proc/self/attr/exec").read_text() == ""


def test_a_profile_is_written_where_apparmor_reads_it(top: Path) -> None:
    add(top, "sys/module/apparmor/parameters/enabled", "Y\n")
    add(top, "proc/self/attr/apparmor/exec")
    labels.check(PROFILE, top=at(top))
    write = labels.writer(PROFILE, at(top))
    (top / "proc/self/attr/apparmor/exec").rename(top / "moved")  # as whoever swaps /proc
    write()
    assert (top / "moved").read_text() == "exec box"


def test_an_older_kernel_has_one_file_for_both(top: Path) -> None:
    add(top, "sys/module/apparmor/parameters/enabled", "Y\n")
    labels.writer(PROFILE, at(top))()
    assert (top / "proc/self/attr/exec").read_text() == "exec box"


def test_a_context_is_written_as_it_is(top: Path) -> None:
    add(top, "sys/fs/selinux/enforce", "1")
    labels.check(LABEL, top=at(top))
    labels.writer(LABEL, at(top))()
    assert (top / "proc/self/attr/exec").read_text() == LABEL.selinux_label


def test_one_label_a_process(top: Path) -> None:
    add(top, "sys/module/apparmor/parameters/enabled", "Y\n")
    add(top, "sys/fs/selinux/enforce", "1")
    both = Process(cwd="/", apparmor_profile="box", selinux_label=LABEL.selinux_label)
    with pytest.raises(InvalidInputError, match="a process has this or an AppArmor profile"):
        labels.check(both, top=at(top))
