"""Containers through an agent on a pipe, by the embedded runtime."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolkit.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ToolkitError,
    UnavailableError,
)
from toolkit.ssh.link import Reply, StreamLink, open_local

pytestmark = pytest.mark.root
Ask = Callable[..., Reply]


@pytest.fixture
def settings(home: Path) -> dict[str, str]:
    return {
        "data_root": str(home / "data"),
        "run_root": str(home / "run"),
        "cgroup_parent": os.environ["DOCKYARD_CGROUP_PARENT"],
    }


@pytest.fixture
def link(settings: Mapping[str, str]) -> Iterator[StreamLink]:
    del settings  # first in, last out: the agent ends before its folders are looked at
    with open_local() as made:
        yield made


@pytest.fixture
def ask(link: StreamLink, settings: Mapping[str, str]) -> Ask:
    def call(method: str, body: bytes = b"", **params: Any) -> Reply:
        return link.call(f"container.{method}", {**params, "settings": settings}, body=body)

    return call


@pytest.fixture
def box(ask: Ask) -> Iterator[str]:
    """A container that sleeps."""
    name = ask("create", config={"image": "host", "command": ["sleep", "1000"]}).result
    ask("start", id=name)
    yield name
    ask("remove", id=name, force=True)


def host(*command: str) -> dict[str, Any]:
    return {"image": "host", "command": list(command)}


def test_run_goes_to_the_end_and_leaves_nothing(ask: Ask) -> None:
    done = ask("run", config=host("sh", "-c", "cat; echo $$; echo no >&2; exit 7"), stdin="in\n")
    assert done.result == {"status": 7, "stdout": "in\n1\n", "stderr": "no\n"}
    assert ask("list", all=True).result == []


def test_run_carries_bytes(ask: Ask) -> None:
    reply = ask("run", body=b"\xff\0\xfe" * 50_000, config=host("cat"), binary=True)
    assert reply.result == {"status": 0, "stdout_size": 150_000}
    assert reply.body == b"\xff\0\xfe" * 50_000


def test_a_program_that_does_not_exist_is_an_error_with_its_status(ask: Ask) -> None:
    with pytest.raises(ToolkitError) as caught:
        ask("run", config=host("/no/such"))
    assert caught.value.exit_status == 127
    assert ask("list", all=True).result == []


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"config": {"imgae": "host"}}, InvalidInputError, "config.imgae: unknown key"),
        ({"config": {"image": "/no/such"}}, NotFoundError, "/no/such"),
        ({"config": {"image": "host"}, "timeout": True}, InvalidInputError, "'timeout'"),
        ({}, InvalidInputError, "'config' is missing"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    ask: Ask, params: dict[str, Any], kind: type[ToolkitError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        ask("run", **params)


def test_unknown_settings_are_refused(link: StreamLink) -> None:
    with pytest.raises(InvalidInputError, match=r"settings\.dataroot: unknown key") as caught:
        link.call("container.list", {"settings": {"dataroot": "/x"}})
    assert caught.value.hint == "did you mean 'data_root'?"
    with pytest.raises(InvalidInputError, match="expected text, not 3"):
        link.call("container.list", {"settings": {"data_root": 3}})


def test_a_container_is_entered_and_looked_at(ask: Ask, box: str) -> None:
    done = ask("exec", id=box, argv=["sh", "-c", "cat; echo $A; id -u"], stdin="x ", env=["A=b"])
    assert done.result == {"status": 0, "stdout": "x b\n0\n", "stderr": ""}
    view = ask("inspect", id=box).result
    assert (view["status"], view["args"]) == ("running", ["sleep", "1000"])
    assert view["config"]["command"] == ["sleep", "1000"]
    assert Path(f"/proc/{view['pid']}/comm").read_text() == "sleep\n"
    assert [one["id"] for one in ask("list").result] == [box]


def test_an_exec_that_takes_too_long_ends_alone(ask: Ask, box: str) -> None:
    with pytest.raises(ToolkitError, match=r"did not end within 0\.3 s"):
        ask("exec", id=box, argv=["sleep", "55"], timeout=0.3)
    left = ask("exec", id=box, argv=["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).result
    assert "sleep 55" not in left["stdout"]
    assert ask("inspect", id=box).result["status"] == "running"


def test_kill_wait_and_remove(ask: Ask, box: str) -> None:
    with pytest.raises(ConflictError, match="is running"):
        ask("remove", id=box)
    ask("kill", id=box, signal=9)
    assert ask("wait", id=box).result == 137
    assert ask("inspect", id=box).result["status"] == "exited"


def test_stop_waits_before_it_kills(ask: Ask, box: str) -> None:
    began = time.monotonic()
    ask("stop", id=box, timeout=0.2)
    assert 0.1 < time.monotonic() - began < 5
    assert ask("inspect", id=box).result["status"] == "exited"


def test_a_run_that_takes_too_long_is_removed(ask: Ask) -> None:
    with pytest.raises(ToolkitError, match=r"did not end within 0\.3 s"):
        ask("run", config=host("sleep", "1000"), timeout=0.3)
    assert ask("list", all=True).result == []


def test_a_lost_link_removes_what_it_ran(
    ask: Ask, link: StreamLink, settings: Mapping[str, str]
) -> None:
    lost: list[UnavailableError] = []

    def run() -> None:
        try:
            ask("run", config=host("sleep", "1000"))
        except UnavailableError as error:
            lost.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with open_local() as other:
        deadline = time.monotonic() + 60
        while not other.call("container.list", {"settings": settings}).result:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        link.close()
        thread.join()
        assert lost
        assert other.call("container.list", {"settings": settings, "all": True}).result == []


def test_a_created_container_outlives_its_agent(settings: Mapping[str, str]) -> None:
    with open_local() as first:
        params = {"config": host("sleep", "1000"), "settings": settings}
        name = first.call("container.create", params).result
        first.call("container.start", {"id": name, "settings": settings})
    with open_local() as second:
        view = second.call("container.inspect", {"id": name, "settings": settings}).result
        second.call("container.remove", {"id": name, "force": True, "settings": settings})
    assert view["status"] == "running"
