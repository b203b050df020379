"""Tasks on a real machine: files, the kernel's network, systemd's files, sysctls."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.own_network import in_own_machine, ip
from toolkit.core.errors import ToolkitError, UnsupportedError
from toolkit.linux.mounts import MountFlag, mount
from toolkit.tasks import registry
from toolkit.tasks.changes import Change, from_data, to_data
from toolkit.tasks.local import LocalHost
from toolkit.tasks.perform import Outcome, perform
from toolkit.tasks.planned import PlannedHost

pytestmark = pytest.mark.root

BRIDGE = {"name": "bridge0", "address": "192.168.5.1/24", "persist": "networkd", "mtu": 1400}
NETWORKD = "/etc/systemd/network"


def run(name: str, arguments: dict[str, Any], host: Any = None, **more: Any) -> Outcome:
    return perform(registry.build(name, arguments), host or LocalHost(), **more)


def undone(done: list[Change]) -> None:
    for change in reversed(done):
        back = change.inverse()
        assert back is not None
        from_data(to_data(back)).apply(LocalHost())


def test_a_bridge_is_there_now_and_after_a_reboot(tmp_path: Path) -> None:
    def steps() -> tuple[list[str], list[str], str, str, bool]:
        planned = run("bridge", BRIDGE, PlannedHost(LocalHost()))
        first = run("bridge", BRIDGE)
        second = run("bridge", BRIDGE)
        described = [change.describe() for change in first.changes]
        assert described == [change.describe() for change in planned.changes]
        unit = Path(NETWORKD, "30-bridge0.network").read_text()
        return described, [c.describe() for c in second.changes], unit, ip("address"), True

    described, again, unit, shown, _ = in_own_machine(steps, tmp_path)
    assert "create bridge bridge0" in described
    assert again == []
    assert "192.168.5.1/24 brd 192.168.5.255" in shown
    assert "mtu 1400" in shown
    assert "Address=192.168.5.1/24" in unit
    assert "enable systemd-networkd.service" in described


def test_networkd_brings_the_bridge_up_at_boot(
    tmp_path: Path, require: Callable[[str], str]
) -> None:
    networkd = require("systemd-networkd")

    def steps() -> str:
        run("bridge", BRIDGE)
        LocalHost().net.delete_link("bridge0")
        mount("tmpfs", "/run", "tmpfs", data="mode=755")
        for folder in ("links", "leases", "lldp"):
            os.makedirs(f"/run/systemd/netif/{folder}")
        subprocess.run(["chown", "-R", "systemd-network:", "/run/systemd/netif"], check=True)
        # With a writable /sys it would wait for udev to announce the link.
        flags = MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY
        mount(None, "/sys", flags=flags)
        daemon = subprocess.Popen([networkd], stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 10
            while "192.168.5.1/24" not in ip("address") and time.monotonic() < deadline:
                time.sleep(0.05)
            return ip("address")
        finally:
            daemon.terminate()
            daemon.wait()

    shown = in_own_machine(steps, tmp_path)
    assert "192.168.5.1/24 brd 192.168.5.255" in shown
    assert "mtu 1400" in shown
    assert "UP" in shown.partition("bridge0:")[2]


def test_ifupdown_brings_the_bridge_up_at_boot(
    tmp_path: Path, require: Callable[[str], str]
) -> None:
    ifup = require("ifup")

    def steps() -> str:
        run("bridge", {**BRIDGE, "persist": "ifupdown"})
        LocalHost().net.delete_link("bridge0")
        mount("tmpfs", "/run", "tmpfs", data="mode=755")
        os.makedirs("/run/network")
        for step in ("pre-up", "up", "down", "post-down"):
            os.makedirs(f"/etc/network/if-{step}.d", exist_ok=True)
        subprocess.run([ifup, "bridge0"], check=True, capture_output=True)
        return ip("address")

    shown = in_own_machine(steps, tmp_path)
    assert "192.168.5.1/24 brd 192.168.5.255" in shown
    assert "mtu 1400" in shown


def test_undo_takes_the_bridge_and_its_files_back(tmp_path: Path) -> None:
    def steps() -> tuple[str, list[str], str]:
        done: list[Change] = []
        run("bridge", BRIDGE, before=done.append)
        undone(done)
        wants = Path("/etc/systemd/system/multi-user.target.wants")
        enabled = str(sorted(path.name for path in wants.iterdir())) if wants.is_dir() else ""
        return ip("link"), sorted(os.listdir(NETWORKD)), enabled

    links, files, enabled = in_own_machine(steps, tmp_path)
    assert "bridge0" not in links
    assert files == []
    assert "networkd" not in enabled


def test_a_sysctl_is_set_and_kept(tmp_path: Path) -> None:
    arguments = {
        "name": "net.ipv4.ip_forward",
        "value": 1,
        "sysctl_file": "/etc/sysctl.d/60-d.conf",
    }

    def steps() -> tuple[bool, bool, str, str, str]:
        done: list[Change] = []
        first = run("sysctl", arguments, before=done.append).changed
        now = Path("/proc/sys/net/ipv4/ip_forward").read_text()
        kept = Path("/etc/sysctl.d/60-d.conf").read_text()
        second = run("sysctl", arguments).changed
        undone(done)
        return first, second, now, kept, Path("/proc/sys/net/ipv4/ip_forward").read_text()

    first, second, now, kept, after = in_own_machine(steps, tmp_path)
    assert (first, second) == (True, False)
    assert (now, kept, after) == ("1\n", "net.ipv4.ip_forward=1\n", "0\n")


def test_a_value_that_the_kernel_refuses_is_named(tmp_path: Path) -> None:
    arguments = {"name": "net.ipv4.ip_forward", "value": "many"}

    def steps() -> None:
        run("sysctl", arguments)

    with pytest.raises(ToolkitError, match=r"refuses 'many' for 'net.ipv4.ip_forward': Invalid"):
        in_own_machine(steps, tmp_path)


def test_a_unit_is_enabled_without_a_running_manager(tmp_path: Path) -> None:
    unit = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    path = "/etc/systemd/system/dockyard-test.service"

    def steps() -> tuple[str, bool, bool, bool]:
        host = LocalHost()
        run("copy", {"dest": path, "content": unit})
        arguments = {"name": "dockyard-test", "enabled": True}
        planned = run("service", arguments, PlannedHost(host)).changed
        first = run("service", arguments).changed
        link = os.readlink("/etc/systemd/system/multi-user.target.wants/dockyard-test.service")
        second = run("service", arguments).changed
        run("service", {"name": "dockyard-test", "enabled": False})
        gone = os.path.lexists("/etc/systemd/system/multi-user.target.wants/dockyard-test.service")
        return link, planned and first, second, gone

    if LocalHost().services.running():
        pytest.skip("systemd runs here, and it is the machine's own")
    assert in_own_machine(steps, tmp_path) == (path, True, False, False)


def test_starting_without_a_manager_is_refused_with_a_hint(tmp_path: Path) -> None:
    def steps() -> None:
        run("service", {"name": "getty@tty1", "state": "started"})

    if LocalHost().services.running():
        pytest.skip("systemd runs here, and it is the machine's own")
    with pytest.raises(UnsupportedError, match="systemd does not run here") as caught:
        in_own_machine(steps, tmp_path)
    assert "enabled: true" in caught.value.hint


def test_delegation_is_what_systemd_reads(tmp_path: Path) -> None:
    drop_in = "/etc/systemd/system/user@.service.d/50-dockyard-delegate.conf"

    def steps() -> tuple[str, str]:
        run("cgroup_delegation", {})
        argv = ["systemd-analyze", "verify", "user@0.service"]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        return Path(drop_in).read_text(), done.stderr

    content, complaints = in_own_machine(steps, tmp_path)
    assert "[Service]\nDelegate=cpu cpuset io memory pids\n" in content
    assert "dockyard" not in complaints


def test_a_built_in_module_is_present(tmp_path: Path) -> None:
    def steps() -> tuple[list[str], str]:
        done = run("modprobe", {"name": "overlay", "persistent": "present"})
        kept = Path("/etc/modules-load.d/overlay.conf").read_text()
        return [change.describe() for change in done.changes], kept

    described, kept = in_own_machine(steps, tmp_path)
    assert not [line for line in described if line.startswith("load")]
    assert kept == "overlay\n"


def test_a_module_that_cannot_be_had_is_a_clear_error(tmp_path: Path) -> None:
    def steps() -> None:
        run("modprobe", {"name": "no_such_module"})

    wanted = "no_such_module|cannot load modules"
    with pytest.raises(ToolkitError, match=wanted):
        in_own_machine(steps, tmp_path)


def test_installed_packages_are_known_without_a_program(tmp_path: Path) -> None:
    def steps() -> tuple[bool, list[str]]:
        done = run("package", {"name": ["dpkg", "apt"]})
        return done.changed, sorted(set(LocalHost().packages.installed()) & {"dpkg", "apt"})

    assert in_own_machine(steps, tmp_path) == (False, ["apt", "dpkg"])


def test_a_file_that_is_a_mount_point_is_written_in_place(tmp_path: Path) -> None:
    def steps() -> tuple[bool, str, str]:
        for name in ("held", "below"):
            Path("/etc", name).write_text("old\n")
        subprocess.run(["mount", "--bind", "/etc/below", "/etc/held"], check=True)
        done = run("copy", {"dest": "/etc/held", "content": "new\n", "mode": "0600"})
        left = [name for name in os.listdir("/etc") if name.endswith(".new")]
        assert left == []
        return done.changed, Path("/etc/held").read_text(), Path("/etc/below").read_text()

    assert in_own_machine(steps, tmp_path) == (True, "new\n", "new\n")
