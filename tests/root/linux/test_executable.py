"""Nobody gets a writable descriptor out of a sealed program, root or not."""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fork import in_child
from toolkit.linux import executable
from toolkit.linux.executable import read_only_clone, sealed_copy, sealed_executable
from toolkit.linux.process import execveat

pytestmark = pytest.mark.root
WAYS = pytest.mark.parametrize("make", [read_only_clone, sealed_copy, sealed_executable])
Make = Callable[[Path], int]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "sleep"
    shutil.copy("/bin/sleep", path)
    return path


@WAYS
def test_a_running_program_cannot_be_opened_for_writing(make: Make, program: Path) -> None:
    fd = make(program)
    pid = os.fork()
    if pid == 0:
        execveat(fd, ("sleep", "30"), {})
    os.close(fd)
    try:
        _wait_for_exec(pid)
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
            with pytest.raises(OSError, match="exe") as caught:
                os.open(f"/proc/{pid}/exe", flags)
            assert caught.value.errno in (errno.EROFS, errno.EPERM, errno.ETXTBSY)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@WAYS
def test_not_even_when_it_no_longer_runs(make: Make, program: Path) -> None:
    fd = make(program)
    path = Path(f"/proc/self/fd/{fd}")
    try:
        with pytest.raises(OSError, match=r"Read-only|not permitted"):
            _overwrite(path)
        with pytest.raises(OSError, match=r"Read-only|not permitted"):
            os.truncate(path, 0)
        assert path.read_bytes() == program.read_bytes()
    finally:
        os.close(fd)


@WAYS
def test_it_is_the_same_program(make: Make, program: Path) -> None:
    fd = make(program)
    with open(f"/proc/self/fd/{fd}", "rb") as file:
        assert file.read() == program.read_bytes()
    assert not os.get_inheritable(fd)
    os.close(fd)


@WAYS
def test_a_symbolic_link_is_followed(make: Make, program: Path) -> None:
    link = program.with_name("link")
    link.symlink_to(program)
    fd = make(link)
    assert stat.S_ISREG(os.stat(f"/proc/self/fd/{fd}").st_mode)
    os.close(fd)


@WAYS
def test_python_finds_its_library(make: Make) -> None:
    reader, writer = os.pipe()
    fd = make(Path(sys.executable))
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        argv = (sys.executable, "-I", "-S", "-c", "import ctypes, sys; print(sys.executable)")
        execveat(fd, argv, {})
    os.close(writer)
    os.close(fd)
    with open(reader, encoding="utf-8") as pipe:
        assert pipe.read().strip() == sys.executable
    assert os.waitpid(pid, 0)[1] == 0


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        sealed_executable(tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")


def test_an_old_kernel_gets_a_copy(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    def refuse(path: object) -> int:
        raise OSError(errno.ENOSYS, "open_tree: Function not implemented", str(path))

    monkeypatch.setattr(executable, "read_only_clone", refuse)
    fd = sealed_executable(program)
    assert os.readlink(f"/proc/self/fd/{fd}").startswith("/memfd:sleep")
    os.close(fd)


def test_without_the_right_to_mount_there_is_a_copy(program: Path) -> None:
    program.parent.chmod(0o755)

    def act() -> str:
        os.setuid(65534)
        fd = sealed_executable("/bin/sleep")
        return os.readlink(f"/proc/self/fd/{fd}")

    assert in_child(act).startswith("/memfd:sleep")


def _wait_for_exec(pid: int) -> None:
    while b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
        os.sched_yield()


def _overwrite(path: Path) -> None:
    """A sealed copy may be opened, but no byte of it changes."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, b"evil")
    finally:
        os.close(fd)
