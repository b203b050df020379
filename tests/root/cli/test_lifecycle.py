import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]
LOOP = "trap 'exit 5' TERM; echo ready; echo oops >&2; while :; do sleep 0.1; done"


def wait_for(true: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


@pytest.fixture
def web(dockyard: Dockyard) -> str:
    """A container that runs in the background; its id."""
    done = dockyard("run", "-d", "--name", "web", "host", "sh", "-c", LOOP)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: "ready" in dockyard("logs", "web").stdout)
    return done.stdout.strip()


def test_the_id_is_64_hex_digits(web: str) -> None:
    assert len(web) == 64
    int(web, 16)


def test_ps_shows_it_as_docker_does(web: str, dockyard: Dockyard) -> None:
    head, line = dockyard("ps").stdout.splitlines()
    assert head.split("  ")[0] == "CONTAINER ID"
    assert line.startswith(f"{web[:12]}   host")
    assert line.endswith("web")
    assert "Up " in line
    assert dockyard("ps", "-q").stdout == f"{web[:12]}\n"
    assert dockyard("ps", "-q", "--no-trunc").stdout == f"{web}\n"


def test_logs_keep_both_streams_apart(web: str, dockyard: Dockyard) -> None:
    done = dockyard("logs", web[:6])
    assert (done.stdout, done.stderr) == ("ready\n", "oops\n")
    assert dockyard("logs", "-n", "0", "web").stdout == ""
    stamped = dockyard("logs", "-t", "web").stdout
    assert stamped.endswith("Z ready\n")


def test_logs_follow_to_the_end(web: str, dockyard: Dockyard, entry: tuple[str, ...]) -> None:
    del web
    with subprocess.Popen((*entry, "logs", "-f", "web"), stdout=subprocess.PIPE) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"ready\n"
        dockyard("stop", "web")
        assert follower.wait(timeout=10) == 0


def test_stop_start_and_remove(web: str, dockyard: Dockyard) -> None:
    assert dockyard("rm", "web").returncode == 1
    assert dockyard("stop", "web").stdout == "web\n"
    assert "Exited (5)" in dockyard("ps", "-a").stdout
    assert dockyard("wait", "web").stdout == "5\n"
    assert dockyard("start", web[:12]).stdout == f"{web[:12]}\n"
    assert "Up " in dockyard("ps").stdout
    assert dockyard("start", "web").returncode == 1
    assert dockyard("rm", "-f", "web").stdout == "web\n"
    assert web[:12] not in dockyard("ps", "-a").stdout


def test_what_was_written_survives_a_restart(dockyard: Dockyard) -> None:
    script = "cat /kept 2>/dev/null; echo again >> /kept"
    dockyard("run", "--name", "twice", "host", "sh", "-c", script)
    assert dockyard("start", "-a", "twice").stdout == "again\n"


def test_stop_kills_what_does_not_listen(dockyard: Dockyard) -> None:
    dockyard("run", "-d", "--name", "deaf", "host", "sh", "-c", "trap '' TERM; sleep 100")
    began = time.monotonic()
    dockyard("stop", "-t", "1", "deaf")
    assert 0.9 < time.monotonic() - began < 6
    assert "Exited (137)" in dockyard("ps", "-a").stdout


def test_kill_sends_any_signal(dockyard: Dockyard) -> None:
    script = "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.05; done"
    dockyard("run", "-d", "--name", "web", "host", "sh", "-c", script)
    wait_for(lambda: "ready" in dockyard("logs", "web").stdout)
    assert dockyard("kill", "-s", "usr1", "web").returncode == 0
    wait_for(lambda: "usr1" in dockyard("logs", "web").stdout)
    assert dockyard("kill", "web").returncode == 0
    assert dockyard("wait", "web").stdout == "137\n"
    assert dockyard("kill", "web").returncode == 1


def test_exec(web: str, dockyard: Dockyard) -> None:
    del web
    done = dockyard("exec", "-e", "A=1", "-w", "/tmp", "-u", "1:1", "web", "sh", "-c",
                    "echo $A; pwd; id -u; readlink /proc/self/ns/pid; exit 4")  # fmt: skip
    *lines, namespace = done.stdout.splitlines()
    assert lines == ["1", "/tmp", "1"]
    assert namespace == dockyard("exec", "web", "readlink", "/proc/1/ns/pid").stdout.strip()
    assert done.returncode == 4
    assert dockyard("exec", "web", "/nonexistent").returncode == 127
    assert dockyard("exec", "-i", "web", "cat", stdin="hello").stdout == "hello"
    assert dockyard("exec", "nothing", "true").returncode == 1


def test_inspect(web: str, dockyard: Dockyard) -> None:
    (found,) = json.loads(dockyard("inspect", "web").stdout)
    assert found["Id"] == web
    assert found["Name"] == "/web"
    assert found["State"]["Running"]
    assert Path(f"/proc/{found['State']['Pid']}").exists()
    assert dockyard("inspect", "web", "nothing").returncode == 1


def test_nsenter(web: str, dockyard: Dockyard) -> None:
    pid = json.loads(dockyard("inspect", "web").stdout)[0]["State"]["Pid"]
    done = dockyard("nsenter", "web", "-n", "-u", "--", "readlink", "/proc/self/ns/net")
    assert done.stdout.strip() == os.readlink(f"/proc/{pid}/ns/net")
    assert dockyard("nsenter", "web", "-u", "--", "hostname").stdout.strip() == web[:12]
    assert dockyard("nsenter", "web", "-p", "-m", "--", "sh", "-c", "exit 6").returncode == 6
    assert dockyard("nsenter", "web", "-n", "--", "/nonexistent").returncode == 127
    assert dockyard("nsenter", "web", "--", "true").returncode == 2


def test_pid_of_another_container(web: str, dockyard: Dockyard) -> None:
    del web
    seen = dockyard("run", "--rm", "--pid", "container:web", "host", "cat", "/proc/1/cmdline")
    assert "echo ready" in seen.stdout


@pytest.mark.parametrize("extra", [("--rm",), ()])
def test_signals_are_passed_on(
    dockyard: Dockyard, entry: tuple[str, ...], extra: tuple[str, ...]
) -> None:
    del dockyard
    for number, status in ((signal.SIGTERM, 9), (signal.SIGINT, 8), (signal.SIGUSR1, 7)):
        script = (
            "trap 'exit 9' TERM; trap 'exit 8' INT; trap 'exit 7' USR1;"
            "echo ready; while :; do sleep 0.05; done"
        )
        words = (*entry, "run", *extra, "host", "sh", "-c", script)
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            assert process.wait(timeout=10) == status


def test_stop_and_restart_by_another_signal(dockyard: Dockyard) -> None:
    script = "trap 'exit 7' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done"
    dockyard("run", "-d", "--name", "web", "host", "sh", "-c", script)
    wait_for(lambda: dockyard("logs", "web").stdout == "ready\n", seconds=60)
    assert dockyard("restart", "-s", "USR1", "--timeout", "600", "web").stdout == "web\n"
    wait_for(lambda: dockyard("logs", "web").stdout == "ready\nready\n", seconds=60)
    assert dockyard("stop", "--signal", "USR1", "-t", "600", "web").stdout == "web\n"
    assert "Exited (7)" in dockyard("ps", "-a").stdout


def test_only_the_streams_that_are_asked_for(dockyard: Dockyard) -> None:
    script = ("host", "sh", "-c", "cat; echo out; echo err >&2")
    shown = dockyard("run", "--rm", "-i", "-a", "stdout", *script, stdin="in")
    assert (shown.stdout, shown.stderr) == ("out\n", "")
    words = ("--name", "kept", "-a", "stderr", "-a", "stdin", "-i")
    shown = dockyard("run", *words, *script, stdin="in")
    assert (shown.stdout, shown.stderr) == ("", "err\n")
    assert dockyard("logs", "kept").stdout == "inout\n"
    assert dockyard("run", "-d", "-a", "stdout", "host", "true").returncode == 125
    assert dockyard("run", "-a", "stdfoo", "host", "true").returncode == 125
