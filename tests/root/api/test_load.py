"""Many clients, slow ones, and a server that is killed."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp  # noqa: TID251 - a client of its home
import pytest

from support.api import Docker

pytestmark = pytest.mark.root
PATIENCE = 120.0  # seconds: a machine may be busy


def session(docker: Docker) -> aiohttp.ClientSession:
    """A hundred connections, if need be."""
    connector = aiohttp.UnixConnector(str(docker.server.socket), limit=0)
    return aiohttp.ClientSession("http://d/v1.47/", connector=connector)


async def asked(client: aiohttp.ClientSession, method: str, path: str, **more: Any) -> Any:
    """An answer's JSON, of a request that goes well."""
    async with client.request(method, path, **more) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.content_type == "application/json" else None


def test_a_hundred_clients_at_once(docker: Docker) -> None:
    body = {"Image": "host", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}

    async def look(client: aiohttp.ClientSession, number: int) -> None:
        made = await asked(client, "POST", f"containers/create?name=c{number}", json=body)
        shown = await asked(client, "GET", f"containers/c{number}/json")
        assert shown["Id"] == made["Id"]
        await asked(client, "DELETE", f"containers/c{number}")

    async def run(client: aiohttp.ClientSession) -> None:
        removing = {**body, "HostConfig": {"NetworkMode": "none", "AutoRemove": True}}
        made = (await asked(client, "POST", "containers/create", json=removing))["Id"]
        waiting = asked(client, "POST", f"containers/{made}/wait?condition=removed")
        over = asyncio.ensure_future(waiting)
        await asked(client, "POST", f"containers/{made}/start")
        assert (await over)["StatusCode"] == 0

    async def main() -> None:
        async with session(docker) as client:
            await asyncio.gather(
                *(look(client, number) for number in range(80)), *(run(client) for _ in range(20))
            )
            assert await asked(client, "GET", "containers/json?all=1") == []

    asyncio.run(main())


def hijacked(docker: Docker, path: str) -> socket.socket:
    """A raw connection that ``path`` attaches."""
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(PATIENCE)
    line.connect(str(docker.server.socket))
    head = f"POST /v1.47/{path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    line.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += line.recv(1)
    assert b" 101 " in seen
    return line


def test_a_client_that_stops_reading_holds_up_nobody_else(docker: Docker) -> None:
    docker.said("create", "--name", "loud", "--network", "none", "host", "yes", "x" * 100)
    where = "containers/loud/attach?stream=1&stdout=1"
    with hijacked(docker, where) as deaf, hijacked(docker, where) as hears:
        docker.said("start", "loud")
        heard = 0
        while heard < 20 << 20:  # much more than may wait for one who does not read
            data = hears.recv(1 << 20)
            assert data, "who reads was cut off"
            heard += len(data)
        assert docker.said("run", "--rm", "--network", "none", "host", "echo", "x") == "x\n"
        assert deaf.recv(8)[0] == 1  # it has what was said first
    docker.said("kill", "loud")


def test_loud_containers_do_not_slow_the_ping(docker: Docker) -> None:
    """Absolute times are the machine's: the median is held to what no blocked loop could reach."""
    docker.said("run", "-d", "--name", "loud", "--network", "none", "host", "yes", "x" * 1000)
    following = docker.begin("logs", "-f", "loud")
    assert following.stdout is not None
    following.stdout.read(1 << 20)

    async def main() -> float:
        times = []
        async with session(docker) as client:
            for _ in range(50):
                begun = time.monotonic()
                async with client.get("http://d/_ping") as answer:
                    assert await answer.text() == "OK"
                times.append(time.monotonic() - begun)
                await asyncio.sleep(0.01)
        return sorted(times)[len(times) // 2]

    median = asyncio.run(main())
    docker.said("kill", "loud")
    following.kill()
    following.communicate()
    assert median < 1.0


COUNT = "i=0; while [ $i -lt 400 ]; do echo $i; i=$((i+1)); sleep 0.01; done; exit 3"


def test_a_server_that_is_killed_loses_nothing(docker: Docker) -> None:
    alone = ("--network", "none", "host", "sh", "-c")
    docker.said("run", "-d", "--name", "counts", *alone, COUNT)
    docker.said("run", "-d", "--name", "soon", *alone, "sleep 0.2; exit 5")
    docker.said("run", "-d", "--rm", "--name", "gone", *alone, "sleep 0.2")
    docker.said("run", "-d", "--restart", "always", "--name", "again", *alone, "sleep 0.2; exit 1")
    following = docker.begin("logs", "-f", "counts")
    assert following.stdout is not None
    following.stdout.readline()
    docker.server.kill()
    following.communicate(timeout=PATIENCE)
    time.sleep(0.5)  # some end meanwhile, and one is started again
    docker.server.start()
    assert docker.said("logs", "-f", "counts").split() == [str(number) for number in range(400)]
    assert docker.said("wait", "counts") == "3\n"
    assert docker.said("wait", "soon") == "5\n"
    assert docker.said("ps", "-aq", "-f", "name=gone") == ""
    deadline = time.monotonic() + PATIENCE
    while docker.said("inspect", "-f", "{{.RestartCount}}", "again").strip() in ("0", "1"):
        assert time.monotonic() < deadline
    docker.said("rm", "-f", "again")


def test_systemd_hands_over_a_socket_that_outlives_the_server(
    home: Path, require: Callable[[str], str]
) -> None:
    """As ``systemd-socket-activate`` does it: the first client starts the server."""
    place = home / "activated.sock"
    dockyard = str(Path(sys.executable).with_name("dockyard"))
    argv = [require("systemd-socket-activate"), "-l", str(place)]
    argv += [f"--setenv={name}" for name in os.environ if name.startswith("DOCKYARD_")]
    listening = subprocess.Popen([*argv, dockyard, "engine", "serve"])
    try:
        deadline = time.monotonic() + PATIENCE
        while not place.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        env = {**os.environ, "DOCKER_HOST": f"unix://{place}"}
        asked = [require("docker"), "run", "--rm", "--network", "none", "host", "echo", "x"]
        done = subprocess.run(
            asked, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert (done.stdout, done.stderr) == ("x\n", "")
    finally:
        listening.terminate()
        listening.wait(PATIENCE)
