"""A filter that asks: the agent gets the listener and answers for the kernel."""

import array
import fcntl
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

# seccomp_unotify(2)
RECEIVE, ANSWER = 0xC0502100, 0xC0182101
REQUEST, RESPONSE = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
EXDEV = 18


class Agent:
    """Takes listeners, and refuses every call that it is asked about with an errno of its own."""

    def __init__(self, path: Path) -> None:
        self.states: list[dict[str, Any]] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                data, fds, *_ = socket.recv_fds(connection, 65536, 1)
            self.states.append(json.loads(data))
            threading.Thread(target=self._answer, args=(fds[0],), daemon=True).start()

    def _answer(self, fd: int) -> None:
        with os.fdopen(fd) as listener:
            while True:
                asked = array.array("B", bytes(REQUEST.size))
                try:
                    fcntl.ioctl(listener, RECEIVE, asked)
                    answer = RESPONSE.pack(REQUEST.unpack(asked)[0], 0, -EXDEV, 0)
                    fcntl.ioctl(listener, ANSWER, array.array("B", answer))
                except OSError:
                    return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock")
    yield made
    made.close()


@pytest.mark.parametrize("private", [False, True], ids=["new-privs", "no-new-privs"])
def test_the_agent_answers(oci: Oci, agent: Agent, tmp_path: Path, private: bool) -> None:
    seccomp = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(tmp_path / "agent.sock"),
        "listenerMetadata": "mine",
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}],
    }
    process = {"noNewPrivileges": private}
    script = "mkdir /tmp/x; exec sleep 600"
    mount = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}
    bundle = oci.bundle("sh", "-c", script, process=process, linux={"seccomp": seccomp})
    config = json.loads((bundle / "config.json").read_text())
    config["mounts"].append(mount)
    (bundle / "config.json").write_text(json.dumps(config))
    oci.must("create", "--bundle", str(bundle), "box")
    oci.must("start", "box")
    done = oci.call("exec", "box", "mkdir", "/tmp/y")
    assert done.status == 1
    assert "Cross-device link" in done.err or "cross-device link" in done.err.lower()
    first, second = agent.states
    pid = oci.state("box")["pid"]
    assert first["pid"] == first["state"]["pid"] == pid
    assert (first["fds"], first["metadata"]) == (["seccompFd"], "mine")
    assert (first["state"]["id"], first["state"]["status"]) == ("box", "creating")
    assert first["state"]["bundle"] == str(bundle)
    assert second["state"]["status"] == "running"
    assert second["pid"] != pid


def test_nobody_listens(oci: Oci, tmp_path: Path) -> None:
    seccomp = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(tmp_path / "none"),
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
    }
    bundle = oci.bundle("true", linux={"seccomp": seccomp})
    refused = oci.call("create", "--bundle", str(bundle), "box")
    assert refused.status == 1
    assert "linux.seccomp.listenerPath" in refused.err
    assert oci.must("list", "--quiet") == ""
