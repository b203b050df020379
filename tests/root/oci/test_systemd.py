"""``--systemd-cgroup`` with a real systemd: scopes, limits that it knows, nothing left."""

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from support.oci_boxes import Oci
from support.own_systemd import BUS, GROUPS, MANAGER, SOCKET, serve_bus, with_systemd
from toolkit.cgroup import dbus

pytestmark = pytest.mark.root

PROPERTIES = "org.freedesktop.DBus.Properties"
Scoped = Callable[[Callable[[Oci], list[str]]], list[str]]


@pytest.fixture
def scoped(
    program: str, busybox_root: Path, tmp_path: Path, require: Callable[[str], str]
) -> Scoped:
    """``scoped(action)``: what ``action(oci)`` says, where systemd makes the cgroups."""
    systemd = require("systemd")
    mark = f"dockyard-test-{uuid.uuid4().hex[:12]}"

    def run(action: Callable[[Oci], list[str]]) -> list[str]:
        def inside() -> list[str]:
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={SOCKET}"
            oci = Oci(program, busybox_root, tmp_path, mark, flags=("--systemd-cgroup",))
            try:
                said = action(oci)
            finally:
                oci.end()
            assert units() == []
            assert not (GROUPS / "box.slice/dy-one.scope").exists()
            return said

        return with_systemd(systemd, mark, inside)

    return run


def units() -> list[str]:
    """The names of our scopes that systemd knows."""
    with dbus.Bus(str(SOCKET), timeout=60, hello=False) as bus:
        (listed,) = bus.call(MANAGER, "ListUnits")
    return sorted(entry[0] for entry in listed if entry[0].startswith("dy-"))


def told(name: str, *properties: str) -> list[str]:
    """What systemd thinks of a scope."""
    with dbus.Bus(str(SOCKET), timeout=60, hello=False) as bus:
        (path,) = bus.call(MANAGER, "GetUnit", "s", name)
        found = []
        for entry in properties:
            method = dbus.Method(service="", path=path, interface=PROPERTIES)
            kind = "org.freedesktop.systemd1.Scope"
            if entry in ("ActiveState", "CollectMode", "Description"):
                kind = "org.freedesktop.systemd1.Unit"
            (value,) = bus.call(method, "Get", "ss", kind, entry)
            found.append(str(value))
    return found


# Without limits: the machine may have its controllers in v1. tests/vm has those on v2.
LINUX = {"cgroupsPath": "box.slice:dy:one", "resources": {}}


def bundle(oci: Oci, *argv: str, **changes: object) -> str:
    folder = oci.bundle(*argv, **changes)  # type: ignore[arg-type] # parts of a configuration
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["linux"].update(LINUX)
    path.write_text(json.dumps(config))
    return str(folder)


def test_a_container_lives_in_its_scope(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        oci.must("create", "--bundle", bundle(oci, "sleep", "600"), "box")
        state = oci.state("box")
        group = Path(f"/proc/{state['pid']}/cgroup").read_text().splitlines()[-1]
        known = units()
        oci.must("start", "box")
        entered = oci.must("exec", "box", "cat", "/proc/self/cgroup").splitlines()[-1]
        oci.must("pause", "box")
        frozen = oci.status("box")
        oci.must("resume", "box")
        how = told("dy-one.scope", "ActiveState", "Delegate", "CollectMode", "Slice")
        listed = json.loads(oci.must("ps", "--format", "json", "box"))
        assert listed == [state["pid"]]
        oci.must("kill", "box", "KILL")
        oci.wait_for("box", "stopped")
        oci.must("delete", "box")
        return [group, *known, entered, frozen, *how]

    assert scoped(action) == [
        "0::/box.slice/dy-one.scope",
        "dy-one.scope",
        "0::/",
        "paused",
        "active",
        "True",
        "inactive-or-failed",
        "box.slice",
    ]


def test_run_in_the_foreground_leaves_no_scope(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        folder = bundle(oci, "sh", "-c", "cat /proc/self/cgroup; exit 7")
        done = [oci.call("run", "--bundle", folder, "box") for _ in range(2)]  # the name is free
        assert units() == []
        return [f"{each.status} {each.out.splitlines()[-1]}" for each in done]

    assert scoped(action) == ["7 0::/", "7 0::/"]


def test_over_a_bus(scoped: Scoped, require: Callable[[str], str]) -> None:
    daemon = require("dbus-daemon")

    def action(oci: Oci) -> list[str]:
        serve_bus(daemon)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={BUS}"
        done = oci.call("run", "--bundle", bundle(oci, "cat", "/proc/self/cgroup"), "box")
        oci.must("run", "-d", "--bundle", bundle(oci, "sleep", "600", name="two"), "two")
        known = units()
        oci.must("update", "--resources", "-", "two", stdin=b"{}")
        oci.must("delete", "--force", "two")
        return [done.out.splitlines()[-1], *known]

    assert scoped(action) == ["0::/", "dy-one.scope"]


def test_annotations_are_properties(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        asked = {
            "org.systemd.property.Description": "'my box'",
            "org.systemd.property.TimeoutStopSec": "uint64 7",
            "org.example": "x",
        }
        oci.must("run", "-d", "--bundle", bundle(oci, "sleep", "9", annotations=asked), "box")
        return told("dy-one.scope", "Description", "TimeoutStopUSec")

    assert scoped(action) == ["my box", "7000000"]


def test_a_second_one_of_that_name_is_refused_and_the_first_lives(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        oci.must("run", "-d", "--bundle", bundle(oci, "sleep", "600"), "box")
        refused = oci.call("run", "--bundle", bundle(oci, "true", name="other"), "other")
        assert "systemd has a unit 'dy-one.scope' already" in refused.err
        assert oci.must("list", "--quiet") == "box\n"
        return [str(refused.status), oci.status("box"), *units()]

    assert scoped(action) == ["1", "running", "dy-one.scope"]


def test_what_cannot_run_leaves_no_scope(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        done = oci.call("run", "--bundle", bundle(oci, "nonsense"), "box")
        assert oci.must("list", "--quiet") == ""
        return [str(done.status), *units()]

    assert scoped(action) == ["127"]


def test_a_scope_that_its_processes_left_is_no_obstacle(scoped: Scoped) -> None:
    def action(oci: Oci) -> list[str]:
        oci.must("run", "-d", "--bundle", bundle(oci, "sleep", "600"), "box")
        os.kill(oci.state("box")["pid"], 9)
        oci.wait_for("box", "stopped")
        oci.must("delete", "--force", "box")
        return units()

    assert scoped(action) == []


def test_without_systemd_the_failure_says_so(oci: Oci, tmp_path: Path) -> None:
    folder = oci.bundle("true", linux={"cgroupsPath": "a.slice:b:c"})
    refused = oci.call("--cgroup-manager", "systemd", "run", "--bundle", str(folder), "box")
    assert refused.status == 1
    assert "cgroup" in refused.err
    assert oci.must("list", "--quiet") == ""


@pytest.mark.parametrize("path", ["plain", "/a/b", "a.slice:b", "a:b:c", "a/b.slice:c:d"])
def test_a_path_that_names_no_unit_is_refused(oci: Oci, path: str) -> None:
    folder = oci.bundle("true")
    config = json.loads((folder / "config.json").read_text())
    config["linux"]["cgroupsPath"] = path
    (folder / "config.json").write_text(json.dumps(config))
    refused = oci.call("--systemd-cgroup", "run", "--bundle", str(folder), "box")
    assert "linux.cgroupsPath" in refused.err
    assert refused.status == 1
