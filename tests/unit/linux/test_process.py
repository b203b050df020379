import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from support.fork import in_child
from toolkit.linux import process
from toolkit.linux.process import CapabilitySets, CloseRangeFlag


def test_not_dumpable_and_back() -> None:
    def act() -> list[int]:
        process.set_dumpable(on=False)
        off = process.get_dumpable()
        process.set_dumpable(on=True)
        return [off, process.get_dumpable()]

    assert in_child(act) == [0, 1]


def test_no_new_privs_stays() -> None:
    def act() -> bool:
        process.set_no_new_privs()
        return process.get_no_new_privs()

    assert not process.get_no_new_privs()
    assert in_child(act)


def test_the_name_is_cut() -> None:
    def act() -> str:
        process.set_name("a-name-of-many-letters")
        return Path("/proc/self/comm").read_text()

    assert in_child(act) == "a-name-of-many-\n"


def test_capabilities_can_be_given_up() -> None:
    def act() -> CapabilitySets:
        process.capset(CapabilitySets(effective=0, permitted=0, inheritable=0))
        return process.capget()

    assert in_child(act) == CapabilitySets(effective=0, permitted=0, inheritable=0)


def test_capabilities_are_what_proc_says() -> None:
    sets = process.capget()
    fields = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines()
    )
    assert sets.effective == int(fields["CapEff"], 16)
    assert sets.permitted == int(fields["CapPrm"], 16)
    assert sets.inheritable == int(fields["CapInh"], 16)


def test_an_unknown_capability_is_einval() -> None:
    with pytest.raises(OSError, match="prctl CAPBSET_READ: ") as caught:
        process.cap_bset_read(63)
    assert caught.value.errno == errno.EINVAL


def test_descriptors_are_closed_or_marked() -> None:
    def act() -> tuple[bool, bool]:
        fd = os.open("/", os.O_PATH)
        os.set_inheritable(fd, True)
        process.close_range(fd, fd, flags=CloseRangeFlag.CLOEXEC)
        marked = not os.get_inheritable(fd)
        process.close_range(fd, fd)
        try:
            os.fstat(fd)
        except OSError:
            return marked, True
        return marked, False

    assert in_child(act) == (True, True)


def test_execveat_runs_what_is_behind_a_descriptor() -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        fd = os.open("/bin/sh", os.O_PATH | os.O_CLOEXEC)
        process.execveat(fd, ("sh", "-c", 'echo "$0 $NAME"'), {"NAME": "väl"})
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    assert said == "sh väl\n"


def test_a_failed_execveat_names_the_program() -> None:
    fd = os.open("/etc/passwd", os.O_PATH)
    try:
        with pytest.raises(OSError, match="execveat: Permission denied") as caught:
            process.execveat(fd, ("passwd",), {})
    finally:
        os.close(fd)
    assert caught.value.filename == "passwd"


def test_a_pidfd_signals_exactly_its_process() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    pidfd = process.pidfd_open(pid)
    process.pidfd_send_signal(pidfd, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError, match="pidfd_send_signal"):
        process.pidfd_send_signal(pidfd, 0)
    os.close(pidfd)


def test_a_child_dies_with_its_parent() -> None:
    reader, writer = os.pipe()

    def parent() -> None:
        ready, tell = os.pipe()
        if os.fork() == 0:
            process.set_pdeathsig(signal.SIGKILL)
            os.write(tell, b"x")
            signal.pause()
        os.read(ready, 1)

    in_child(parent)  # returns only when the grandchild too has let go of the pipe
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_personality_is_asked_without_a_change() -> None:
    assert process.set_personality(0xFFFFFFFF) == process.set_personality(0xFFFFFFFF)


def test_the_light_modules_stay_light() -> None:
    rooms = "mounts namespaces process paths net seccomp executable mount_options filesystems"
    heavy = "dataclasses typing inspect pathlib logging subprocess socket signal re enum functools"
    imports = ", ".join(f"toolkit.linux.{name}" for name in rooms.split())
    code = f"import sys, {imports}\nprint([n for n in {heavy.split()} if n in sys.modules])"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        path = os.path.dirname(os.path.dirname(os.path.dirname(process.__file__)))
        os.execve(sys.executable, ("python", "-S", "-c", code), {"PYTHONPATH": path})
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    assert said.strip() == "[]"
