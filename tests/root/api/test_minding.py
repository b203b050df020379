"""Restart policies and health checks of the real ``docker``, with a server that comes and goes."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from support.api import Docker

pytestmark = pytest.mark.root


def wait_for(true: Callable[[], object], *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.1)


@pytest.fixture
def minded(docker: Docker) -> Iterator[Docker]:
    """``docker``; what a test leaves to be minded is removed before its server ends."""
    yield docker
    left = docker.said("ps", "-aq").split()
    if left:
        docker.said("rm", "-f", *left)


def shown(docker: Docker, name: str, template: str) -> str:
    return docker.said("inspect", "-f", template, name).strip()


def test_policies_go_on_without_the_server(minded: Docker) -> None:
    words = ("run", "-d", "--network", "none", "--name", "web", "--restart", "always")
    minded.said(*words, "host", "sleep", "1000")
    pid = int(shown(minded, "web", "{{.State.Pid}}"))
    minded.server.kill()
    os.kill(pid, signal.SIGKILL)  # nobody serves now
    minded.server.start()
    wait_for(lambda: shown(minded, "web", "{{.RestartCount}} {{.State.Running}}") == "1 true")
    again = int(shown(minded, "web", "{{.State.Pid}}"))
    assert again != pid
    os.kill(again, signal.SIGKILL)
    wait_for(lambda: shown(minded, "web", "{{.RestartCount}} {{.State.Status}}") == "2 running")
    assert minded.said("stop", "-t", "0", "web") == "web\n"
    assert shown(minded, "web", "{{.State.Status}}") == "exited"


def test_one_that_is_about_to_run_again_is_stopped(minded: Docker) -> None:
    words = ("run", "-d", "--network", "none", "--name", "web", "--restart", "unless-stopped")
    minded.said(*words, "host", "sh", "-c", "exit 3")
    wait_for(lambda: "Restarting (3) " in minded.said("ps"))
    assert "restarting" in minded.refused("rm", "web")
    minded.said("stop", "-t", "0", "web")
    assert shown(minded, "web", "{{.State.Status}}") == "exited"
    minded.said("rm", "web")


def test_health(minded: Docker) -> None:
    words = ("run", "-d", "--network", "none", "--name", "web", "--health-interval", "200ms")
    minded.said(*words, "--health-cmd", "test -e /well", "host", "sleep", "1000")
    wait_for(lambda: "(unhealthy)" in minded.said("ps"))
    minded.said("exec", "web", "touch", "/well")
    wait_for(lambda: "(healthy)" in minded.said("ps"))
    assert shown(minded, "web", "{{.State.Health.Status}} {{.State.Health.FailingStreak}}") == (
        "healthy 0"
    )
    assert minded.said("ps", "-q", "-f", "health=healthy")
