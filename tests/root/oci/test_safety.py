"""What a container must not be able to reach through its runtime."""

import os
import sys
from pathlib import Path

import pytest

from support.oci_boxes import Oci, descriptors

pytestmark = pytest.mark.root

IS_READ_ONLY = """\
import os, sys
handle = os.open(sys.argv[1], os.O_PATH)
print(bool(os.fstatvfs(handle).f_flag & os.ST_RDONLY))
"""


def test_a_created_init_runs_from_what_nobody_can_write(oci: Oci) -> None:
    # CVE-2019-5736: whoever opens this process's program must not get the host's interpreter.
    oci.must("create", "--bundle", str(oci.bundle("sleep", "600")), "box")
    pid = oci.state("box")["pid"]
    handle = os.open(f"/proc/{pid}/exe", os.O_PATH)
    try:
        assert os.fstatvfs(handle).f_flag & os.ST_RDONLY
        with pytest.raises(OSError, match=r"Read-only|busy"):
            os.open(f"/proc/{pid}/exe", os.O_WRONLY)
    finally:
        os.close(handle)
    assert os.path.realpath(sys.executable)


def test_a_created_init_shows_nothing_of_itself(oci: Oci) -> None:
    oci.must("create", "--bundle", str(oci.bundle("sleep", "600")), "box")
    pid = oci.state("box")["pid"]
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    mounts = Path(f"/proc/{pid}/mountinfo").read_text()
    assert str(oci.states) not in mounts
    root = Path(f"/proc/{pid}/root/bin/busybox")
    assert root.exists()


def test_only_stdio_is_open_in_the_program(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "600")), "box")
    assert descriptors(oci.state("box")["pid"]) == [0, 1, 2]


@pytest.mark.parametrize("number", range(3, 16))
def test_no_descriptor_is_a_working_directory(oci: Oci, number: int) -> None:
    # CVE-2024-21626
    bundle = oci.bundle("pwd", process={"cwd": f"/proc/self/fd/{number}"})
    assert oci.call("run", "--bundle", str(bundle), "box").status != 0
    oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "9", name="other")), "other")
    done = oci.call("exec", "--cwd", f"/proc/self/fd/{number}", "other", "pwd")
    assert done.status != 0


def test_the_environment_of_the_caller_stays_outside(oci: Oci) -> None:
    bundle = oci.bundle("env", process={"env": ["PATH=/bin"]})
    said = oci.must("run", "--bundle", str(bundle), "box", env={**os.environ, "SECRET": "x"})
    assert said == "PATH=/bin\n"


def test_a_python_of_the_callers_is_not_asked(oci: Oci, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "signal.py").write_text("raise SystemExit('loaded')\n")
    bundle = oci.bundle("true")
    for argv in (["run", "--bundle", str(bundle), "box"],):
        done = oci.call(*argv, cwd=trap)
        assert done.status == 0, done.err
