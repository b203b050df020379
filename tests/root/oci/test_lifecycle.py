"""The states of a container, and which command is refused in which of them."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

SLEEP = ("sleep", "600")


def test_create_start_kill_delete(oci: Oci) -> None:
    bundle = oci.bundle(*SLEEP, annotations={"org.example": "yes"})
    pid_file = bundle / "pid"
    oci.must("create", "--bundle", str(bundle), "--pid-file", str(pid_file), "box")
    state = oci.state("box")
    assert state["status"] == "created"
    assert state["pid"] == int(pid_file.read_text())
    assert state["bundle"] == str(bundle)
    assert state["annotations"] == {"org.example": "yes"}
    assert state["id"] == "box"
    assert state["ociVersion"] == "1.2.0"
    oci.must("start", "box")
    assert oci.status("box") == "running"
    assert b"sleep" in Path(f"/proc/{state['pid']}/cmdline").read_bytes()
    oci.must("kill", "box", "KILL")
    oci.wait_for("box", "stopped")
    assert "pid" not in oci.state("box")
    oci.must("delete", "box")
    gone = oci.call("state", "box")
    assert gone.status == 1
    assert "container 'box' does not exist" in gone.err


def test_run_passes_stdio_and_status_on_and_leaves_nothing(oci: Oci) -> None:
    bundle = oci.bundle("sh", "-c", "cat; echo wrong >&2; exit 7", process={})
    done = oci.call("run", "--bundle", str(bundle), "box", stdin=b"hello")
    assert (done.status, done.out, done.err) == (7, "hello", "wrong\n")
    assert oci.must("list", "--quiet") == ""


def test_a_signal_is_passed_on_and_is_the_status(oci: Oci) -> None:
    bundle = oci.bundle("sh", "-c", "trap 'exit 9' TERM; kill -TERM 1; sleep 5")
    assert oci.call("run", "--bundle", str(bundle), "box").status == 9
    other = oci.bundle("sh", "-c", "kill -9 $$; sleep 5", name="other")
    assert oci.call("run", "--bundle", str(other), "other").status in (0, 137)  # pid 1 is immune


def test_keep_leaves_the_ended_container_to_delete(oci: Oci) -> None:
    bundle = oci.bundle("true")
    oci.must("run", "--keep", "--bundle", str(bundle), "box")
    assert oci.status("box") == "stopped"
    oci.must("delete", "box")


@pytest.mark.parametrize("argv", [["start", "box"], ["delete", "box"]])
def test_a_running_one_is_neither_started_nor_deleted(oci: Oci, argv: list[str]) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    before = oci.state("box")
    refused = oci.call(*argv)
    assert refused.status == 1
    assert "container 'box' is running" in refused.err
    assert oci.state("box") == before


def test_a_created_one_is_not_deleted_without_force(oci: Oci) -> None:
    oci.must("create", "--bundle", str(oci.bundle(*SLEEP)), "box")
    assert "container 'box' is created" in oci.call("delete", "box").err
    assert oci.status("box") == "created"
    oci.must("delete", "--force", "box")


def test_a_stopped_one_can_be_nothing_but_deleted(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle("true")), "box")
    oci.wait_for("box", "stopped")
    for argv in (["start"], ["kill"], ["pause"], ["resume"], ["exec"], ["ps"], ["update"]):
        extra = {"exec": ["true"], "update": ["--pids-limit"]}.get(argv[0], [])
        line = [*argv, *(["--pids-limit", "9"] if extra == ["--pids-limit"] else []), "box"]
        refused = oci.call(*line, *(extra if argv[0] == "exec" else []))
        assert refused.status in (1, 255), argv
        assert refused.err, argv
        assert oci.status("box") == "stopped"
    oci.must("delete", "box")


def test_an_id_is_taken_once(oci: Oci) -> None:
    bundle = str(oci.bundle(*SLEEP))
    oci.must("create", "--bundle", bundle, "box")
    before = oci.state("box")
    other = oci.bundle(*SLEEP, name="other")
    refused = oci.call("create", "--bundle", str(other), "box")
    assert refused.status == 1
    assert "container 'box' exists already" in refused.err
    assert oci.state("box") == before


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", ".hidden", "a b", "ü", "x" * 300])
def test_an_id_that_is_none_is_refused_by_every_command(oci: Oci, name: str) -> None:
    bundle = str(oci.bundle(*SLEEP))
    for argv in (["create", "--bundle", bundle], ["state"], ["delete", "--force"], ["start"]):
        refused = oci.call(*argv, name)
        assert refused.status == 1
        assert "is no container id" in refused.err


def test_two_starts_at_once_start_it_once(oci: Oci) -> None:
    oci.must("create", "--bundle", str(oci.bundle(*SLEEP)), "box")
    os.rename(oci.states / "box/start.sock", oci.states / "box/started.sock")  # what the first does
    refused = oci.call("start", "box")
    assert "container 'box' is started already" in refused.err
    oci.must("delete", "--force", "box")


def test_a_created_one_dies_of_a_plain_signal(oci: Oci) -> None:
    oci.must("create", "--bundle", str(oci.bundle(*SLEEP)), "box")
    oci.must("kill", "box")
    oci.wait_for("box", "stopped")
    oci.must("delete", "box")


@pytest.mark.parametrize("text", ["TERM", "SIGTERM", "15", "sigterm"])
def test_a_signal_has_many_names(oci: Oci, text: str) -> None:
    bundle = oci.bundle("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.02; done")
    oci.must("run", "--detach", "--bundle", str(bundle), "box")
    oci.must("kill", "box", text)
    oci.wait_for("box", "stopped")


def test_kill_all_reaches_every_process(oci: Oci) -> None:
    namespaces = [{"type": name} for name in ("mount", "uts", "ipc", "network")]
    bundle = oci.bundle("sh", "-c", "sleep 601 & exec sleep 602", linux={"namespaces": namespaces})
    oci.must("run", "--detach", "--bundle", str(bundle), "box")
    while len(pids := json.loads(oci.must("ps", "--format", "json", "box"))) < 2:
        continue
    oci.must("kill", "--all", "box", "KILL")
    oci.wait_for("box", "stopped")
    assert not any(Path(f"/proc/{pid}/cmdline").exists() and _runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def test_pause_and_resume(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    assert "not paused" in oci.call("resume", "box").err
    oci.must("pause", "box")
    assert oci.status("box") == "paused"
    assert "is paused" in oci.call("exec", "box", "true").err
    oci.must("resume", "box")
    assert oci.status("box") == "running"


def test_update_changes_limits(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    oci.must("update", "--pids-limit", "77", "box")
    given = json.dumps({"memory": {"limit": 64 << 20}, "pids": {"limit": 78}}).encode()
    oci.must("update", "--resources", "-", "box", stdin=given)
    group = json.loads((oci.states / "box/state.json").read_text())["cgroup"]
    assert (Path(group["pids"]) / "pids.max").read_text() == "78\n"
    assert (Path(group["memory"]) / "memory.limit_in_bytes").read_text() == f"{64 << 20}\n"
    refused = oci.call("update", "--resources", "-", "box", stdin=b'{"memory": {"limit": "x"}}')
    assert "stdin: memory.limit: expected a whole number, not text" in refused.err


def test_limits_of_memory_and_swap_rise_and_fall(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    group = Path(json.loads((oci.states / "box/state.json").read_text())["cgroup"]["memory"])
    if not (group / "memory.memsw.limit_in_bytes").exists():
        pytest.skip("swap is not accounted on this machine")
    for memory, both in ((64, 64), (128, 256), (32, 48), (32, 96)):
        flags = ("--memory", str(memory << 20), "--memory-swap", str(both << 20))
        oci.must("update", *flags, "box")
        assert (group / "memory.limit_in_bytes").read_text() == f"{memory << 20}\n"
        assert (group / "memory.memsw.limit_in_bytes").read_text() == f"{both << 20}\n"
    oci.must("update", "--memory-swap", str(40 << 20), "box")
    assert (group / "memory.memsw.limit_in_bytes").read_text() == f"{40 << 20}\n"


def test_list_and_ps_show_what_runs(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    pid = oci.state("box")["pid"]
    assert json.loads(oci.must("ps", "--format", "json", "box")) == [pid]
    assert f"{pid}" in oci.must("ps", "box")
    assert json.loads(oci.must("list", "--format", "json"))[0]["pid"] == pid
    assert oci.must("list").splitlines()[1].split()[:3] == ["box", str(pid), "running"]


def test_the_starter_runs_as_it_is_written(oci: Oci, tmp_path: Path) -> None:
    bundle = oci.bundle("sh", "-c", "id -u; cat /proc/self/status")
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert done.status == 0, done.err
    assert done.out.startswith("0\n")
    assert "NoNewPrivs:\t1" in done.out
    assert "exists already" in oci.call("spec", "--bundle", str(bundle)).err


def test_a_missing_program_is_told_at_creation(oci: Oci) -> None:
    refused = oci.call("create", "--bundle", str(oci.bundle("nonsense")), "box")
    assert refused.status == 127
    assert "executable file not found in $PATH: 'nonsense'" in refused.err
    other = oci.bundle("/etc", name="other")
    assert oci.call("run", "--bundle", str(other), "other").status == 126
    assert oci.must("list", "--quiet") == ""


def test_failures_go_into_the_log_too(oci: Oci, tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = ("--log", str(log), "--log-format", "json")
    assert oci.call(*argv, "state", "nobody").status == 1
    line = json.loads(log.read_text())
    assert line["level"] == "error"
    assert line["msg"] == "container 'nobody' does not exist"
    oci.call("--log", str(log), "start", "nobody")
    assert "error: container 'nobody' does not exist" in log.read_text().splitlines()[1]


def test_the_caller_is_interrupted_and_nothing_stays(oci: Oci) -> None:
    bundle = oci.bundle("sh", "-c", "trap 'exit 5' INT; echo up; while :; do sleep 0.02; done")
    pid_file = bundle / "pid"
    line = ("run", "--pid-file", str(pid_file), "--bundle", str(bundle), "box")
    argv = (oci.program, "--root", str(oci.states), *line)
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        while not _waits(process.pid):  # before, it would be a start that is given up
            time.sleep(0.02)
        assert pid_file.exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 5
    assert oci.must("list", "--quiet") == ""


def _waits(pid: int) -> bool:
    """Whether it has come to wait for its container: it has the pipe by which signals wake it."""
    pipes = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    return any(pipe.startswith("pipe:") and pipes.count(pipe) == 2 for pipe in pipes)


@pytest.mark.parametrize("pause", [0, 0.02, 0.04, 0.06, 0.08, 0.1])
def test_whenever_the_caller_is_interrupted_nothing_stays(oci: Oci, pause: float) -> None:
    line = ("run", "--bundle", str(oci.bundle("sh", "-c", "trap 'exit 5' INT; sleep 600")), "box")
    with subprocess.Popen((oci.program, "--root", str(oci.states), *line)) as process:
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 60
        while process.poll() is None:  # pid 1 hears a signal only once it has set its trap
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
            if time.monotonic() > deadline - 58 and oci.must("list", "--quiet"):
                oci.call("kill", "box", "KILL")
            assert time.monotonic() < deadline
    assert oci.must("list", "--quiet") == ""


def test_without_pivot_root_the_host_is_covered(oci: Oci) -> None:
    every = {
        name: ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"] for name in ("bounding", "effective", "permitted")
    }
    # The old way out of a chroot: another one below, with the working directory left above it.
    script = (
        "ls /; cat /proc/self/mountinfo; mkdir /tmp/x; cd /tmp; chroot x true; cd ../../../..; ls"
    )
    mount = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}
    bundle = oci.bundle("sh", "-c", script, process={"capabilities": every})
    config = json.loads((bundle / "config.json").read_text())
    config["mounts"].append(mount)
    (bundle / "config.json").write_text(json.dumps(config))
    plain = oci.call("run", "--bundle", str(bundle), "box")
    covered = oci.call("run", "--no-pivot", "--bundle", str(bundle), "box")
    assert covered.status == plain.status, covered.err

    def shown(text: str) -> list[str]:
        return [line.split()[4] if len(line.split()) > 4 else line for line in text.splitlines()]

    assert shown(covered.out)[:8] == shown(plain.out)[:8]
    assert "home" not in shown(covered.out)
    assert set(shown(covered.out)) <= {*shown(plain.out), "/"}
    assert oci.must("list", "--quiet") == ""


def test_a_limit_that_this_machine_cannot_set_is_refused_before_anything_is_made(oci: Oci) -> None:
    for name, given in (
        ("rdma", {"rdma": {"x": {"hcaHandles": 1}}}),
        ("net", {"network": {"classID": 1}}),
    ):
        bundle = oci.bundle("true", name=name, linux={"resources": given})
        refused = oci.call("run", "--bundle", str(bundle), "box")
        assert refused.status == 1
        assert "needs the cgroup controller" in refused.err
        assert oci.must("list", "--quiet") == ""


def test_update_leaves_devices_and_refuses_a_limit_below_what_is_used(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle(*SLEEP)), "box")
    same = {"devices": [{"allow": False, "access": "rwm"}], "pids": {"limit": 55}}
    oci.must("update", "--resources", "-", "box", stdin=json.dumps(same).encode())
    other = {"devices": [{"allow": True, "access": "rwm"}]}
    refused = oci.call("update", "--resources", "-", "box", stdin=json.dumps(other).encode())
    assert "linux.resources.devices: the rules of a running container" in refused.err
    small = {"memory": {"limit": 4096, "checkBeforeUpdate": True}}
    refused = oci.call("update", "--resources", "-", "box", stdin=json.dumps(small).encode())
    assert "below the" in refused.err
    assert oci.status("box") == "running"


def test_capabilities_that_nobody_can_give_are_left_out_and_told(oci: Oci) -> None:
    names = ["CAP_KILL", "CAP_NONSENSE"]
    own = int(Path("/proc/self/status").read_text().split("CapPrm:\t")[1].split()[0], 16)
    if not own >> 24 & 1:
        names.append("CAP_SYS_RESOURCE")
    sets = dict.fromkeys(("bounding", "effective", "permitted"), names)
    bundle = oci.bundle("grep", "CapEff", "/proc/self/status", process={"capabilities": sets})
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert (done.status, done.out.split()[1]) == (0, f"{1 << 5:016x}")
    for name in names[1:]:
        assert f"process.capabilities: '{name}' is left out" in done.err
