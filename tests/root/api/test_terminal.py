"""The real ``docker`` command on a real terminal, and signals that it hands on."""

import signal
import time

import pexpect
import pytest

from support.api import Docker

pytestmark = pytest.mark.root
PATIENCE = 120
ALONE = ("--network", "none", "host")


def on_terminal(docker: Docker, *words: str) -> "pexpect.spawn[str]":
    """``docker`` as a person types it."""
    return pexpect.spawn(
        docker.program,
        list(words),
        env=docker.env,
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(31, 97),
    )


def test_a_person_enters_detaches_comes_back_and_leaves(docker: Docker) -> None:
    person = on_terminal(docker, "run", "-it", "--name", "web", *ALONE, "sh", "-i")
    person.expect("[#$] ")
    person.sendline("stty size; echo A$((1+1))")
    person.expect("31 97")
    person.expect("A2")
    person.send("\x10\x11")  # ctrl-p, ctrl-q
    person.expect(pexpect.EOF)
    assert docker.said("ps", "--format", "{{.Names}}") == "web\n"
    again = on_terminal(docker, "attach", "web")
    again.sendline("echo B$((2+2))")
    again.expect("B4")
    again.sendline("until [ \"$(stty size)\" = '20 50' ]; do sleep 0.1; done; echo si''zed")
    for _ in range(PATIENCE):  # the command may not listen for a change just then
        again.setwinsize(21, 50)
        again.setwinsize(20, 50)
        if again.expect(["sized", pexpect.TIMEOUT], timeout=1) == 0:
            break
    else:
        raise AssertionError("the container never heard of the new size")
    entered = on_terminal(docker, "exec", "-it", "web", "sh", "-c", "stty size; cat")
    entered.expect("31 97")
    entered.sendline("typed")
    entered.expect("typed\r\ntyped")
    entered.send("\x04")
    entered.expect(pexpect.EOF)
    again.sendline("exit 7")
    again.expect(pexpect.EOF)
    again.close()
    assert again.exitstatus == 7
    assert "B4" in docker.said("logs", "web")


TRAPS = (
    "trap 'echo got; exit 9' TERM; trap 'echo user' USR1; echo ready; while :; do sleep 0.05; done"
)


def test_signals_come_through_a_client_and_through_kill(docker: Docker) -> None:
    client = docker.begin("run", "--name", "traps", *ALONE, "sh", "-c", TRAPS)
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    docker.said("kill", "-s", "USR1", "traps")
    assert client.stdout.readline() == "user\n"
    client.send_signal(signal.SIGTERM)
    assert client.stdout.readline() == "got\n"
    assert client.wait() == 9
    client.communicate()


def test_stop_asks_first_and_kills_who_does_not_listen(docker: Docker) -> None:
    docker.said("run", "-d", "--name", "polite", *ALONE, "sh", "-c", TRAPS)
    deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    docker.said("run", "-d", "--name", "deaf", *ALONE, "sh", "-c", deaf)
    deadline = time.monotonic() + PATIENCE
    for name in ("polite", "deaf"):
        while "ready" not in docker.said("logs", name):
            assert time.monotonic() < deadline
    docker.said("stop", "polite")
    assert docker.said("inspect", "-f", "{{.State.ExitCode}}", "polite") == "9\n"
    docker.said("stop", "-t", "1", "deaf")
    assert docker.said("inspect", "-f", "{{.State.ExitCode}}", "deaf") == "137\n"
    docker.said("restart", "-t", "1", "deaf")
    assert docker.said("inspect", "-f", "{{.State.Running}}", "deaf") == "true\n"
