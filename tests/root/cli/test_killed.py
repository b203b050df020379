"""Whoever is killed, and when: what runs goes on, and the next command leaves nothing half done."""

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
LOOP = ("sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")


def wait_for(true: Callable[[], object], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


def kept(home: Path) -> list[str]:
    """Directories of containers, and their state."""
    found: list[str] = []
    for path in (home / "data/containers", home / "run"):
        found += os.listdir(path) if path.exists() else []
    return [name for name in found if not name.startswith(".")]


def state(home: Path) -> dict[str, int]:
    """The runtime's note of the only container."""
    (name,) = [name for name in os.listdir(home / "run") if not name.startswith(".")]
    found: dict[str, int] = json.loads((home / "run" / name / "state.json").read_text())
    return found


def start(entry: tuple[str, ...], *flags: str) -> "subprocess.Popen[bytes]":
    """A foreground run that is past its start."""
    words = (*entry, "run", "--name", "web", *flags, "host", *LOOP)
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_killed_caller_leaves_the_container_running(
    dockyard: Dockyard, entry: tuple[str, ...]
) -> None:
    with start(entry) as caller:
        caller.kill()
        caller.wait()
        assert "Up " in dockyard("ps").stdout
        assert dockyard("exec", "web", "true").returncode == 0
        assert dockyard("stop", "web").returncode == 0
        assert "Exited (5)" in dockyard("ps", "-a").stdout


def test_a_killed_caller_of_rm_leaves_nothing_in_the_end(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path
) -> None:
    with start(entry, "--rm") as caller:
        caller.kill()
        caller.wait()
        assert "Up " in dockyard("ps").stdout
        assert dockyard("stop", "web").returncode == 0
        wait_for(lambda: not kept(home))
        assert "web" not in dockyard("ps", "-a").stdout
        assert dockyard("create", "--name", "web", "host", "true").returncode == 0


@pytest.mark.parametrize("flags", [("--rm",), ()])
def test_a_killed_shim_does_not_end_the_container(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path, flags: tuple[str, ...]
) -> None:
    with start(entry, *flags) as caller:
        wait_for(lambda: "Up " in dockyard("ps").stdout)  # the caller knows that it runs
        now = state(home)
        os.kill(now["shimPid"], signal.SIGKILL)
        assert "Up " in dockyard("ps").stdout
        assert dockyard("exec", "web", "true").returncode == 0
        assert dockyard("stop", "web").returncode == 0
        assert caller.wait(timeout=60) == 5  # its caller took it over
        shown = dockyard("ps", "-a").stdout
        assert ("Exited (5)" in shown) is not bool(flags)
        if not flags:
            assert dockyard("rm", "web").returncode == 0
        wait_for(lambda: not kept(home))


@pytest.mark.parametrize("flags", [("--rm",), ()])
def test_signals_still_reach_it(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path, flags: tuple[str, ...]
) -> None:
    with start(entry, *flags) as caller:
        wait_for(lambda: "Up " in dockyard("ps").stdout)  # the caller knows that it runs
        now = state(home)
        os.kill(now["shimPid"], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while caller.poll() is None:  # the first may come before the caller knows of its orphan
            assert time.monotonic() < deadline
            caller.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        assert caller.returncode == 5


def test_a_killed_shim_and_init(dockyard: Dockyard, entry: tuple[str, ...], home: Path) -> None:
    with start(entry, "--rm") as caller:
        wait_for(lambda: "Up " in dockyard("ps").stdout)  # the caller knows that it runs
        now = state(home)
        for pid in (now["shimPid"], now["pid"]):
            os.kill(pid, signal.SIGKILL)
        assert caller.wait(timeout=60) == 137
        assert "web" not in dockyard("ps", "-a").stdout
        wait_for(lambda: not kept(home))


@pytest.mark.parametrize("flags", [("--rm",), ("-d",), ()])
def test_a_caller_killed_at_any_moment_leaves_nothing_half_made(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path, flags: tuple[str, ...]
) -> None:
    dockyard("run", "--rm", "host", "true")  # what a first start unpacks is not the question
    for moment in range(12):
        words = (*entry, "run", *flags, "host", "sleep", "0.2")
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as caller:
            time.sleep(0.012 * moment)
            caller.kill()
    listed = dockyard("ps", "-aq").stdout.split()
    for name in listed:
        assert "--rm" in flags or dockyard("inspect", name).returncode == 0
    wait_for(lambda: not dockyard("ps", "-q").stdout)
    if dockyard("ps", "-aq").stdout:
        assert dockyard("rm", "-f", *dockyard("ps", "-aq").stdout.split()).returncode == 0
    wait_for(lambda: not kept(home))


def test_a_caller_interrupted_at_any_moment_leaves_nothing(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path
) -> None:
    dockyard("run", "--rm", "host", "true")
    script = "trap 'exit 0' INT; while :; do sleep 0.05; done"
    for moment in range(10):
        words = (*entry, "run", "host", "sh", "-c", script)
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as caller:
            time.sleep(0.06 + 0.012 * moment)  # before that the interpreter itself starts
            caller.send_signal(signal.SIGINT)
            # an interrupt that reaches a shell before its trap is set is lost on pid 1
            while caller.poll() is None:
                time.sleep(0.3)
                caller.send_signal(signal.SIGINT)
            said = caller.communicate(timeout=60)[1]
            # on a busy machine the interpreter may still be starting, and says so with 1
            starting = ("Failed to import", "Error processing line", "runpy", "Could not import")
            early = caller.returncode == 1 and any(text in said for text in starting)
            assert early or caller.returncode in (0, 130, -signal.SIGINT), said
    listed = dockyard("ps", "-aq").stdout.split()
    assert all("Exited" in line for line in dockyard("ps", "-a").stdout.splitlines()[1:])
    assert not listed or dockyard("rm", *listed).returncode == 0
    assert kept(home) == []


def test_many_at_once_do_not_disturb_each_other(
    dockyard: Dockyard, entry: tuple[str, ...], home: Path
) -> None:
    dockyard("run", "--rm", "host", "true")
    words = (*entry, "run", "--rm", "host", "sh", "-c", "exit 3")
    running = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(10)]
    said = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [3] * 10, said
    assert kept(home) == []
    assert dockyard("ps", "-aq").stdout == ""
