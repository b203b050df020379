"""The real ``docker`` command against our socket: containers."""

import pytest

from support.api import Docker

pytestmark = pytest.mark.root

ALONE = ("--rm", "--network", "none", "host")


def test_output_status_and_input(docker: Docker) -> None:
    ran = docker("run", *ALONE, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("out\n", "err\n", 3)
    assert docker("run", "-i", *ALONE, "cat", text="in").stdout == "in"
    assert docker("run", *ALONE, "nosuch").returncode == 127
    assert docker("run", *ALONE, "/etc/passwd").returncode == 126
    assert docker("ps", "-aq").stdout == ""


def test_the_life_of_one_in_the_background(docker: Docker) -> None:
    made = docker("run", "-d", "--name", "web", "--network", "none", "host", "sleep", "100")
    assert made.returncode == 0, made.stderr
    assert docker("ps", "--format", "{{.Names}} {{.State}}").stdout == "web running\n"
    assert docker("exec", "-i", "web", "cat", text="in").stdout == "in"
    assert docker("exec", "web", "sh", "-c", "exit 7").returncode == 7
    assert docker("exec", "web", "nosuch").returncode == 127
    assert docker("kill", "web").returncode == 0
    assert docker("wait", "web").stdout == "137\n"
    assert docker("rm", "web").returncode == 0
    missing = docker("logs", "web")
    assert "No such container: web" in missing.stderr


def test_logs_are_followed_to_the_end(docker: Docker) -> None:
    script = "for i in 1 2 3; do echo $i; sleep 0.1; done"
    docker("run", "-d", "--name", "talks", "--network", "none", "host", "sh", "-c", script)
    assert docker("logs", "-f", "talks").stdout == "1\n2\n3\n"
    assert docker("logs", "--tail", "1", "talks").stdout == "3\n"
