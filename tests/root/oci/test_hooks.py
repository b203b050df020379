"""Hooks of all six kinds: where they run, what they are told, what becomes of one that fails."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

HOST = ("prestart", "createRuntime", "poststart", "poststop")
ALL = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
NOTE = """#!/bin/sh
echo "$1 $(readlink /proc/self/ns/mnt) $(cat)" >>"$2"
"""


@pytest.fixture
def note(tmp_path: Path) -> str:
    """A hook that notes its name, its mount namespace and the state."""
    path = tmp_path / "note"
    path.write_text(NOTE)
    path.chmod(0o755)
    return str(path)


def noted(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    if not path.exists():
        return []
    lines = [line.split(" ", 2) for line in path.read_text().splitlines()]
    return [(name, namespace, json.loads(state)) for name, namespace, state in lines]


def hooks_of(note: str, log: Path) -> dict[str, Any]:
    env = ["PATH=/usr/bin:/bin"]
    hooks: dict[str, Any] = {
        kind: [{"path": note, "args": ["note", kind, str(log)], "env": env}]
        for kind in ALL
        if kind != "startContainer"
    }
    script = 'echo "startContainer x $(cat)" >/out/inside'
    hooks["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", script], "env": env}]
    return hooks


def bundle_with(oci: Oci, hooks: dict[str, Any], out: Path, *args: str) -> Path:
    bundle = oci.bundle(*(args or ("sleep", "600")), hooks=hooks)
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    config["mounts"].append(
        {"destination": "/out", "type": "bind", "source": str(out), "options": ["rbind", "rw"]}
    )
    path.write_text(json.dumps(config))
    return bundle


def test_each_kind_runs_at_its_moment_in_its_namespace(oci: Oci, note: str, tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    out.mkdir()
    host = os.readlink("/proc/self/ns/mnt")
    bundle = bundle_with(oci, hooks_of(note, log), out)
    oci.must("create", "--bundle", str(bundle), "box")
    state = oci.state("box")
    inside = os.readlink(f"/proc/{state['pid']}/ns/mnt")
    assert [(name, where) for name, where, _ in noted(log)] == [
        ("prestart", host),
        ("createRuntime", host),
        ("createContainer", inside),
    ]
    for _, _, told in noted(log):
        assert told["status"] == "creating"
        assert (told["id"], told["pid"], told["bundle"]) == ("box", state["pid"], str(bundle))
    assert not (out / "inside").exists()
    oci.must("start", "box")
    _, _, told = noted(out / "inside")[0]
    assert (told["status"], told["pid"]) == ("created", state["pid"])
    name, where, told = noted(log)[-1]
    assert (name, where, told["status"]) == ("poststart", host, "running")
    oci.must("delete", "--force", "box")
    name, where, told = noted(log)[-1]
    assert (name, where, told["status"]) == ("poststop", host, "stopped")
    assert len(noted(log)) == 5


def test_run_calls_all_of_them(oci: Oci, note: str, tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    out.mkdir()
    oci.must("run", "--bundle", str(bundle_with(oci, hooks_of(note, log), out, "true")), "box")
    assert [name for name, _, _ in noted(log)] == [kind for kind in ALL if kind != "startContainer"]
    assert (out / "inside").exists()


def failing(kind: str, note: str, log: Path) -> dict[str, Any]:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo because >&2; exit 3"]}
    stop = {"path": note, "args": ["note", "poststop", str(log)], "env": ["PATH=/usr/bin:/bin"]}
    return {"poststop": [stop], kind: [hook]}


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_one_that_fails_at_creation_undoes_it(
    oci: Oci, note: str, tmp_path: Path, kind: str
) -> None:
    log = tmp_path / "log"
    bundle = oci.bundle("sleep", "600", hooks=failing(kind, note, log))
    refused = oci.call("create", "--bundle", str(bundle), "box")
    assert refused.status == 1
    assert f"hooks.{kind}[0]: '/bin/sh' ended with status 3: because" in refused.err
    assert oci.must("list", "--quiet") == ""
    assert [name for name, _, _ in noted(log)] == ["poststop"]


@pytest.mark.parametrize("kind", ["startContainer", "poststart"])
def test_one_that_fails_at_the_start_ends_the_container(
    oci: Oci, note: str, tmp_path: Path, kind: str
) -> None:
    log = tmp_path / "log"
    bundle = oci.bundle("sleep", "600", hooks=failing(kind, note, log))
    oci.must("create", "--bundle", str(bundle), "box")
    refused = oci.call("start", "box")
    assert refused.status == 1
    assert f"hooks.{kind}[0]" in refused.err
    oci.wait_for("box", "stopped")
    oci.must("delete", "box")
    assert [name for name, _, _ in noted(log)] == ["poststop"]


def test_poststop_that_fails_is_told_and_stops_nothing(oci: Oci) -> None:
    hook = {"path": "/bin/false"}
    bundle = oci.bundle("true", hooks={"poststop": [hook, hook]})
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert done.status == 0
    assert "hooks.poststop[1]: '/bin/false' ended with status 1" in done.err


def test_one_out_of_time_is_killed_with_its_children(oci: Oci) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "sleep 603; true"], "timeout": 1}
    bundle = oci.bundle("true", hooks={"createRuntime": [{**hook, "env": ["PATH=/usr/bin:/bin"]}]})
    refused = oci.call("run", "--bundle", str(bundle), "box")
    assert "did not end within 1 s" in refused.err
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"sleep\x00603" not in entry.read_bytes()
        except OSError:  # it ended meanwhile
            continue


def test_one_of_the_image_has_no_more_rights_than_the_container(oci: Oci, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    script = "cat /proc/self/status >/out/status; ls /proc/self/fd >/out/fds"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin"]}
    bundle = bundle_with(oci, {"startContainer": [hook]}, out, "cat", "/proc/self/status")
    own = oci.must("run", "--bundle", str(bundle), "box").splitlines()
    for line in own:
        if line.startswith(("Cap", "NoNewPrivs", "Uid")):
            assert line in (out / "status").read_text().splitlines()
    assert len((out / "fds").read_text().split()) == 4


def test_a_hook_that_cannot_run_is_told(oci: Oci) -> None:
    bundle = oci.bundle("true", hooks={"prestart": [{"path": "/no/such/hook"}]})
    refused = oci.call("run", "--bundle", str(bundle), "box")
    assert "ended with status 127: " in refused.err
    assert "No such file or directory" in refused.err
