"""A container from start to exit: its isolation, its exit status, its streams."""

import json
import os
import signal
from pathlib import Path

import pytest

from support.boxes import NAMESPACES, PYTHON_MOUNTS, Boxes, capabilities
from toolkit.core.files import remove_tree
from toolkit.core.record import replace
from toolkit.oci.spec import Capabilities, Mount, Namespace, Rlimit, Root, User
from toolkit.runtime.client import StartError, cleanup, connect_shim, read_state
from toolkit.runtime.request import Overlay

pytestmark = pytest.mark.root
FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts"}


def links(pid: int | str) -> dict[str, str]:
    return {name: os.readlink(f"/proc/{pid}/ns/{file}") for name, file in FILES.items()}


def test_every_namespace_is_its_own(boxes: Boxes) -> None:
    box = boxes.start(["sleep", "60"])
    pid = box.started()
    inside, outside = links(pid), links("self")
    box.session.signal(signal.SIGKILL)
    assert box.finish().status == 128 + signal.SIGKILL
    assert not set(inside.values()) & set(outside.values())


def test_the_program_is_pid_1_and_sees_only_itself(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "echo $$; ls /proc | grep -c '^[0-9]'; hostname"])
    pid, count, name = done.out.split()
    assert (pid, name) == ("1", "box")
    assert int(count) <= 3


def test_the_cgroup_namespace_shows_its_own_group_as_root(boxes: Boxes) -> None:
    lines = boxes.run(["cat", "/proc/self/cgroup"]).out.splitlines()
    own = [line for line in lines if not line.startswith("0::")]
    assert all(line.endswith(":/") for line in own)


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_the_exit_status_is_passed_on(boxes: Boxes, status: int) -> None:
    assert boxes.run(["sh", "-c", f"exit {status}"]).status == status


def test_a_death_by_signal_is_128_and_its_number(boxes: Boxes) -> None:
    # As pid 1 nothing kills it from inside; a child's death is what the shell reports.
    assert boxes.run(["sh", "-c", "sh -c 'kill -TERM $$'; exit $?"]).status == 143


def test_term_reaches_a_handler(boxes: Boxes) -> None:
    box = boxes.start(["sh", "-c", "trap 'echo got it; exit 7' TERM; echo up; sleep 60 & wait"])
    box.say("up")
    box.session.signal(signal.SIGTERM)
    box.say("got it")
    assert box.finish().status == 7


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["nonsense"], 127, r"not found in \$PATH"),
        (["/no/such/file"], 127, "No such file"),
        (["/etc"], 126, "Permission denied"),
        (["/tmp/plain"], 126, "Permission denied"),
    ],
)
def test_what_cannot_be_executed_has_a_status_and_a_reason(
    boxes: Boxes, args: list[str], status: int, said: str
) -> None:
    with pytest.raises(StartError, match=said) as caught:
        boxes.run(
            args, mounts=(Mount(destination="/tmp/plain", source=__file__, options=("bind",)),)
        )
    assert caught.value.exit_status == status


def test_stdout_and_stderr_stay_apart(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "echo to out; echo to err >&2"])
    assert (done.out, done.err) == ("to out\n", "to err\n")


@pytest.mark.parametrize("passthrough", [True, False])
def test_a_megabyte_is_not_lost(boxes: Boxes, passthrough: bool) -> None:
    command = "dd if=/dev/zero bs=1024 count=1024 2>/dev/null; echo end"
    done = boxes.run(["sh", "-c", command], passthrough=passthrough)
    assert len(done.out) == 1024 * 1024 + 4
    assert done.out.endswith("end\n")


@pytest.mark.parametrize("passthrough", [True, False])
def test_stdin_is_read_to_its_end(boxes: Boxes, passthrough: bool) -> None:
    reader, writer = os.pipe()
    box = boxes.start(["sh", "-c", "cat; echo done"], stdin=reader, passthrough=passthrough)
    os.close(reader)
    os.write(writer, b"hello\n")
    os.close(writer)
    assert box.finish().out == "hello\ndone\n"


def test_the_user_may_reopen_its_own_output(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "id -u; echo again > /dev/stdout"], user=User(uid=1000, gid=1000))
    assert done.out == "1000\nagain\n"


def test_only_stdio_is_open(boxes: Boxes) -> None:
    # A list of the directory would show the descriptor that lists it.
    script = "n=0; while [ $n -lt 99 ]; do [ -e /proc/1/fd/$n ] && echo $n; n=$((n+1)); done"
    for passthrough in (True, False):
        done = boxes.run(["sh", "-c", script], passthrough=passthrough)
        assert done.out.split() == ["0", "1", "2"]


def status_of(boxes: Boxes, **changes: object) -> dict[str, str]:
    text = boxes.run(["cat", "/proc/self/status"], **changes).out
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_capabilities_are_exactly_those_asked_for(boxes: Boxes) -> None:
    seen = status_of(boxes)
    assert [int(seen[name], 16) for name in ("CapBnd", "CapEff", "CapPrm")] == [0xA80425FB] * 3
    assert [int(seen[name], 16) for name in ("CapInh", "CapAmb")] == [0, 0]


def test_another_user_keeps_the_bounding_set_only(boxes: Boxes) -> None:
    held = Capabilities(bounding=("CAP_CHOWN",))
    seen = status_of(boxes, capabilities=held, user=User(uid=1000, gid=1000))
    assert [int(seen[f"Cap{name}"], 16) for name in ("Bnd", "Eff", "Prm")] == [1, 0, 0]


def test_ambient_capabilities_reach_another_user(boxes: Boxes) -> None:
    name = ("CAP_NET_BIND_SERVICE",)
    held = Capabilities(
        bounding=name, effective=name, permitted=name, inheritable=name, ambient=name
    )
    seen = status_of(boxes, capabilities=held, user=User(uid=1000, gid=1000))
    assert {int(seen[f"Cap{key}"], 16) for key in ("Bnd", "Eff", "Prm", "Inh", "Amb")} == {1 << 10}


def test_user_groups_umask_and_no_new_privileges(boxes: Boxes) -> None:
    user = User(uid=12, gid=34, additional_gids=(5, 6), umask=0o077)
    seen = status_of(boxes, user=user, no_new_privileges=True)
    assert seen["Uid"].split() == ["12"] * 4
    assert seen["Gid"].split() == ["34"] * 4
    assert seen["Groups"].split() == ["5", "6"]
    assert (seen["Umask"], seen["NoNewPrivs"]) == ("0077", "1")


def test_limits_score_and_directory(boxes: Boxes) -> None:
    done = boxes.run(
        ["sh", "-c", "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; pwd"],
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=99, hard=100),),
        oom_score_adj=500,
        cwd="/made/here",
    )
    assert done.out.split() == ["99", "100", "500", "/made/here"]


def test_sysctls_are_set_in_the_container_only(boxes: Boxes) -> None:
    path = "/proc/sys/net/ipv4/ip_default_ttl"
    before = Path(path).read_text()
    done = boxes.run(["cat", path], sysctl={"net.ipv4.ip_default_ttl": "77"})
    assert done.out == "77\n"
    assert Path(path).read_text() == before


def test_loopback_is_up_and_alone(boxes: Boxes) -> None:
    done = boxes.run(["sh", "-c", "ls /sys/class/net; cat /sys/class/net/lo/flags"])
    assert done.out.split() == ["lo", "0x9"]


def test_masked_and_read_only_paths(boxes: Boxes) -> None:
    script = (
        "stat -c '%t:%T' /proc/timer_list; ls /sys/firmware | wc -l; cat /proc/keys | wc -c; "
        "echo x > /proc/sys/kernel/hostname; touch /sys/x"
    )
    done = boxes.run(["sh", "-c", script])
    assert done.out.split() == ["1:3", "0", "0"]
    assert done.err.count("Read-only file system") == 2


def test_the_devices_and_links_of_the_specification(boxes: Boxes) -> None:
    done = boxes.run(
        ["sh", "-c", "ls /dev; readlink /dev/fd; readlink /dev/ptmx; echo x > /dev/null"]
    )
    *names, fd, ptmx = done.out.split()
    assert " ".join(sorted(names)) == (
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    )
    assert (fd, ptmx) == ("/proc/self/fd", "pts/ptmx")
    assert done.err == ""


def test_a_read_only_root_refuses_writes(boxes: Boxes) -> None:
    root = Root(path=str(boxes.root), readonly=True)
    done = boxes.run(["sh", "-c", "touch /new; touch /dev/shm/new && echo fine"], root=root)
    assert "Read-only file system" in done.err
    assert done.out == "fine\n"


def test_a_root_without_overlay_is_written_to_itself(boxes: Boxes, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/sh").write_bytes((boxes.root / "bin/busybox").read_bytes())
    (folder / "bin/sh").chmod(0o755)
    done = boxes.run(["sh", "-c", "echo here > /note"], overlay=None, root=Root(path=str(folder)))
    assert done.status == 0
    assert (folder / "note").read_text() == "here\n"


def test_an_upper_layer_on_a_tmpfs_leaves_nothing(boxes: Boxes) -> None:
    overlay = Overlay(lower=(str(boxes.root),), upper="tmpfs:8m")
    done = boxes.run(["sh", "-c", "echo hi > /note; cat /note"], overlay=overlay)
    assert done.out == "hi\n"


def test_a_hundred_layers_are_mounted(boxes: Boxes, tmp_path: Path) -> None:
    layers = []
    for number in range(100):
        layer = tmp_path / f"a-rather-long-name-of-a-layer-{number:03d}"
        layer.mkdir()
        (layer / f"file{number}").write_text("x")
        layers.append(str(layer))
    folder = boxes.home / "many"
    for name in ("upper", "work"):
        (folder / name).mkdir(parents=True)
    overlay = Overlay(
        lower=(*layers, str(boxes.root)), upper=f"{folder}/upper", work=f"{folder}/work"
    )
    request = boxes.request(["sh", "-c", "ls / | grep -c file"], overlay=overlay)
    assert boxes.run(replace(request, remove=(*request.remove, str(folder)))).out == "100\n"


def test_binds_are_read_only_or_not(boxes: Boxes, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    mounts = (
        Mount(destination="/rw", source=str(tmp_path / "shared"), options=("rbind",)),
        Mount(destination="/ro/deep", source=str(tmp_path / "shared"), options=("bind", "ro")),
    )
    done = boxes.run(
        ["sh", "-c", "echo a > /rw/a; cat /ro/deep/a; echo b > /ro/deep/b"], mounts=mounts
    )
    assert done.out == "a\n"
    assert "Read-only" in done.err
    assert (tmp_path / "shared/a").read_text() == "a\n"


def test_a_namespace_is_joined_by_its_path(boxes: Boxes) -> None:
    first = boxes.start(["sleep", "60"])
    pid = first.started()
    listed = tuple(
        Namespace(type=name, path=f"/proc/{pid}/ns/{FILES[name]}" if name in "pid ipc" else "")
        for name in NAMESPACES
    )
    done = boxes.run(
        ["sh", "-c", "readlink /proc/self/ns/ipc; ps | grep -c sleep"], namespaces=listed
    )
    ipc, sleeping = done.out.split()
    assert ipc == os.readlink(f"/proc/{pid}/ns/ipc")
    assert int(sleeping) >= 1
    first.session.signal(signal.SIGKILL)
    first.finish()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {
                "hostname": "",
                "namespaces": (
                    Namespace(type="mount"),
                    Namespace(type="ipc", path="/proc/self/ns/uts"),
                ),
            },
            "no ipc",
        ),
        ({"namespaces": (Namespace(type="pid"),)}, "mount namespace other than the host's"),
        (
            {"namespaces": (Namespace(type="mount"), Namespace(type="user"))},
            "linux.uidMappings: a new user namespace needs them",
        ),
        ({"rlimits": (Rlimit(type="RLIMIT_NONSENSE", soft=1, hard=1),)}, "unknown resource limit"),
        ({"capabilities": capabilities(["CAP_SYS_RESOURCE", "CAP_SYS_ADMIN"])}, "capset|Operation"),
        (
            {"mounts": (Mount(destination="/x", source="/no/such", options=("bind",)),)},
            "No such file",
        ),
        ({"mounts": (Mount(destination="/x", type="nonsensefs"),)}, "No such device: '/x'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    boxes: Boxes, changes: dict[str, object], said: str
) -> None:
    if "capabilities" in changes:
        held = Path("/proc/self/status").read_text().partition("CapBnd:\t")[2][:16]
        if int(held, 16) >> 24 & 1:
            pytest.skip("this machine grants CAP_SYS_RESOURCE")
    with pytest.raises(StartError, match=said) as caught:
        boxes.run(["true"], **changes)
    assert caught.value.exit_status == 125
    assert "\n" not in caught.value.message


def test_the_state_is_there_while_it_runs(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"])
    box = boxes.start(request)
    pid = box.started()
    state = read_state(request.state_dir)
    assert state is not None
    assert (state.status, state.pid) == ("running", pid)
    assert Path(request.state_dir).stat().st_mode & 0o777 == 0o700
    assert Path(request.state_dir, "shim.sock").stat().st_mode & 0o777 == 0o600
    with connect_shim(request.state_dir) as second:
        assert second.started() == pid
        second.signal(signal.SIGKILL)
        assert second.wait() == 137
    assert box.finish().status == 137


def test_log_and_exit_file(boxes: Boxes, tmp_path: Path) -> None:
    log, ending = tmp_path / "log.json", tmp_path / "exit.json"
    done = boxes.run(
        ["sh", "-c", "echo one; echo two >&2; exit 4"], log=str(log), exit_file=str(ending)
    )
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {(line["stream"], line["log"]) for line in lines} == {
        ("stdout", "one\n"),
        ("stderr", "two\n"),
    }
    assert json.loads(ending.read_text())["status"] == done.status == 4


def test_a_held_container_begins_when_told(boxes: Boxes) -> None:
    request = boxes.request(["echo", "begun"], hold=True)
    box = boxes.start(request)
    pid = box.started()
    state = read_state(request.state_dir)
    assert state is not None
    assert (state.status, state.pid) == ("created", pid)
    assert not box.session.ready(0.2)
    with connect_shim(request.state_dir) as other:
        other.begin()
    assert box.finish().out == "begun\n"


def test_a_held_container_can_be_killed(boxes: Boxes) -> None:
    box = boxes.start(["true"], hold=True)
    box.started()
    box.session.signal(signal.SIGKILL)
    with pytest.raises(StartError, match="ended before its program ran"):
        box.finish()


def test_the_same_state_directory_is_not_used_twice(boxes: Boxes) -> None:
    request = boxes.request(["sleep", "60"], remove=())
    box = boxes.start(request)
    box.started()
    with pytest.raises(StartError, match="exists already"):
        boxes.run(request)
    assert read_state(request.state_dir) is not None
    box.session.signal(signal.SIGKILL)
    box.finish()
    cleanup(request.state_dir)
    remove_tree(str(boxes.home / request.id))


def test_python_runs_inside(boxes: Boxes) -> None:
    done = boxes.run(["/usr/bin/python3", "-c", "print(6 * 7)"], mounts=PYTHON_MOUNTS)
    assert done.out == "42\n", done.err
