"""Other clients: docker-py, testinfra's docker backend, a WebSocket, and sockets by hand."""

import asyncio
import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp  # noqa: TID251 - a client of its home
import docker as sdk
import pytest
import testinfra

from support.api import Docker

pytestmark = pytest.mark.root


@pytest.fixture
def client(docker: Docker) -> Iterator[sdk.DockerClient]:
    """docker-py, which asks for a version by itself."""
    found = sdk.DockerClient(base_url=docker.server.url, timeout=120)
    yield found
    found.close()


def test_docker_py_runs_and_looks_at_containers(client: sdk.DockerClient) -> None:
    said = client.containers.run("host", ["sh", "-c", "echo out"], remove=True, network="none")
    assert said == b"out\n"
    with pytest.raises(sdk.errors.ContainerError) as failed:
        client.containers.run("host", ["sh", "-c", "echo no >&2; exit 3"], remove=True)
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"no\n")
    box = client.containers.run("host", ["sleep", "1000"], detach=True, name="web")
    assert client.containers.get("web").status == "running"
    status, output = box.exec_run(["sh", "-c", "echo in; exit 7"])
    assert (status, output) == (7, b"in\n")
    status, (out, err) = box.exec_run(["sh", "-c", "echo a; echo b >&2"], demux=True)
    assert (status, out, err) == (0, b"a\n", b"b\n")
    ended = client.events(decode=True, since=0, filters={"event": "exec_die"})
    assert next(ended)["Actor"]["Attributes"]["exitCode"] == "7"
    ended.close()
    assert box.stats(stream=False)["pids_stats"]["current"] == 1
    assert next(iter(box.stats(decode=True)))["name"] == "/web"
    assert box.top()["Titles"][0] == "UID"
    box.pause()
    box.unpause()
    box.stop(timeout=0)
    assert box.wait()["StatusCode"] == 137
    box.remove()
    with pytest.raises(sdk.errors.NotFound, match="No such container"):
        client.containers.get("web")


def test_each_condition_is_waited_for(docker: Docker) -> None:
    made = docker.said("create", "--network", "none", "host", "sh", "-c", "exit 4").strip()

    async def main() -> list[int]:
        connector = aiohttp.UnixConnector(str(docker.server.socket))
        async with aiohttp.ClientSession("http://d/v1.47/", connector=connector) as client:

            async def begin(condition: str) -> aiohttp.ClientResponse:
                """Its head comes once the server looks."""
                return await client.post(f"containers/{made}/wait?condition={condition}")

            async def end(answer: aiohttp.ClientResponse) -> int:
                async with answer:
                    return int(json.loads(await answer.text())["StatusCode"])

            seen = [await end(await begin("not-running"))]
            ends, gone = await begin("next-exit"), await begin("removed")
            async with client.post(f"containers/{made}/start") as started:
                assert started.status == 204
            seen += [await end(ends), await end(await begin("not-running"))]
            async with client.delete(f"containers/{made}") as removed:
                assert removed.status == 204
            return [*seen, await end(gone)]

    assert asyncio.run(main()) == [0, 4, 4, 4]


def test_docker_py_streams_logs_and_events(client: sdk.DockerClient) -> None:
    events = client.events(decode=True)
    script = "for i in 1 2 3; do echo $i; done"
    box = client.containers.run("host", ["sh", "-c", script], detach=True)
    assert b"".join(box.logs(stream=True, follow=True)) == b"1\n2\n3\n"
    assert box.logs(tail=1, timestamps=True).endswith(b"Z 3\n")
    assert [next(events)["Action"] for _ in range(3)] == ["create", "start", "die"]
    events.close()


def test_docker_py_knows_volumes_networks_and_images(client: sdk.DockerClient) -> None:
    volume = client.volumes.create("data", labels={"a": "b"})
    assert client.volumes.get("data").attrs["Labels"] == {"a": "b"}
    volume.remove()
    network = client.networks.create("n1", labels={"a": "b"})
    assert [one.name for one in client.networks.list(filters={"label": "a=b"})] == ["n1"]
    network.remove()
    with pytest.raises(sdk.errors.ImageNotFound):
        client.images.get("nothing")
    context = io.BytesIO(b"FROM scratch\nLABEL a=b\n")
    image, _ = client.images.build(fileobj=context, tag="empty:1")
    assert image.labels == {"a": "b"}
    assert client.images.get("empty:1").id == image.id
    client.images.remove("empty:1")
    assert client.df()["Images"] == []
    assert client.info()["ServerVersion"] == client.version()["Version"]


def test_testinfra_looks_into_a_container(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.server.url)
    docker.said("run", "-d", "--name", "web", "--network", "none", "host", "sleep", "1000")
    host = testinfra.get_host("docker://web")
    assert host.check_output("echo %s", "a b") == "a b"
    assert host.file("/etc/passwd").exists
    assert host.run("exit 3").rc == 3


def test_a_web_socket_hears_and_speaks(docker: Docker) -> None:
    docker.said("create", "-i", "--name", "web", "--network", "none", "host", "cat")

    async def talk() -> bytes:
        connector = aiohttp.UnixConnector(str(docker.server.socket))
        async with aiohttp.ClientSession(connector=connector) as session:
            where = "http://d/v1.47/containers/web/attach/ws?stream=1&stdin=1&stdout=1"
            async with session.ws_connect(where) as line:
                async with session.post("http://d/v1.47/containers/web/start") as started:
                    assert started.status == 204
                await line.send_bytes(b"hello")
                return await line.receive_bytes(timeout=60)

    assert asyncio.run(talk()) == b"hello"
    docker.said("rm", "-f", "web")


def asked(place: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """A plain request, without a client's help."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(place)
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        line.sendall(head.encode() + data)
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    status, _, rest = answer.partition(b"\r\n\r\n")
    return int(status.split()[1]), json.loads(rest) if rest else None


def test_statuses_and_bodies_of_errors_are_dockers(docker: Docker) -> None:
    place = str(docker.server.socket)
    made = {"Image": "host", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}
    status, said = asked(place, "POST", "/v1.41/containers/create?name=web", made)
    assert (status, said["Warnings"]) == (201, [])
    expected = [
        ("POST", "/v1.41/containers/create?name=web", made, 409, "in use by container"),
        ("POST", "/v1.41/containers/create", {"Image": "no:1"}, 404, "No such image: no:1"),
        ("POST", "/v1.41/containers/create", {}, 400, "no image is given"),
        ("GET", "/v1.41/containers/none/json", None, 404, "No such container: none"),
        ("GET", "/v1.41/nothing", None, 404, "page not found"),
        ("DELETE", "/v1.41/_ping", None, 404, "page not found"),
        ("GET", "/v1.40/info", None, 400, "client version 1.40 is too old"),
        ("GET", "/v1.51/info", None, 400, "client version 1.51 is too new"),
        ("POST", "/v1.41/swarm/init", {}, 501, "swarms are not built"),
        ("POST", "/v1.41/containers/web/wait?condition=x", None, 400, "invalid condition"),
        ("POST", "/v1.41/containers/web/kill", None, 409, "is not running"),
        ("GET", "/v1.41/containers/web/attach/ws", None, 400, "WebSockets"),
    ]
    for method, path, body, wanted, words in expected:
        status, said = asked(place, method, path, body)
        assert (status, words in said["message"]) == (wanted, True), (path, said)
    assert asked(place, "POST", "/v1.41/containers/web/stop") == (304, None)
    assert asked(place, "POST", f"/containers/create?x={'y' * 9000}")[0] == 400
    status, said = asked(place, "POST", "/containers/create", {"Image": "x" * (9 << 20)})
    assert (status, "larger than" in said["message"]) == (413, True)
