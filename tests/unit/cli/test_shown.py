"""What ``ps`` and ``inspect`` show of a container."""

import time
from typing import Any

import pytest

from toolkit.cli.containers.listed import row
from toolkit.core.record import replace
from toolkit.engine.config import Bind, ContainerConfig, Tmpfs
from toolkit.engine.describing import document
from toolkit.engine.model import View
from toolkit.engine.settings import Settings
from toolkit.engine.words import status


def view(**changes: Any) -> View:
    """A running one, begun so long ago that a slow machine shows the same span."""
    now = time.time()
    made = View(
        id="0123456789abcdef" * 4,
        name="web",
        image="host",
        args=("sh", "-c", "while true"),
        config=ContainerConfig(image="host", command=("sh", "-c", "while true")),
        status="running",
        created=now - 190,
        started=now - 70,
        pid=7,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Up About a minute"),
        ({"status": "paused"}, "Up About a minute (Paused)"),
        ({"status": "created", "started": 0.0}, "Created"),
        ({"status": "exited", "exit_status": 3}, "Exited (3) About a minute ago"),
    ],
)
def test_the_status_in_dockers_words(changes: dict[str, Any], text: str) -> None:
    assert status(view(**changes)) == text


def test_a_line_of_ps() -> None:
    short = row(view(), whole=False)
    assert [short[name] for name in ("ID", "Image", "Command", "RunningFor", "Names")] == [
        "0123456789ab",
        "host",
        '"sh -c while true"',
        "3 minutes ago",
        "web",
    ]
    long = view(args=("x" * 30,))
    assert row(long, whole=False)["Command"] == f'"{"x" * 19}…"'
    assert row(long, whole=True)["Command"] == f'"{"x" * 30}"'
    assert row(long, whole=True)["ID"] == long.id


def test_what_else_a_line_can_show() -> None:
    binds = (Bind(source="/srv/a-long-directory", target="/b"),)
    made = view(labels=("a=1", "b="), config=ContainerConfig(image="host", binds=binds))
    shown = row(made, whole=False, size="3B")
    assert (shown["Labels"], shown["Mounts"]) == ("a=1,b=", "/srv/a-long-di…")
    assert (shown["State"], shown["Size"]) == ("running", "3B")
    label = shown["Label"]
    assert callable(label)
    assert (label("a"), label("zz")) == ("1", "")


def test_inspect_has_dockers_shape() -> None:
    config = ContainerConfig(
        image="host",
        binds=(Bind(source="/a", target="/b", read_only=True),),
        tmpfs=(Tmpfs(target="/t", options=("noexec",)),),
        cpu_quota=50_000,
        cpu_period=100_000,
        no_new_privileges=True,
        seccomp="unconfined",
    )
    shown = document(view(config=config, labels=("a=b=c",)), Settings())
    assert shown["Name"] == "/web"
    assert shown["State"]["Running"] is True
    assert shown["HostConfig"]["NanoCpus"] == 500_000_000
    assert shown["HostConfig"]["SecurityOpt"] == ["no-new-privileges", "seccomp=unconfined"]
    assert shown["Mounts"][0]["RW"] is False
    assert shown["Config"]["Labels"] == {"a": "b=c"}
    assert shown["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
