"""Restart policies and health checks, carried out with no daemon."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]


def wait_for(true: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)


@pytest.fixture
def minded(dockyard: Dockyard, home: Path) -> Iterator[Dockyard]:
    """``dockyard``; in the end the minder must have gone by itself."""
    yield dockyard
    left = dockyard("ps", "-aq").stdout.split()
    if left:
        dockyard("rm", "-f", *left)
    wait_for(lambda: not minders(home))


def minders(home: Path) -> list[int]:
    """Those of this run root."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"toolkit.engine.minder" in command and os.fsencode(home) in command:
                found.append(int(entry.name))
    return found


def inspect(dockyard: Dockyard, name: str) -> dict[str, Any]:
    (found,) = json.loads(dockyard("inspect", name).stdout)
    assert isinstance(found, dict)
    return found


def test_always_runs_again_until_it_is_stopped(minded: Dockyard, home: Path) -> None:
    script = "echo run >> /runs; cat /runs | wc -l; exit 3"
    done = minded("run", "-d", "--name", "web", "--restart", "always", "host", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: minded("logs", "web").stdout.split()[:3] == ["1", "2", "3"])
    wait_for(lambda: "Restarting (3) " in minded("ps").stdout)
    state = inspect(minded, "web")
    assert state["RestartCount"] >= 2
    assert state["HostConfig"]["RestartPolicy"] == {"Name": "always", "MaximumRetryCount": 0}
    wait_for(lambda: len(minders(home)) == 1)  # one that comes too late leaves
    assert minded("stop", "web").stdout == "web\n"
    assert "Exited (" in minded("ps", "-a").stdout  # 3, or 137 of one that was about to start
    wait_for(lambda: not minders(home))  # nothing is left to mind
    runs = minded("logs", "web").stdout
    time.sleep(0.3)
    assert minded("logs", "web").stdout == runs


def test_on_failure_tries_as_often_as_it_says(minded: Dockyard, home: Path) -> None:
    script = "echo run; exit 4"
    minded("run", "-d", "--name", "web", "--restart", "on-failure:2", "host", "sh", "-c", script)
    wait_for(lambda: not minders(home) and "Exited (4)" in minded("ps", "-a").stdout)
    assert minded("logs", "web").stdout == "run\n" * 3
    assert inspect(minded, "web")["RestartCount"] == 2
    minded("run", "-d", "--name", "well", "--restart", "on-failure", "host", "true")
    wait_for(lambda: "Exited (0)" in minded("ps", "-a").stdout)
    assert inspect(minded, "well")["RestartCount"] == 0


def test_a_killed_minder_is_followed_by_another(minded: Dockyard, home: Path) -> None:
    minded("run", "-d", "--name", "web", "--restart", "always", "host", "sleep", "1000")
    wait_for(lambda: len(minders(home)) == 1)
    os.kill(minders(home)[0], signal.SIGKILL)
    wait_for(lambda: not minders(home))
    pid = inspect(minded, "web")["State"]["Pid"]  # this very command starts the next one
    wait_for(lambda: minders(home))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: inspect(minded, "web")["State"]["Pid"] not in (0, pid))


def test_the_end_itself_starts_a_minder(minded: Dockyard, home: Path) -> None:
    minded("run", "-d", "--name", "web", "--restart", "always", "host", "sleep", "1000")
    pid = inspect(minded, "web")["State"]["Pid"]
    wait_for(lambda: len(minders(home)) == 1)
    os.kill(minders(home)[0], signal.SIGKILL)
    wait_for(lambda: not minders(home))
    os.kill(pid, signal.SIGKILL)  # and no command is run
    wait_for(lambda: minders(home))
    wait_for(lambda: inspect(minded, "web")["State"]["Pid"] not in (0, pid))


def test_a_killed_shim_does_not_silence_the_policy(minded: Dockyard, home: Path) -> None:
    minded("run", "-d", "--name", "web", "--restart", "always", "host", "sleep", "1000")
    found = inspect(minded, "web")
    wait_for(lambda: minders(home))
    state = json.loads((home / "run" / found["Id"] / "state.json").read_text())
    os.kill(state["shimPid"], signal.SIGKILL)
    os.kill(state["pid"], signal.SIGKILL)
    wait_for(lambda: inspect(minded, "web")["State"]["Pid"] not in (0, state["pid"]))


def test_update_changes_the_policy(minded: Dockyard) -> None:
    minded("run", "-d", "--name", "web", "host", "sleep", "1000")
    assert minded("update", "--restart", "always", "web").returncode == 0
    pid = inspect(minded, "web")["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: inspect(minded, "web")["State"]["Pid"] not in (0, pid))
    assert minded("update", "--restart", "no", "web").returncode == 0
    os.kill(inspect(minded, "web")["State"]["Pid"], signal.SIGKILL)
    wait_for(lambda: "Exited (137)" in minded("ps", "-a").stdout)


def test_health_from_starting_to_unhealthy_and_back(minded: Dockyard) -> None:
    check = "test -e /well && echo fine"
    minded("run", "-d", "--name", "web", "--health-cmd", check, "--health-interval", "200ms",
           "--health-retries", "2", "host", "sleep", "1000")  # fmt: skip
    wait_for(lambda: "(unhealthy)" in minded("ps").stdout)
    told = inspect(minded, "web")["State"]["Health"]
    assert told["FailingStreak"] >= 2
    assert told["Log"][-1]["ExitCode"] == 1
    assert minded("ps", "-q", "-f", "health=unhealthy").stdout
    minded("exec", "web", "touch", "/well")
    wait_for(lambda: "(healthy)" in minded("ps").stdout)
    told = inspect(minded, "web")["State"]["Health"]
    assert (told["FailingStreak"], told["Log"][-1]["Output"]) == (0, "fine\n")
    minded("stop", "-t", "0", "web")
    assert inspect(minded, "web")["State"]["Health"]["Status"] == "unhealthy"


def test_one_that_was_not_looked_at_yet_is_starting(minded: Dockyard) -> None:
    minded("run", "-d", "--name", "web", "--health-cmd", "true", "--health-interval",
           "1h", "host", "sleep", "1000")  # fmt: skip
    assert "(health: starting)" in minded("ps").stdout
    minded("pause", "web")
    assert "(Paused)" in minded("ps").stdout


def test_a_look_that_takes_too_long_fails(minded: Dockyard) -> None:
    asked = ("--health-cmd", "sleep 1000", "--health-interval", "200ms", "--health-retries", "1")
    minded("run", "-d", "--name", "web", *asked, "--health-timeout", "300ms", "host", "sleep", "99")
    wait_for(lambda: "(unhealthy)" in minded("ps").stdout)
    last = inspect(minded, "web")["State"]["Health"]["Log"][-1]
    assert (last["ExitCode"], last["Output"]) == (-1, "Health check exceeded timeout (0.3s)")


def test_two_minders_are_one(minded: Dockyard, home: Path) -> None:
    names = [f"web{number}" for number in range(4)]
    words = ("run", "-d", "--restart", "always", "--name")
    for name in names:
        minded(*words, name, "host", "sleep", "1000")
    wait_for(lambda: len(minders(home)) == 1)
    for name in names:
        os.kill(inspect(minded, name)["State"]["Pid"], signal.SIGKILL)
    wait_for(lambda: all(inspect(minded, name)["RestartCount"] == 1 for name in names))
