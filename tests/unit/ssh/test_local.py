"""A real agent as a child of the test."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError, UnavailableError
from toolkit.ssh.link import StreamLink, open_local


@pytest.fixture
def link() -> Iterator[StreamLink]:
    with open_local() as made:
        yield made


def test_ping(link: StreamLink) -> None:
    answer = link.call("ping", {"echo": [1, {"a": None}]}).result
    assert answer["echo"] == [1, {"a": None}]
    assert answer["uid"] == os.getuid()
    assert answer["pid"] != os.getpid()


def test_run_gives_status_and_both_outputs(link: StreamLink) -> None:
    script = "cat; echo oops >&2; exit 3"
    done = link.call("run", {"argv": ["sh", "-c", script], "stdin": "hello"}).result
    assert done == {"status": 3, "stdout": "hello", "stderr": "oops\n"}


def test_run_carries_bytes(link: StreamLink) -> None:
    script = "cat; printf '\\376' >&2"
    reply = link.call("run", {"argv": ["sh", "-c", script], "binary": True}, body=b"\xff\0\xfe")
    cut = reply.result["stdout_size"]
    assert (reply.body[:cut], reply.body[cut:]) == (b"\xff\0\xfe", b"\xfe")


def test_run_takes_a_whole_environment_and_a_directory(link: StreamLink, tmp_path: Path) -> None:
    params = {"argv": ["/bin/sh", "-c", "echo $A; pwd"], "env": {"A": "b"}, "cwd": str(tmp_path)}
    assert link.call("run", params).result["stdout"] == f"b\n{tmp_path}\n"


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({}, InvalidInputError, "'argv' is missing"),
        ({"argv": []}, InvalidInputError, "'argv': expected a list of texts"),
        ({"argv": ["true"], "timeout": "1"}, InvalidInputError, "'timeout': expected seconds"),
        ({"argv": ["true"], "stdin": 1}, InvalidInputError, "'stdin': expected text, not 1"),
        ({"argv": ["no-such-program"]}, NotFoundError, "'no-such-program' is not installed"),
        ({"argv": ["true"], "cwd": "/no/such"}, NotFoundError, "no such directory: '/no/such'"),
        ({"argv": ["/etc/passwd"]}, ToolkitError, "'/etc/passwd' cannot be run"),
        ({"argv": ["sleep", "9"], "timeout": 0.1}, ToolkitError, "did not end within 0.1 s"),
    ],
)
def test_run_refuses(
    link: StreamLink, params: dict[str, object], kind: type[ToolkitError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        link.call("run", params)
    assert link.call("ping", {"echo": 1}).result["echo"] == 1


def test_files_go_there_and_back(link: StreamLink) -> None:
    path = link.call("mktemp", {"suffix": ".x"}).result
    link.call("write", {"path": path, "mode": 0o640}, body=b"\0content")
    reply = link.call("read", {"path": path})
    assert (reply.body, reply.result["mode"]) == (b"\0content", 0o640)
    assert link.call("stat", {"path": path}).result["size"] == 8
    assert link.call("remove", {"path": path}).result is True
    assert link.call("remove", {"path": path}).result is False
    assert link.call("stat", {"path": path}).result is None


def test_directories_are_listed_and_removed_whole(link: StreamLink) -> None:
    folder = link.call("mktemp", {"directory": True}).result
    assert os.stat(folder).st_mode & 0o777 == 0o700
    for name in ("b", "a"):
        link.call("write", {"path": f"{folder}/{name}"}, body=b"")
    os.symlink("a", f"{folder}/c")
    assert link.call("listdir", {"path": folder}).result == ["a", "b", "c"]
    assert link.call("readlink", {"path": f"{folder}/c"}).result == "a"
    assert link.call("stat", {"path": f"{folder}/c", "follow": False}).result["kind"] == "l"
    assert link.call("remove", {"path": folder}).result is True
    assert not os.path.exists(folder)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("read", {"path": "/no/such"}),
        ("write", {"path": "/no/such/file"}),
        ("readlink", {"path": "/no/such"}),
        ("listdir", {"path": "/no/such"}),
        ("pign", {}),
    ],
)
def test_what_is_not_there_is_not_found(
    link: StreamLink, method: str, params: dict[str, object]
) -> None:
    with pytest.raises(NotFoundError):
        link.call(method, params)


def test_an_unknown_method_has_a_hint(link: StreamLink) -> None:
    with pytest.raises(NotFoundError) as caught:
        link.call("pong", {})
    assert caught.value.hint == "did you mean 'ping'?"


def test_a_kernel_refusal_is_one_line(link: StreamLink) -> None:
    with pytest.raises(ToolkitError, match="Is a directory: '/etc'"):
        link.call("read", {"path": "/etc"})


def test_what_a_child_prints_never_reaches_the_stream(link: StreamLink) -> None:
    pid = link.call("ping", {}).result["pid"]
    with open(f"/proc/{pid}/fd/1", "a") as stdout:
        stdout.write("noise\n")
    assert link.call("ping", {"echo": 2}).result["echo"] == 2


def test_an_agent_that_dies_leaves_its_last_words(link: StreamLink) -> None:
    script = "echo 'out of luck' > /proc/$PPID/fd/2; kill -9 $PPID"
    with pytest.raises(UnavailableError) as caught:
        link.call("run", {"argv": ["sh", "-c", script]})
    assert "host 'localhost': link lost during 'run'" in caught.value.message
    assert "status -9" in caught.value.message
    assert "out of luck" in caught.value.message


def test_closing_ends_what_a_request_started(link: StreamLink, tmp_path: Path) -> None:
    script = f"sleep 100 & echo $! > {tmp_path}/pid; wait"
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            link.call("run", {"argv": ["sh", "-c", script]})
        except UnavailableError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    pid = _written(tmp_path / "pid")
    began = time.monotonic()
    link.close()
    thread.join()
    assert failed
    assert time.monotonic() - began < 4
    _wait_until_gone(pid)


def test_a_killed_controller_ends_the_agent_and_its_children(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]; from toolkit.ssh.link import open_local\n"
        "script = 'echo $$ > ' + sys.argv[1] + '; sleep 99'\n"
        "open_local().call('run', {'argv': ['sh', '-c', script]})"
    )
    argv = (sys.executable, "-c", program, str(tmp_path / "pid"), *sys.path)
    controller = os.posix_spawn(sys.executable, argv, os.environ)
    pid = _written(tmp_path / "pid")
    os.kill(controller, signal.SIGKILL)
    os.waitpid(controller, 0)
    _wait_until_gone(pid)


def test_a_prefix_goes_before_the_agents_argv(tmp_path: Path) -> None:
    with open_local(("env", f"TMPDIR={tmp_path}")) as link:
        assert link.call("mktemp", {}).result.startswith(str(tmp_path))


def test_a_prefix_that_is_no_program() -> None:
    with pytest.raises(NotFoundError, match="'no-such-program' is not installed"):
        open_local(("no-such-program",))


def _written(path: Path) -> int:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def _wait_until_gone(pid: int) -> None:
    """A zombie counts as gone: who reaps it is not our child's business."""
    deadline = time.monotonic() + 10
    state = Path(f"/proc/{pid}/stat")
    while state.exists() and ") Z " not in state.read_text():
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.02)
