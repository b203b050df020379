"""Children that begin in a control group, whether the kernel helps or not."""

import errno
import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.linux import fork, libc
from toolkit.linux.fork import fork_into

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("home")]


@pytest.fixture
def group() -> Iterator[int]:
    """A directory of a v2 hierarchy, as a descriptor."""
    for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if Path(mount, "cgroup.controllers").exists():
            break
    else:
        pytest.skip("no v2 hierarchy is mounted")
    path = Path(mount, os.environ["DOCKYARD_CGROUP_PARENT"])
    path.mkdir()
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)
    path.rmdir()


@pytest.fixture(params=["clone3", "fork"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways, whatever this kernel can."""
    if request.param == "fork":
        monkeypatch.delitem(libc.NUMBERS, "clone3")
    return str(request.param)


def answer_of(group: int) -> list[str]:
    """What a child in the group says of itself."""
    reader, writer = os.pipe()
    pid = fork_into(group)
    if pid == 0:
        own = Path("/proc/self/cgroup").read_text().splitlines()[-1]
        said = f"{own} {os.getpid()} {threading.get_native_id()} {os.getppid()}"
        os.write(writer, said.encode())
        os._exit(7)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    return [*said.split(), str(pid)]


def test_the_child_is_in_the_group_and_knows_itself(group: int, way: str) -> None:
    path, own_pid, own_thread, parent, pid = answer_of(group)
    assert path == f"0::/{os.environ['DOCKYARD_CGROUP_PARENT']}", way
    assert own_pid == own_thread == pid
    assert parent == str(os.getpid())


def status_of(group: int, action: Callable[[], bool]) -> int:
    """The exit status of a child in the group: 0 if the action says true."""
    pid = fork_into(group)
    if pid == 0:
        status = 1
        try:
            status = 0 if action() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_child_is_a_whole_interpreter(group: int, way: str) -> None:
    """Threads, locks, forks and signals to itself: what a stale thread number would break."""

    def act() -> bool:
        done = threading.Event()
        thread = threading.Thread(target=done.set)
        thread.start()
        thread.join()
        below = os.fork()
        if below == 0:
            os._exit(3)
        if not done.is_set() or os.waitstatus_to_exitcode(os.waitpid(below, 0)[1]) != 3:
            return False
        faulthandler.disable()  # its traceback would be noise here
        os.abort()

    assert status_of(group, act) == -signal.SIGABRT, way


def test_hooks_of_fork_run(group: int) -> None:
    seen: list[str] = []
    os.register_at_fork(
        before=lambda: seen.append("before"),
        after_in_parent=lambda: seen.append("parent"),
        after_in_child=lambda: seen.append("child"),
    )
    assert status_of(group, lambda: seen == ["before", "child"]) == 0
    assert seen == ["before", "parent"]


def test_a_directory_that_is_no_group_is_refused(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError, match=r"clone3|cgroup\.procs") as caught:
            fork_into(fd)
    finally:
        os.close(fd)
    assert caught.value.errno in (errno.EBADF, errno.ENOENT)


def test_a_kernel_that_tells_no_address_gets_a_plain_fork(
    group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork, "_thread_id_address", lambda: 0)
    assert answer_of(group)[0] == f"0::/{os.environ['DOCKYARD_CGROUP_PARENT']}"
