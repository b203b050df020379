"""One more process in a container, with and without a terminal."""

import array
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.oci_boxes import Oci
from toolkit.runtime import labels

pytestmark = pytest.mark.root


@pytest.fixture
def box(oci: Oci) -> Oci:
    """A running container ``box``."""
    bundle = oci.bundle("sleep", "600", process={"env": ["PATH=/bin", "A=1"]})
    oci.must("run", "--detach", "--bundle", str(bundle), "box")
    return oci


def test_it_has_stdio_and_a_status(box: Oci) -> None:
    done = box.call("exec", "box", "sh", "-c", "cat; echo wrong >&2; exit 7", stdin=b"hello")
    assert (done.status, done.out, done.err) == (7, "hello", "wrong\n")


@pytest.mark.parametrize("argv", [("true",), ("nothing-here",), ("--tty", "true")])
def test_once_it_has_joined_it_reads_no_code_but_its_programs(
    box: Oci, argv: tuple[str, ...], tmp_path: Path, require: Callable[[str], str]
) -> None:
    """What it imported then would be the container's, run with the host's rights."""
    *flags, program = argv
    trace = tmp_path / "trace"
    line = [require("strace"), "-f", "-e", "trace=openat,setns", "-o", str(trace), box.program]
    line += ["--root", str(box.states), "exec", *flags, "box", program]
    subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=100)
    lines = trace.read_text().splitlines()
    joined = next(index for index, line in enumerate(lines) if "CLONE_NEWNS" in line)
    pid = lines[joined].split()[0]
    opened = [line for line in lines[joined:] if line.startswith(f"{pid} ") and "openat(" in line]
    assert opened
    assert [line for line in opened if ".py" in line or "/lib/" in line] == []


def test_it_joins_all_that_the_init_has(box: Oci) -> None:
    pid = box.state("box")["pid"]
    names = ("mnt", "pid", "net", "uts", "ipc", "cgroup")
    links = " ".join(f"/proc/self/ns/{name}" for name in names)
    inside = box.must("exec", "box", "sh", "-c", f"for f in {links}; do readlink $f; done").split()
    assert inside == [os.readlink(f"/proc/{pid}/ns/{name}") for name in names]
    status = box.must("exec", "box", "sh", "-c", "cat /proc/self/status")
    theirs = Path(f"/proc/{pid}/status").read_text()
    for word in ("CapBnd", "CapEff", "CapPrm", "CapInh", "NoNewPrivs", "Seccomp:"):
        line = next(line for line in theirs.splitlines() if line.startswith(word))
        assert line in status


def test_the_flags_change_the_containers_own_process(box: Oci) -> None:
    said = box.must(
        *("exec", "--env", "B=2", "--cwd", "/tmp", "--user", "12:34", "--additional-gids", "56"),
        *("box", "sh", "-c", "echo $A $B; pwd; id -u; id -g; id -G"),
    )
    assert said.split("\n")[:4] == ["1 2", "/tmp", "12", "34"]
    assert "56" in said


def test_a_capability_can_be_added(box: Oci) -> None:
    masks = box.must("exec", "--cap", "CAP_SYS_NICE", "box", "sh", "-c", "cat /proc/self/status")
    line = next(line for line in masks.splitlines() if line.startswith("CapEff"))
    assert int(line.split()[1], 16) >> 23 & 1


def test_a_process_file(box: Oci, tmp_path: Path) -> None:
    path = tmp_path / "process.json"
    process = {"cwd": "/", "args": ["sh", "-c", "echo $C"], "env": ["PATH=/bin", "C=3"]}
    path.write_text(json.dumps(process))
    assert box.must("exec", "--process", str(path), "box") == "3\n"
    path.write_text(json.dumps({**process, "args": [1]}))
    refused = box.call("exec", "--process", str(path), "box")
    assert refused.status == 255
    assert f"{path}: args[0]: expected text, not a number" in refused.err
    assert "exclude each other" in box.call("exec", "-p", str(path), "--cwd", "/", "box").err


@pytest.mark.parametrize(
    ("argv", "status", "said"),
    [
        (["nonsense"], 127, "not found in $PATH"),
        (["/etc"], 126, "Permission denied"),
        ([], 255, "needs a command"),
    ],
)
def test_what_cannot_run_is_told(box: Oci, argv: list[str], status: int, said: str) -> None:
    refused = box.call("exec", "box", *argv)
    assert refused.status == status
    assert said in refused.err


def test_detached_it_lives_on_with_a_pid_file(box: Oci, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    box.must("exec", "--detach", "--pid-file", str(pid_file), "box", "sleep", "601")
    pid = int(pid_file.read_text())
    assert b"601" in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert pid in json.loads(box.must("ps", "--format", "json", "box"))


def test_descriptors_are_handed_on_only_if_asked_for(box: Oci, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shell = (
        "sh",
        "-c",
        'exec 3>"$0"; exec "$@"',
        str(kept),
        box.program,
        "--root",
        str(box.states),
    )
    argv = (*shell, "exec", "--preserve-fds", "1", "box", "sh", "-c", "echo kept >&3")
    subprocess.run(argv, check=True, capture_output=True)
    assert kept.read_text() == "kept\n"
    refused = box.call("exec", "--preserve-fds", "1", "box", "true")
    assert "descriptor 3 is to be preserved, and is not open" in refused.err
    seen = box.must("exec", "box", "sh", "-c", "ls /proc/self/fd | wc -w")
    assert int(seen) == 4  # stdio, and the folder that ls reads


@contextmanager
def console(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    path = folder / ("c" * 60) / "console.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)  # an address is 107 bytes at most
        listener.bind(path.name)
        listener.listen()
        yield str(path), listener


def receive_master(listener: socket.socket) -> int:
    connection, _ = listener.accept()
    with connection:
        space = socket.CMSG_LEN(array.array("i").itemsize)
        _, beside, _, _ = connection.recvmsg(100, space)
    return int.from_bytes(beside[0][2], "little")


@pytest.mark.parametrize("kind", ["create", "run", "exec"])
def test_a_terminal_goes_to_the_console_socket(oci: Oci, tmp_path: Path, kind: str) -> None:
    script = "tty; stty size; exec sleep 600"
    size = {"height": 11, "width": 22}
    terminal = {"terminal": kind != "exec", "consoleSize": size}
    bundle = oci.bundle("sh", "-c", script, process=terminal)
    before = Path.cwd()
    with console(tmp_path) as (path, listener):
        os.chdir(before)
        told = ["--bundle", str(bundle), *(["--console-socket", path] if kind != "exec" else [])]
        oci.must(*(["create"] if kind == "create" else ["run", "--detach"]), *told, "box")
        if kind == "exec":
            asked = ("--tty", "--console-socket", path)
            oci.must("exec", "--detach", *asked, "box", "sh", "-c", script)
        master = receive_master(listener)
        if kind == "create":
            oci.must("start", "box")
        wanted = b"/dev/pts/0" if kind == "exec" else b"11 22"
        said = b""
        while wanted not in said:
            said += os.read(master, 1000)
        os.close(master)


def test_a_terminal_without_a_socket_is_refused_where_nobody_stays(oci: Oci) -> None:
    bundle = oci.bundle("true", process={"terminal": True})
    for argv in (["create"], ["run", "--detach"]):
        refused = oci.call(*argv, "--bundle", str(bundle), "box")
        assert "needs --console-socket" in refused.err
    plain = oci.bundle("true", name="plain")
    refused = oci.call("create", "--console-socket", "/x", "--bundle", str(plain), "plain")
    assert "is for a process with a terminal" in refused.err
    missing = oci.call("create", "--console-socket", "/no/where", "--bundle", str(bundle), "box")
    assert "--console-socket '/no/where'" in missing.err
    assert oci.must("list", "--quiet") == ""


@pytest.fixture
def below(box: Oci) -> Iterator[str]:
    """A group below the container's, in the hierarchy that counts its processes."""
    group = json.loads((box.states / "box/state.json").read_text())["cgroup"]
    name = "unified" if set(group) == {"unified"} else "pids"
    folder = Path(group[name], "below")
    folder.mkdir()
    yield "below" if name == "unified" else f"{name}:below"
    folder.rmdir()


def test_a_group_below(box: Oci, below: str) -> None:
    said = box.must("exec", "--cgroup", below, "box", "cat", "/proc/self/cgroup")
    assert sum(line.endswith("/below") for line in said.splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "there is no cgroup"),
        ("../..", "'../..' is no cgroup below the container's"),
        ("nonsense:x", "is no cgroup below the container's"),
    ],
)
def test_a_group_that_is_not_below(box: Oci, path: str, said: str) -> None:
    refused = box.call("exec", "--cgroup", path, "box", "true")
    assert refused.status == 255
    assert said in refused.err


def test_it_waits_in_a_paused_container_if_it_is_to(box: Oci) -> None:
    box.must("pause", "box")
    refused = box.call("exec", "box", "true")
    assert "is paused" in refused.err
    line = (box.program, "--root", str(box.states), "exec", "--ignore-paused", "box", "echo", "ran")
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        box.must("resume", "box")
        assert waiting.communicate(timeout=60)[0] == "ran\n"


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--apparmor=box", "process.apparmorProfile: 'box' cannot be applied"),
        ("--process-label=a:b:c:d", "process.selinuxLabel: 'a:b:c:d' cannot be applied"),
    ],
)
def test_a_label_that_nothing_would_enforce(box: Oci, flag: str, said: str) -> None:
    if labels.has_apparmor() or labels.has_selinux():
        pytest.skip("this machine has labels")
    refused = box.call("exec", flag, "box", "true")
    assert refused.status == 255
    assert said in refused.err


def test_a_personality_and_a_policy_are_the_containers(oci: Oci) -> None:
    process = {"scheduler": {"policy": "SCHED_BATCH", "nice": 3}}
    linux = {"personality": {"domain": "LINUX32"}}
    oci.must(
        "run",
        "-d",
        "--bundle",
        str(oci.bundle("sleep", "600", process=process, linux=linux)),
        "box",
    )
    pid = oci.state("box")["pid"]
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH
    assert os.getpriority(os.PRIO_PROCESS, pid) == 3
    assert Path(f"/proc/{pid}/personality").read_text() == "00000008\n"
    said = oci.must("exec", "box", "sh", "-c", "cat /proc/self/personality /proc/self/stat")
    assert said.split()[0] == "00000008"
    fields = said.splitlines()[1].rpartition(")")[2].split()
    assert (fields[16], fields[38]) == ("3", str(os.SCHED_BATCH))  # proc_pid_stat(5), less three


def test_a_joining_process_runs_on_the_cpus_that_are_asked_for(oci: Oci) -> None:
    affinity = {"initial": "0", "final": "0"}
    bundle = oci.bundle("sleep", "600", process={"execCPUAffinity": affinity})
    oci.must("run", "--detach", "--bundle", str(bundle), "box")
    own = Path(f"/proc/{oci.state('box')['pid']}/status").read_text()
    said = oci.must("exec", "box", "cat", "/proc/self/status")
    assert "Cpus_allowed_list:\t0\n" in said
    assert "Cpus_allowed_list:\t0\n" not in own


def test_a_created_one_with_a_terminal_lets_its_creators_stdio_go(oci: Oci, tmp_path: Path) -> None:
    bundle = oci.bundle("sleep", "600", process={"terminal": True})
    with console(tmp_path) as (path, listener):
        line = ("create", "--console-socket", path, "--bundle", str(bundle), "box")
        argv = (oci.program, "--root", str(oci.states), *line)
        # Whoever reads to the end of what it says, as containerd does, must not wait for the box.
        done = subprocess.run(argv, check=True, capture_output=True, timeout=60)
        master = receive_master(listener)
    held = [os.readlink(f"/proc/{oci.state('box')['pid']}/fd/{number}") for number in range(3)]
    os.close(master)  # which hangs up
    assert (done.stdout, done.stderr) == (b"", b"")
    assert held == ["/dev/pts/0"] * 3
