"""``events``: statistics, and the news that memory ran out."""

import json
import subprocess
from pathlib import Path

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

LIMIT = 16 << 20
# A child takes all, again and again; the first process lives on, as the kernel kills the biggest.
GREEDY = "while :; do (exec tail -c 200m /dev/zero); [ -e /dev/shm/enough ] && exit 0; done"


def test_statistics_once(oci: Oci) -> None:
    resources = {"memory": {"limit": LIMIT}, "pids": {"limit": 9}}
    bundle = oci.bundle("sleep", "600", linux={"resources": resources})
    oci.must("run", "--detach", "--bundle", str(bundle), "box")
    event = json.loads(oci.must("events", "--stats", "box"))
    assert (event["type"], event["id"]) == ("stats", "box")
    data = event["data"]
    assert data["pids"] == {"current": 1, "limit": 9}
    assert data["memory"]["usage"]["limit"] == LIMIT
    assert 0 < data["memory"]["usage"]["usage"] <= LIMIT
    assert data["memory"]["raw"]
    assert data["cpu"]["usage"]["total"] > 0


def test_statistics_again_and_again_until_it_ends(oci: Oci) -> None:
    oci.must("run", "--detach", "--bundle", str(oci.bundle("sleep", "600")), "box")
    argv = (oci.program, "--root", str(oci.states), "events", "--interval", "50ms", "box")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        kinds = [json.loads(process.stdout.readline())["type"] for _ in range(3)]
        oci.must("kill", "box", "KILL")
        assert process.wait(timeout=60) == 0
    assert kinds == ["stats"] * 3


def test_the_want_of_memory_is_told(oci: Oci) -> None:
    resources = {"memory": {"limit": LIMIT, "swap": LIMIT}}
    bundle = oci.bundle("sh", "-c", GREEDY, linux={"resources": resources})
    oci.must("create", "--bundle", str(bundle), "box")
    argv = (oci.program, "--root", str(oci.states), "events", "--interval", "100h", "box")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        oci.must("start", "box")
        event = json.loads(process.stdout.readline())  # it runs out again and again
        Path(f"/proc/{oci.state('box')['pid']}/root/dev/shm/enough").touch()
        assert process.wait(timeout=60) == 0
    assert event == {"type": "oom", "id": "box"}
    oci.wait_for("box", "stopped")


def test_what_is_refused(oci: Oci) -> None:
    bundle = oci.bundle("true")
    oci.must("run", "--keep", "--bundle", str(bundle), "box")
    assert "container 'box' is stopped" in oci.call("events", "--stats", "box").err
    assert "does not exist" in oci.call("events", "nobody").err
    for bad in ("0s", "x", "-1s"):
        assert "interval" in oci.call("events", "--interval", bad, "box").err
