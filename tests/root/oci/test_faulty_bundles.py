"""A faulty config.json: refused with the place of the fault before anything is made."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.oci_boxes import Oci

pytestmark = pytest.mark.root

RLIMIT = {"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}
FAULTS: list[tuple[str, Any, str]] = [
    ("ociVersion", "2.0.0", "ociVersion: "),
    ("ociVersion", "banana", "ociVersion: "),
    ("process.args", [], "process.args: "),
    ("process.args", "sh", "process.args: expected a list"),
    ("process.cwd", "tmp", "process.cwd: expected an absolute path"),
    ("process.rlimits", [{**RLIMIT, "type": "RLIMIT_NONE"}], "process.rlimits[0].type: "),
    ("process.rlimits", [RLIMIT, RLIMIT], "process.rlimits[1].type: "),
    ("process.rlimits", [{**RLIMIT, "soft": 30}], "process.rlimits[0].soft: "),
    ("process.oomScoreAdj", 1001, "process.oomScoreAdj: "),
    ("process.user.umask", -1, "process.user.umask: "),
    ("process.ioPriority", {"class": "BEST", "priority": 1}, "process.ioPriority.class: "),
    ("process.ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8}, "process.ioPriority.prior"),
    ("process.capabilities", {"bounding": "CAP_KILL"}, "process.capabilities.bounding: expected"),
    ("process.consoleSize", {"height": -1, "width": 1}, "process.consoleSize.height: "),
    ("hooks", {"poststart": [{"path": "relative"}]}, "hooks.poststart[0].path: "),
    ("hooks", {"poststop": [{"path": "/x", "timeout": 0}]}, "hooks.poststop[0].timeout: "),
    (
        "mounts",
        [{"destination": "/x", "source": "/none", "options": ["bind"]}],
        "mounts[0].source: ",
    ),
    ("linux.devices", [{"path": "/dev/x", "type": "z"}], "linux.devices[0].type: "),
    ("linux.devices", [{"path": "dev/x", "type": "c"}], "linux.devices[0].path: "),
    (
        "linux.resources.devices",
        [{"allow": True, "type": "z"}],
        "linux.resources.devices[0].type: ",
    ),
    (
        "linux.resources.devices",
        [{"allow": True, "access": "rwx"}],
        "linux.resources.devices[0].access: ",
    ),
    ("linux.sysctl", {"kernel": "1"}, "linux.sysctl: 'kernel'"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "linux.namespaces[1].type: "),
    ("linux.cgroupsPath", "/a/../b", "linux.cgroupsPath: "),
    ("linux.resources.pids", {}, "linux.resources.pids.limit: missing"),
    ("linux.seccomp", {"defaultAction": "X"}, "linux.seccomp.defaultAction: unknown action"),
    ("root.path", "nowhere", "root.path: "),
]


def change(config: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        config = config.setdefault(name, {})
    config[last] = value


@pytest.mark.parametrize(("path", "value", "said"), FAULTS, ids=lambda value: str(value)[:40])
def test_the_place_is_named(oci: Oci, path: str, value: Any, said: str) -> None:
    bundle = oci.bundle("true")
    file = bundle / "config.json"
    config = json.loads(file.read_text())
    change(config, path, value)
    file.write_text(json.dumps(config))
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert done.status == 1
    assert f"config.json: {said}" in done.err.replace("dockyard-oci: linux", "config.json: linux")
    assert len(done.err.splitlines()) == 1
    assert not oci.states.exists() or [p for p in oci.states.iterdir() if p.name == "box"] == []


def test_a_file_that_is_no_json(oci: Oci) -> None:
    bundle = oci.bundle("true")
    (bundle / "config.json").write_text('{\n  "process": ]')
    done = oci.call("run", "--bundle", str(bundle), "box")
    assert "config.json: line 2, column 14" in done.err
    assert not Path(oci.states, "box").exists()
